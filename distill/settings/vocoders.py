"""Types and ranges of the keys of each type of vocoder. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from distill.system.ranges import not_empty, one_of, within


@dataclass
class VocoderConfig:
    """The network that turns mels into sound, and how long it is trained: the keys that every type
    of vocoder has.
    """

    type: str = field(metadata=not_empty())
    decoded_share: float = field(metadata=within(0, 1))
    lr: float | None = field(metadata=within(0, 1, strictly_above=True))
    weight_decay: float = field(metadata=within(0, 100))
    max_epochs: int | None = field(metadata=within(1, 10**6))
    max_minutes: float | None = field(metadata=within(0, 10**6, strictly_above=True))


@dataclass
class PhaseVocoderConfig(VocoderConfig):
    """The phase-gradient vocoder."""

    channels: int = field(metadata=within(1, 4096))
    blocks: int = field(metadata=within(1, 64))
    starter: str | None = field(metadata=one_of("synthesised"))


@dataclass
class HifiGanVocoderConfig(VocoderConfig):
    """The generator of HiFi-GAN."""

    channels: int = field(metadata=within(1, 4096))
    blocks: int = field(metadata=within(1, 64))
    spectral_steps: int = field(metadata=within(0, 10**9))
    discriminator_channels: int = field(metadata=within(1, 256))


@dataclass
class PluginVocoderConfig(VocoderConfig):
    """A vocoder of an installed package."""

    options: dict[str, Any]


VOCODERS: dict[str, type[PhaseVocoderConfig | HifiGanVocoderConfig]] = {
    "phase_gradient": PhaseVocoderConfig,
    "hifigan_v2": HifiGanVocoderConfig,
}
"""Type of distill's own vocoders, which is also the name of its file in conf/, → all its keys."""
OF_ONE_TYPE = {
    f"vocoder.{key.name}": name
    for name, kind in VOCODERS.items()
    for key in fields(kind)
    if all(
        key.name not in other.__dataclass_fields__ for other in VOCODERS.values() if other != kind
    )
}
"""Key that only one type of vocoder has → that type."""
