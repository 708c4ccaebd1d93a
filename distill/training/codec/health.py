"""code counts (L, K) → utilization, perplexity and dead codes of each level, and advice if low."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from distill.codec.description import LevelHealth
from distill.codec.level_health import LevelsHealth, SideHealth
from distill.model.layout import NO_CODE, CodeLayout
from distill.model.vqvae import sounding_columns


def health_of(counts: Tensor, layout: CodeLayout | None = None) -> SideHealth:
    """Code counts (L, K) int64 → health; all zeros where nothing was counted. Without a layout, all
    rows have all levels, and each of these has K codes.
    """
    if layout is None:
        layout = CodeLayout(1, *counts.shape)
    own, low = counts.cpu().split([layout.levels, layout.low_levels])
    of_low = _levels_health(low[:, : layout.low_codebook_size]) if len(low) else None
    of_all = _levels_health(own[:, : layout.codebook_size])
    return SideHealth(of_all.levels, of_all.positions, of_all.codebook_size, of_low)


def _levels_health(counts: Tensor) -> LevelsHealth:
    levels = []
    for count in counts.double():
        share = count / count.sum().clamp(min=1)
        entropy = -(share * share.clamp(min=1e-300).log()).sum().item()
        used = int((count > 0).sum())
        levels.append(
            LevelHealth(used / len(count), math.exp(entropy) if used else 0.0, len(count) - used)
        )
    return LevelsHealth(tuple(levels), int(counts[0].sum()), counts.shape[1])


def count_codes(indices: Tensor, sounding: Tensor, *, stride: int, codebook_size: int) -> Tensor:
    """Codes (B, H, W, L) and sounding frames (B, F), `stride` frames to a column → counts (L, K)
    int64, with `codebook_size` the largest K of all levels. Places without a code are left out.

    A column counts if one of its frames sounds. Padding around a sound always gets the same
    code, so counting it would make every codebook look bad.
    """
    columns = sounding_columns(sounding, stride=stride)
    chosen = indices.transpose(1, 2)[columns].flatten(0, 1)  # (positions, L)
    return torch.stack(
        [
            torch.bincount(level[level != NO_CODE], minlength=codebook_size)
            for level in chosen.unbind(-1)
        ]
    )


def remedy(
    side: SideHealth,
    ill: Iterable[int],
    *,
    fitting_codebook_size: int,
    dead_code_threshold: float,
    commitment_weight: float,
    learns_by_use: bool = True,
) -> str:
    """Which settings to change, most effective first: overrides to type, and the reasons. Only
    codes that learn by use can be reset when they are dead.
    """
    ill = set(ill)
    overrides, reasons = [], []
    if learns_by_use and dead_code_threshold == 0:
        overrides.append("rvq.dead_code_threshold=2")
        reasons.append("dead-code reset is off")
    if fitting_codebook_size < side.codebook_size:
        overrides.append(f"rvq.codebook_size={fitting_codebook_size}")
        reasons.append(f"{side.codebook_size:,} codes are more than this collection can fill")
    if not overrides:
        healthy_first = len(side.levels) - len(ill)
        healthy_low = len(side.every_level) - len(ill) - len(side.levels)
        low = range(len(side.levels), len(side.every_level))
        if ill and ill == set(low[healthy_low:]):
            overrides.append(f"rvq.low_levels={healthy_low}")
            reasons.append("only the finest levels of the low rows are hardly used")
        elif healthy_first > 0 and ill == set(range(healthy_first, len(side.levels))):
            overrides.append(f"rvq.levels={healthy_first}")
            reasons.append("only the finest levels are hardly used")
        elif commitment_weight < 1:
            overrides.append(
                f"model.commitment_weight={min(1.0, 2 * max(commitment_weight, 0.125)):g}"
            )
            reasons.append("the encoder's output is far from its codes")
        else:
            overrides.append(f"rvq.codebook_size={max(2, side.codebook_size // 2)}")
            reasons.append(
                "the sounds are too similar for this number of codes; more varied sounds help too"
            )
    return f"{' '.join(overrides)} ({'; '.join(reasons)})"
