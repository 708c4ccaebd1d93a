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
    size = (3.6 * columns + 0.8, 5.2 * bands)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(2 * bands, columns, sharey=True, squeeze=False)
    darkest_db, brightest_db = colour_range(originals, config.floor)
    image = None
    for number, pair in enumerate(zip(originals, results, strict=True)):
        band, column = divmod(number, columns)
        places = grid[2 * band : 2 * band + 2, column]
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
        places[0].tick_params(labelbottom=False)
        places[1].set_xlabel("time (s)")
    for axes in grid.flat:
        axes.set_visible(bool(axes.images))
    positions, labels = _frequency_ticks(spectrogram)
    for axes in grid[:, 0]:
        axes.set_yticks(positions, labels)
        axes.set_ylabel("frequency (Hz)")
    assert image is not None
    figure.colorbar(image, ax=grid, label="mel magnitude (dB)", shrink=0.8)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return rgba[..., :3].copy()


def _frequency_ticks(spectrogram: LogMel) -> tuple[list[int], list[str]]:
    """The mel bins nearest to a few round frequencies, and their labels."""
    config, bank = spectrogram.config, spectrogram.filters
    shown = [hz for hz in TICKS_HZ if hz < config.sample_rate_hz / 2]
    rows = [min(len(bank) - 1, round(hz * config.n_fft / config.sample_rate_hz)) for hz in shown]
    return [int(torch.argmax(bank[row])) for row in rows], [f"{hz:,}" for hz in shown]
