"""the sounds of a run → their classes, and the codes of some of them, which a prior keeps."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from distill.data.whole_sounds import WholeSounds
from distill.prior.conditions import UNKNOWN
from distill.prior.prior import KnownSound
from distill.system import terminal
from distill.training.prior.coder import SoundCoder

MOST_KEPT_S, MOST_HELD_OUT_S = 1200.0, 300.0
"""Codes are kept of at most this much sound, spread evenly over the collection; held-out figures
are measured on at most this much.
"""
LONGEST_S = 30.0
"""Of one sound, at most this much of its beginning."""
MOST_CLASSES = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Classes:
    """The classes of the sounds of a collection, if there are several."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, sounds: WholeSounds) -> Classes:
        """The classes of the training side; with very many, those with the most sounds."""
        counts = Counter(map(sounds.class_name, range(len(sounds))))
        counts.pop("", None)
        if len(counts) > MOST_CLASSES:
            log.warning("of %d classes, the prior knows the %d largest", len(counts), MOST_CLASSES)
        names = sorted(name for name, _ in counts.most_common(MOST_CLASSES))
        return cls(tuple(names) if len(names) > 1 else ())

    def labels(self, sounds: WholeSounds) -> list[int]:
        """The number of each sound's class, or UNKNOWN."""
        numbers = {name: number for number, name in enumerate(self.names)}
        return [numbers.get(sounds.class_name(index), UNKNOWN) for index in range(len(sounds))]


def code_evenly(coder: SoundCoder, *, most_s: float, shown: str) -> dict[int, Tensor]:
    """Number of a sound → the codes (H, W, L) of it, or of its beginning; if the sounds are
    longer together than `most_s`, of some of them, spread evenly. Shows a bar with this text.
    """
    rate_hz = coder.codec.spectrogram.config.sample_rate_hz
    numbers = list(_spread(coder.sounds, round(most_s * rate_hz), round(LONGEST_S * rate_hz)))
    longest = round(LONGEST_S * rate_hz) // coder.codec.column_samples
    codes = {}
    with terminal.bar() as bar:
        task = bar.add_task(shown, total=len(numbers))
        for number in numbers:
            codes[number] = coder.codes(number, 0, min(coder.columns(number), longest))
            bar.advance(task)
    return codes


def coded_s(coder: SoundCoder, number: int) -> float:
    """How long the part of a sound is that `code_evenly` codes."""
    rate_hz = coder.codec.spectrogram.config.sample_rate_hz
    return min(LONGEST_S, coder.sounds.samples(number) / rate_hz)


def known_sounds(
    coder: SoundCoder, labels: Sequence[int], codes: dict[int, Tensor]
) -> tuple[KnownSound, ...]:
    """The facts about sounds with these codes."""
    return tuple(
        KnownSound(
            name=coder.sounds.name(number),
            label=labels[number],
            samples=coder.sounds.samples(number),
            level_db=coder.level_db(number),
            peak_db=coder.peak_db(number),
            columns=kept.shape[1],
        )
        for number, kept in codes.items()
    )


def _spread(sounds: WholeSounds, most: int, longest: int) -> Iterator[int]:
    """Numbers of sounds, spread evenly, that have at most `most` samples together; at least one."""
    lengths = [min(longest, sounds.samples(index)) for index in range(len(sounds))]
    step = max(1, -(-sum(lengths) // most))
    yield from range(0, len(sounds), step)
