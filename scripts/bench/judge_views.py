"""two sets of prepared mels (B, M, F) → how well they can be told, in two ways.

By false sounds: judges learn to tell hand-made false sounds from real ones, and never see a sound
that they are asked about: the folder's sounds are in parts, each judged by those who learnt of the
others, and a set's sounds belong to the part of the real sound that is nearest.

Directly: one learns to tell this very set from the real sounds, part by part in turn, by what those
judges see in them. There are few sounds to learn from, and many traces that nobody hears, so attack
and end are left out here; the attack is measured beside.

The accuracy of both is the mean of the shares of either side that are put on it. It is 0.5 if
nobody can tell: a threshold is chosen on one half of the sounds and counts on the other half, so
that chance does not make it more. It is 1 if all are told. (A threshold at the median of the real
sounds would call half of them false, and 0.75 the most that is possible.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from judge_mels import without_ends
from judge_mixes import Mixes
from judge_network import STEPS, Judge, features_of, learn_directly, look_at, taught
from torch import Tensor

PARTS = 3
HALVES = 20
"""How often the sounds are halved for the threshold."""


@dataclass(frozen=True)
class Side:
    """Some sounds."""

    mels: Tensor
    """(B, M, F), prepared."""
    parts: Tensor
    """(B,) of which part each is, 0 to PARTS - 1."""

    def __len__(self) -> int:
        return len(self.mels)


@dataclass(frozen=True)
class Judged:
    """What judges see in some sounds."""

    parts: Tensor
    """(B,) as before."""
    falseness: Tensor
    """(B,): how false each looks to those who have not heard it, the mean of the seeds."""
    features: Tensor
    """(seeds, PARTS, B, ·): what each judge sees, without attack and end."""

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, which: Tensor) -> Judged:
        return Judged(self.parts[which], self.falseness[which], self.features[:, :, which])


class Judges:
    """Judges who learnt of hand-made false sounds, for each seed one for each part."""

    def __init__(
        self,
        magnitudes: Tensor,
        parts: Tensor,
        *,
        seeds: int,
        steps: int = STEPS,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Teach them by real sounds (N, M, F), not coded, of these parts (N,)."""
        self._judges: list[list[Judge]] = []
        for seed in range(seeds):
            self._judges.append([])
            for part in range(PARTS):
                mixes = Mixes(magnitudes[parts != part], seed=PARTS * seed + part)
                self._judges[-1].append(taught(mixes, seed=seed, steps=steps))
                progress()

    def look_at(self, side: Side) -> Judged:
        """What they see."""
        falseness = torch.zeros(len(side))
        mels = without_ends(side.mels, torch.Generator().manual_seed(0))
        features = []
        for judges in self._judges:
            for part, judge in enumerate(judges):
                own = side.parts == part
                if own.any():
                    falseness[own] += look_at(judge, side.mels[own]) / len(self._judges)
                features.append(features_of(judge, mels))
        stacked = torch.stack(features).unflatten(0, (len(self._judges), PARTS))
        return Judged(side.parts, falseness, stacked)


def told_as_false(real: Judged, other: Judged) -> float:
    """The accuracy with which a set is told from real sounds by how false it looks. Judges of
    different parts are not equally strict, so the median of both sides of a part is taken off.
    """
    scores = [real.falseness.clone(), other.falseness.clone()]
    for part in range(PARTS):
        own = [side.parts == part for side in (real, other)]
        both = torch.cat([score[which] for score, which in zip(scores, own, strict=True)])
        if len(both):
            for score, which in zip(scores, own, strict=True):
                score[which] -= both.median()
    return accuracy(scores[0], scores[1])


def told_directly(real: Judged, other: Judged) -> float:
    """The accuracy with which a set is told by those who have learnt of the other parts of it."""
    sides = (real, other)
    scores = [torch.zeros(len(side)) for side in sides]
    for part in range(PARTS):
        own = [side.parts == part for side in sides]
        if not all(which.any() and not which.all() for which in own):
            continue
        for seen in zip(*(side.features[:, part] for side in sides), strict=True):
            give = learn_directly(*(each[~which] for each, which in zip(seen, own, strict=True)))
            for score, each, which in zip(scores, seen, own, strict=True):
                score[which] += give(each[which])
    return _shares(scores[0], scores[1], 0.0)


def accuracy(real: Tensor, other: Tensor) -> float:
    """Scores (N,) and (K,), larger for what looks false → the balanced accuracy."""
    random = torch.Generator().manual_seed(0)
    found = []
    for _ in range(HALVES):
        halves = [
            torch.rand(len(side), generator=random).argsort() < len(side) // 2
            for side in (real, other)
        ]
        for flip in (False, True):
            first = [side[half ^ flip] for side, half in zip((real, other), halves, strict=True)]
            second = [side[~half ^ flip] for side, half in zip((real, other), halves, strict=True)]
            if all(len(each) for each in (*first, *second)):
                found.append(_shares(second[0], second[1], _best(first[0], first[1])))
    return sum(found) / max(1, len(found))


def _best(real: Tensor, other: Tensor) -> float:
    """The threshold that tells two sides best."""
    places = torch.cat([real, other]).sort().values
    middles = (places[1:] + places[:-1]) / 2
    right = (real[None] <= middles[:, None]).float().mean(dim=1)
    right += (other[None] > middles[:, None]).float().mean(dim=1)
    smooth = torch.nn.functional.avg_pool1d(right[None], 5, 1, 2, count_include_pad=False)[0]
    return float(middles[int(smooth.argmax())])


def _shares(real: Tensor, other: Tensor, threshold: float) -> float:
    return float(((real <= threshold).float().mean() + (other > threshold).float().mean()) / 2)


def parts_of(mels: Tensor, real: Side) -> Tensor:
    """Prepared mels (B, M, F) → the part of the nearest real sound of each."""
    distances = torch.cdist(mels.flatten(1), real.mels.flatten(1), p=1)
    return real.parts[distances.argmin(dim=1)]
