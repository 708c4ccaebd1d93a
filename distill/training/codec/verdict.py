"""history + health → what became of a codec, in plain words."""

from __future__ import annotations

from distill.data.split import FEWEST_HELD_OUT
from distill.system.terminal import counted
from distill.training.codec.health import SideHealth
from distill.training.records.course import describe_course
from distill.training.records.history import History


def verdict(
    history: History,
    health: SideHealth | None,
    *,
    min_utilization: float,
    finished: bool,
    held_out_sounds: int | None = None,
) -> str:
    """Converged, still improving, overfitting since epoch n, or collapsed levels; several may be
    true.
    """
    said = []
    ill = health.ill_levels(min_utilization) if health else ()
    if ill:
        assert health is not None
        named = ", ".join(
            f"level {level} ({health.levels[level].utilization:.1%} in use)" for level in ill
        )
        said.append(f"collapsed: {named}")
    said.append(describe_course(history, "val/mel_db", "held-out mel error", finished=finished))
    if health and not health.can_judge(min_utilization):
        said.append(
            f"too little sound to judge the codebooks ({health.positions:,} codes counted, "
            f"for {health.codebook_size} in each codebook)"
        )
    if held_out_sounds is not None and held_out_sounds < FEWEST_HELD_OUT:
        rest = counted(held_out_sounds, "sound")
        said.append(f"weak figures: only {rest} held out, so chance has a large part in them")
    return "; ".join(said)
