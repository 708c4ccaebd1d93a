"""prepared mels (B, M, F) → how little each looks like one real sound: a network, how it learns
of hand-made false sounds, and how a set is told by what it sees.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from judge_mels import DEPTH_DB
from judge_mixes import Mixes
from torch import Tensor, nn

CHANNELS = (16, 32, 48, 64, 96)
BANDS = 4
BATCH, STEPS, RATE = 48, 420, 3e-3
NOISE_DB, LEVEL_DB = 0.7, 1.0
"""Added to the mels in training, so that small differences do not count."""
DECAY = 1e-3
"""Of the weights with which a set is told directly."""


class Judge(nn.Module):
    """Convolutions over the mel, its change, and the change of all bins together; then the means
    and maxima over time in four bands, and two layers.
    """

    def __init__(self) -> None:
        super().__init__()
        first, *others = CHANNELS
        layers: list[nn.Module] = [nn.Conv2d(3, first, (5, 3), stride=(2, 1), padding=(2, 1))]
        layers.append(nn.SiLU())
        for before, after in pairwise(CHANNELS):
            stride = (2, 1) if after == others[-1] else (2, 2)
            layers.append(nn.Conv2d(before, after, 3, stride=stride, padding=1))
            layers += [nn.GroupNorm(4, after), nn.SiLU()]
        self.look = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(others[-1] * BANDS * 2, 64), nn.SiLU(), nn.Linear(64, 1)
        )

    def forward(self, mels: Tensor) -> Tensor:
        """(B, M, F) in dB → (B,), larger for what looks like no real sound."""
        scores: Tensor = self.head(self.features(mels))
        return scores[:, 0]

    def features(self, mels: Tensor) -> Tensor:
        """(B, M, F) in dB → (B, features)."""
        level = 2 * mels / DEPTH_DB + 1
        change = nn.functional.pad(mels[..., 1:] - mels[..., :-1], (1, 0)) / 10
        together = 2 * change.mean(dim=1, keepdim=True).expand_as(change)
        found = self.look(torch.stack([level, change, together], dim=1))
        return torch.cat([found.mean(dim=3).flatten(1), found.amax(dim=3).flatten(1)], dim=1)


def taught(mixes: Mixes, *, seed: int, steps: int = STEPS) -> Judge:
    """A judge that has learnt to tell false sounds from real ones."""
    torch.manual_seed(seed)
    judge = Judge().train()
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    with torch.enable_grad():
        for _ in range(steps):
            mels, is_false = mixes.batch(BATCH)
            noise = NOISE_DB * torch.randn_like(mels) + LEVEL_DB * torch.randn(len(mels), 1, 1)
            scores = judge(mels + noise)
            loss = nn.functional.binary_cross_entropy_with_logits(scores, is_false.float())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return judge.eval()


@torch.no_grad()
def look_at(judge: Judge, mels: Tensor) -> Tensor:
    """Prepared mels (B, M, F) → (B,) what it gives each."""
    return torch.cat([judge(part) for part in mels.split(64)])


@torch.no_grad()
def features_of(judge: Judge, mels: Tensor) -> Tensor:
    """Prepared mels (B, M, F) → (B, features)."""
    return torch.cat([judge.features(part) for part in mels.split(64)])


def learn_directly(real: Tensor, other: Tensor) -> Callable[[Tensor], Tensor]:
    """Features (N, ·) and (K, ·) of two sets → what gives others' features (B, ·) scores (B,), over
    0 for those like the second set: a logistic regression, in which each set counts as much.
    """
    values = torch.cat([real, other])
    mean, spread = values.mean(dim=0), (values.std(dim=0) + 1e-3) * values.shape[1] ** 0.5
    values = (values - mean) / spread
    is_other = (torch.arange(len(values)) >= len(real)).float()
    counts = torch.where(is_other > 0, len(other), len(real))
    importance = len(values) / 2 / counts
    line = torch.zeros(values.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=60)

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = values @ line[1:] + line[0]
        value = nn.functional.binary_cross_entropy_with_logits(scores, is_other, importance)
        value = value + DECAY * line[1:].square().sum() / 2
        value.backward()
        return value

    with torch.enable_grad():
        optimizer.step(loss)
    weights = line.detach()
    return lambda others: ((others - mean) / spread) @ weights[1:] + weights[0]
