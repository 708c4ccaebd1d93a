"""a model's file → the sounds that its prior knows: names, classes and lengths. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from distill.bundle.reader import read_bundle
from distill.bundle.rebuild_prior import prior_config
from distill.errors import BundleError


@dataclass(frozen=True)
class KnownFacts:
    """A sound that a prior knows."""

    number: int
    """Counted from 1."""
    name: str
    class_name: str
    """Empty if it has none."""
    seconds: float


def known_sounds_of(bundle: Path) -> list[KnownFacts]:
    """The sounds that a model's prior knows, in their order; none without a prior, and of a model
    that was shared without its sounds. Raises BundleError. The weights are not read.
    """
    content = read_bundle(bundle, weights=False)
    if content.prior_state is None:
        return []
    try:
        config = prior_config(content.prior_state)
    except BundleError as error:
        raise BundleError(f"{bundle.name}: {error}") from error
    rate_hz = content.spectrogram_config.sample_rate_hz
    return [
        KnownFacts(
            number,
            sound.name,
            config.classes[sound.label] if 0 <= sound.label < len(config.classes) else "",
            round(sound.samples / rate_hz, 3),
        )
        for number, sound in enumerate(config.sounds, start=1)
    ]
