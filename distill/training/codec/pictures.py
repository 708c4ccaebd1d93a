"""pairs of mels in dB → a labelled picture, original above result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from distill.listen.letters import figure_text
from distill.listen.picture import COLOURS, colour_range
from distill.model.mel import LogMel

SIDE_BY_SIDE = 6
TICKS_HZ = (100, 500, 2_000, 8_000, 20_000)


def draw_mel_pairs(
    originals: Sequence[Tensor],
    results: Sequence[Tensor],
    names: Sequence[str],
    spectrogram: LogMel,
) -> np.ndarray:
    """Mels in dB (M, F), a result for each original → picture (height, width, 3) uint8, in which
    the results are below their originals, a few side by side.
    """
    config = spectrogram.config
    columns = min(SIDE_BY_SIDE, len(originals))
    bands = -(-len(originals) // columns)
    size = width, height = 3.6 * columns + 1.8, 5.2 * bands
    # places by hand: to find them takes matplotlib longer than all the rest
    figure = Figure(figsize=size, dpi=100)
    canvas = FigureCanvasAgg(figure)
    edges = {"left": 0.8 / width, "right": 1 - 1.1 / width}
    outer = figure.add_gridspec(
        bands, 1, hspace=0.2, top=1 - 0.45 / height, bottom=0.5 / height, **edges
    )
    ticks = _frequency_ticks(spectrogram)
    darkest_db, brightest_db = colour_range(originals, config.floor)
    image = None
    for number, pair in enumerate(zip(originals, results, strict=True)):
        band, column = divmod(number, columns)
        inner = outer[band].subgridspec(2, columns, hspace=0.12, wspace=0.12)
        places = [figure.add_subplot(inner[row, column]) for row in range(2)]
        for axes, mel, kind in zip(places, pair, ("original", "result"), strict=True):
            seconds = mel.shape[-1] * config.hop_length / config.sample_rate_hz
            image = axes.imshow(
                mel.numpy(),
                origin="lower",
                aspect="auto",
                cmap=COLOURS,
                vmin=darkest_db,
                vmax=brightest_db,
                extent=(0, seconds, 0, config.n_mels),
                interpolation="nearest",
            )
            name, written = figure_text(names[number])
            title = f"{name}\n{kind}" if kind == "original" else kind
            axes.set_title(title, fontsize=8, **written)
            axes.set_yticks(*(ticks if column == 0 else ([],)))
            axes.set_ylabel("frequency (Hz)" if column == 0 else "")
        places[0].tick_params(labelbottom=False)
        places[1].set_xlabel("time (s)")
    assert image is not None
    scale = figure.add_axes((1 - 0.9 / width, 0.5 / height, 0.15 / width, 2.6 / height))
    figure.colorbar(image, cax=scale, label="mel magnitude (dB)")
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return rgba[..., :3].copy()


def _frequency_ticks(spectrogram: LogMel) -> tuple[list[int], list[str]]:
    """The mel bins nearest to a few round frequencies, and their labels."""
    config, bank = spectrogram.config, spectrogram.filters
    shown = [hz for hz in TICKS_HZ if hz < config.sample_rate_hz / 2]
    rows = [min(len(bank) - 1, round(hz * config.n_fft / config.sample_rate_hz)) for hz in shown]
    return [int(torch.argmax(bank[row])) for row in rows], [f"{hz:,}" for hz in shown]
