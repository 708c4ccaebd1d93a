"""results of a sweep → a picture: error over bitrate, coloured by the health of the codebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distill.listen.letters import figure_text
from distill.sweep.results import Result, short, swept_keys
from distill.system.atomic import whole_file

LABELLED = 12
LINE_PT = 11


def draw(ranking: Sequence[Result], path: Path) -> None:
    """Write a PNG file; jobs without a model are left out."""
    keys = swept_keys(ranking)
    shown = [result for result in ranking if result.ranked]
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.add_subplot()
    dots = axes.scatter(
        [result.bitrate_kbps for result in shown],
        [result.mel_db for result in shown],
        c=[result.utilization for result in shown],
        cmap="RdYlGn",
        vmin=0,
        vmax=1,
        s=60,
        edgecolors="black",
        linewidths=0.5,
        zorder=3,
    )
    axes.set_xlabel("bitrate (kbit/s)")
    axes.set_ylabel("held-out mel error (dB)")
    title, written = figure_text(", ".join(keys) or "jobs")
    axes.set_title(title, fontsize=10, **written)
    axes.grid(alpha=0.3)
    axes.margins(x=0.2)
    figure.colorbar(dots, label="utilization of the worst level", format="{x:.0%}")
    figure.draw_without_rendering()  # the layout decides how far apart the dots are
    _label(axes, figure.dpi, shown[:LABELLED], keys)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=120)


def _label(axes: Axes, dpi: float, shown: Sequence[Result], keys: Sequence[str]) -> None:
    """Write rank and values beside each dot, above the text of lower dots at the same bitrate."""
    above: dict[float, float] = {}
    for rank, result in sorted(enumerate(shown, start=1), key=lambda one: one[1].mel_db):
        values = ", ".join(short(result.setting(key)) for key in keys)
        height = axes.transData.transform((result.bitrate_kbps, result.mel_db))[1] * 72 / dpi
        place = max(height - 3, above.get(result.bitrate_kbps, 0.0))
        above[result.bitrate_kbps] = place + LINE_PT
        label, written = figure_text(f"{rank}: {values}")
        axes.annotate(
            label,
            (result.bitrate_kbps, result.mel_db),
            xytext=(12, place - height),
            textcoords="offset points",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "gray"},
            **written,
        )
