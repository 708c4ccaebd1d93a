"""a new prior and the one that the model has until now → which of them the model keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from distill.prior.prior import Prior
from distill.prior.state import SAME_BITS
from distill.training.prior.module import PriorModule


@dataclass(frozen=True)
class Earlier:
    """The prior that the model has until now."""

    prior: Prior
    module: PriorModule
    """With its network, to measure it on the held-out sounds of this run."""


@dataclass(frozen=True)
class Contest:
    """Both priors on the same held-out sounds."""

    bits: float
    earlier_bits: float
    learnt: bool
    """Whether the new one needs fewer bits than a bigram."""
    earlier_learnt: bool
    """The same of the earlier one, on the sounds that it was trained on."""

    @classmethod
    def of(cls, module: PriorModule, earlier: Earlier, *, learnt: bool) -> Contest:
        """Measure both by their weights as they are."""
        before = earlier.prior
        return cls(
            module.measure(),
            earlier.module.to(module.device).measure(),
            learnt,
            before.bits_per_s < before.config.bigram_bits_per_s,
        )

    @property
    def is_better(self) -> bool:
        """Whether the new one takes the place of the earlier one."""
        has_lost = self.earlier_learnt and not self.learnt
        return self.bits <= SAME_BITS * self.earlier_bits and not has_lost

    @property
    def verdict(self) -> str:
        """What becomes of them, in words."""
        if self.bits > SAME_BITS * self.earlier_bits:
            told = "the model keeps its earlier prior, which needs"
        elif not self.is_better:
            told = "the model keeps its earlier prior, which had learnt from its sounds, and needs"
        else:
            told = "kept in place of the model's earlier prior, which needs"
        return f"{told} {self.earlier_bits:,.0f} bits a second of the same held-out sounds"

    @property
    def details(self) -> dict[str, Any]:
        """Plain values for the summary."""
        return {"kept": self.is_better, "earlier_bits_per_s": self.earlier_bits}
