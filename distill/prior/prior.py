"""a trained network, and what is kept of the sounds it was trained on ↔ what a bundle holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from distill.prior.conditions import UNKNOWN
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork

SOUNDS = "sounds"
"""The name of the kept sounds' codes among the weights."""


@dataclass(frozen=True)
class KnownSound:
    """A sound of the training side."""

    name: str
    """Folder and file."""
    label: int
    """Number of its class, or UNKNOWN."""
    samples: int
    """Of the whole sound, at the codec's sample rate."""
    level_db: float
    """In dBFS."""
    columns: int
    """Latent columns that are kept: all, or those of the beginning."""
    peak_db: float | None = None
    """Of the loudest sample, in dBFS; None in the first models, which do not tell."""


@dataclass(frozen=True)
class PriorConfig:
    """Everything in a prior but tensors."""

    network: PriorNetworkConfig
    classes: tuple[str, ...]
    """Their names, by the folders that the sounds were in, if there are several."""
    sounds: tuple[KnownSound, ...]
    """New sounds are as long and as loud as these, and they are compared with them; none, if the
    model was shared without its sounds.
    """
    unigram_bits_per_s: float
    """What held-out codes cost by how frequent each code is, without any network."""
    bigram_bits_per_s: float
    held_out_db: float
    """How far held-out sounds are from the nearest training sound: median of the mean absolute
    difference of their mels.
    """


@dataclass(frozen=True)
class Prior:
    """Makes new codes."""

    config: PriorConfig
    network: PriorNetwork
    codes: Tensor
    """(H, W, L) in `code_type`: the kept columns of all known sounds, one after the other."""
    bits_per_s: float
    """What held-out codes cost."""

    @property
    def is_learnt(self) -> bool:
        """Whether it knows more of the sounds than how frequent each code is."""
        return self.bits_per_s < self.config.unigram_bits_per_s

    def label(self, name: str) -> int | None:
        """The number of a class; None if there is none of that name."""
        classes = self.config.classes
        return classes.index(name) if name in classes else None

    def sounds_of(self, label: int) -> list[int]:
        """Numbers of the known sounds of a class; of all, if it is UNKNOWN."""
        sounds = enumerate(self.config.sounds)
        return [number for number, sound in sounds if label in (UNKNOWN, sound.label)]

    def codes_of(self, number: int) -> Tensor:
        """The kept codes (H, W, L) int64 of a known sound."""
        first, columns = self._starts[number], self.config.sounds[number].columns
        return self.codes[:, first : first + columns].long()

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(sound.columns for sound in self.config.sounds)]

    def state(self) -> dict[str, Any]:
        """`type`, `state_dict` in half precision, and `config`."""
        weights = {name: value.half() for name, value in self.network.state_dict().items()}
        return {
            "type": self.network.kind,
            "state_dict": {**weights, SOUNDS: self.codes},
            "config": asdict(self.config),
        }


def code_type(codebook_size: int) -> torch.dtype:
    """The smallest type for codes that are kept."""
    return torch.int16 if codebook_size <= 1 << 15 else torch.int32
