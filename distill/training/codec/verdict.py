"""history + health → a verdict on a codec, in plain words."""

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
    """Say whether it converged, still improves, overfits or has collapsed levels; several of these
    can be true.
    """
    findings = []
    ill = health.ill_levels(min_utilization) if health else ()
    if ill:
        assert health is not None
        named = ", ".join(
            f"level {level} ({health.levels[level].utilization:.1%} in use)" for level in ill
        )
        findings.append(f"collapsed: {named}")
    findings.append(describe_course(history, "val/mel_db", "held-out mel error", finished=finished))
    if health and not health.can_judge(min_utilization):
        findings.append(
            f"too little sound to judge the codebooks ({health.positions:,} places in it, "
            f"for {health.codebook_size} codes in each codebook)"
        )
    if history.epochs and held_out_sounds is not None and held_out_sounds < FEWEST_HELD_OUT:
        sounds = counted(held_out_sounds, "sound")
        findings.append(f"weak figures: only {sounds} held out, so chance has a large part in them")
    return "; ".join(findings)
