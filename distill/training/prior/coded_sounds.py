"""codec + sounds of both sides → codes to keep and to be asked for, and the facts about them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.generation.novelty import MelNeighbours, decode_mels
from distill.prior.config import PriorNetworkConfig
from distill.prior.prior import PriorConfig
from distill.training.prior.baseline import Baseline, measure_baseline
from distill.training.prior.coder import SoundCoder
from distill.training.prior.known import (
    MOST_HELD_OUT_S,
    MOST_KEPT_S,
    Classes,
    code_evenly,
    coded_s,
    known_sounds,
)
from distill.training.prior.stretches import Stretch, Stretches, held_out_stretches


@dataclass(frozen=True, kw_only=True)
class CodedSounds:
    """The sounds that a prior learns from and is measured by."""

    train: SoundCoder
    held_out: SoundCoder
    classes: Classes
    labels: list[int]
    """Class of each sound of the training side."""
    kept: dict[int, Tensor]
    """Number of a training sound → its codes (H, W, L), which the bundle keeps."""
    asked: dict[int, Tensor]
    """The same for held-out sounds, which the prior is asked for."""

    @classmethod
    def of(cls, codec: Codec, data: SegmentDataModule) -> CodedSounds:
        """Code the sounds of both sides, or some of them, with a bar for each side."""
        train = SoundCoder(codec, data.whole_sounds(held_out=False))
        held_out = SoundCoder(codec, data.whole_sounds(held_out=True))
        classes = Classes.of(train.sounds)
        return cls(
            train=train,
            held_out=held_out,
            classes=classes,
            labels=classes.labels(train.sounds),
            kept=code_evenly(train, most_s=MOST_KEPT_S, shown="coding sounds"),
            asked=code_evenly(held_out, most_s=MOST_HELD_OUT_S, shown="coding held-out sounds"),
        )

    @property
    def codec(self) -> Codec:
        """The codec whose codes they are."""
        return self.train.codec

    @property
    def codes(self) -> Tensor:
        """(H, W, L): those that are kept, one sound after the other."""
        return torch.cat(list(self.kept.values()), dim=1)

    @property
    def rows(self) -> int:
        """Latent rows of a sound."""
        return len(next(iter(self.kept.values())))

    @property
    def held_out_s(self) -> float:
        """How long the sounds are that the prior is asked for."""
        return sum(coded_s(self.held_out, number) for number in self.asked)

    def measure(self) -> Baseline:
        """What the codes cost by the simplest models."""
        sounds = list(self.kept.values()), list(self.asked.values())
        return measure_baseline(*sounds, self.codec.layout)

    def stretches(self, *, window: int, seed: int) -> Stretches:
        """What a prior is trained on; `window` is in latent columns."""
        return Stretches(self.train, self.labels, window=window, seed=seed)

    def held_out_stretches(self, classes: Classes, *, window: int) -> list[tuple[Stretch, int]]:
        """What a prior that knows these classes is measured by."""
        labels = classes.labels(self.held_out.sounds)
        return held_out_stretches(self.held_out, labels, self.asked, window=window)

    def describe(self, network: PriorNetworkConfig, baseline: Baseline) -> PriorConfig:
        """What a bundle says of the prior, and of these sounds."""
        return PriorConfig(
            network=network,
            classes=self.classes.names,
            sounds=known_sounds(self.train, self.labels, self.kept),
            unigram_bits_per_s=baseline.unigram_bits / self.held_out_s,
            bigram_bits_per_s=baseline.bigram_bits / self.held_out_s,
            held_out_db=self._usual_distance(),
        )

    def _usual_distance(self) -> float:
        """How far held-out sounds are from the nearest training sound, in dB."""
        codec = self.codec
        floor_db = codec.spectrogram.config.floor_db
        kept, asked = (
            [mel[:, codec.network.stride :] for mel in decode_mels(list(each.values()), codec)]
            for each in (self.kept, self.asked)
        )
        return MelNeighbours(kept, floor_db=floor_db).usual_db(asked)
