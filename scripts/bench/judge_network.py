"""prepared mels (B, M, F) → how little each looks like one real sound: the network, and how it learns.
"""

from __future__ import annotations

import torch
from judge_mels import DEPTH_DB
from judge_mixes import Mixes
from torch import Tensor, nn

WIDTH = 16
BATCH = 48
RATE, RATE_DIRECTLY = 1e-3, 5e-4
ROUNDS = 12
LATEST = 6
"""A sound begins this many frames later at most, while a judge learns of few."""
NOISE_DB, LEVEL_DB = 0.7, 1.0
"""Added to the mels in training, so that small differences do not count."""


class Judge(nn.Module):
    """Convolutions over the mel, its change, and the change of all bins together; then the means
    and maxima over time in four bands, and two layers.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        w = width
        self.look = nn.Sequential(
            nn.Conv2d(3, w, (5, 3), stride=(2, 1), padding=(2, 1)),
            nn.SiLU(),
            *_block(w, 2 * w, (2, 2)),
            *_block(2 * w, 3 * w, (2, 2)),
            *_block(3 * w, 4 * w, (2, 2)),
            *_block(4 * w, 6 * w, (2, 1)),
        )
        self.head = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(6 * w * 4 * 2, 64), nn.SiLU(), nn.Linear(64, 1)
        )

    def forward(self, mels: Tensor) -> Tensor:
        """(B, M, F) in dB → (B,), larger for what looks like no real sound."""
        return self.head(self.features(mels))[:, 0]

    def features(self, mels: Tensor) -> Tensor:
        """(B, M, F) in dB → (B, features)."""
        level = 2 * mels / DEPTH_DB + 1
        change = nn.functional.pad(mels[..., 1:] - mels[..., :-1], (1, 0)) / 10
        together = 2 * change.mean(dim=1, keepdim=True).expand_as(change)
        found = self.look(torch.stack([level, change, together], dim=1))
        return torch.cat([found.mean(dim=3).flatten(1), found.amax(dim=3).flatten(1)], dim=1)


def _block(before: int, after: int, stride: tuple[int, int]) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, 3, stride=stride, padding=1),
        nn.GroupNorm(4, after),
        nn.SiLU(),
    ]


def learn(
    judge: Judge, mixes: Mixes, *, steps: int, seed: int, rate: float = RATE
) -> None:
    """Teach it to tell false sounds from real ones."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(judge.parameters(), rate, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    judge.train()
    with torch.enable_grad():
        for _ in range(steps):
            mels, is_false = mixes.batch(BATCH)
            scores = judge(_vary(mels))
            loss = nn.functional.binary_cross_entropy_with_logits(scores, is_false.float())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    judge.eval()


def tell(judge: Judge, real: Tensor, other: Tensor, *, seed: int) -> None:
    """Teach it to tell a set from real sounds, prepared mels (B, M, F) both; each side counts for
    as much as the other.
    """
    torch.manual_seed(seed)
    mels = torch.cat([real, other])
    is_other = torch.arange(len(mels)) >= len(real)
    weights = torch.where(is_other, len(mels) / len(other), len(mels) / len(real)) / 2
    optimizer = torch.optim.AdamW(judge.parameters(), RATE_DIRECTLY, weight_decay=0.05)
    judge.train()
    with torch.enable_grad():
        for _ in range(ROUNDS):
            for batch in torch.randperm(len(mels)).split(BATCH):
                late = int(torch.randint(LATEST + 1, ()))
                sounds = nn.functional.pad(mels[batch], (late, 0), value=-DEPTH_DB)
                sounds = _vary(sounds[..., : mels.shape[2]])
                loss = nn.functional.binary_cross_entropy_with_logits(
                    judge(sounds), is_other[batch].float(), weights[batch]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    judge.eval()


def _vary(mels: Tensor) -> Tensor:
    noise = NOISE_DB * torch.randn_like(mels) + LEVEL_DB * torch.randn(len(mels), 1, 1)
    return mels + noise


@torch.no_grad()
def look_at(judge: Judge, mels: Tensor) -> Tensor:
    """Prepared mels (B, M, F) → (B,) what it gives each."""
    return torch.cat([judge(part) for part in mels.split(64)])
