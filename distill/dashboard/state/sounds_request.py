"""what somebody wants of a model → what is asked in words, and the command that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from distill.catalog.entry import Entry
from distill.catalog.facts import WITHOUT_SOUNDS
from distill.dashboard.state.known_sounds import KnownSound
from distill.dashboard.state.processes import as_words
from distill.errors import GenerationError
from distill.generation.ranges import (
    BEATS_IN_BAR,
    MOST_PADS,
    USUAL_BEATS,
    WITH_LENGTH,
    check_time,
)
from distill.system.terminal import plain, quantity

AGAIN = "again"
"""The way in which a sound is sent through the model, as it is."""
KIT = "kit"
"""The way in which a folder for a sampler is made."""
KIT_VERB = "distill.kit"
WAYS = {
    "new": "New sounds",
    "like": "Variations of a sound",
    "morph": "From one sound to another",
    "continue": "Go on from a sound",
    "loop": "Loops",
    KIT: "A kit for a sampler",
    AGAIN: "A sound through the model",
}
SOUNDS_NEEDED = {"like": 1, "continue": 1, "morph": 2, AGAIN: 1}
"""How many sounds a way begins with."""


def ways_of(entry: Entry) -> list[str]:
    """What a model can do, of WAYS."""
    if entry.prior is None:
        return [AGAIN]
    return [way for way in WAYS if not entry.is_without_sounds or way in SOUNDS_NEEDED]


def limits_of(entry: Entry) -> str:
    """Why a model has not all of WAYS; empty if it has."""
    if entry.prior is None:
        return "This model has no prior (yet), so it makes no new sounds."
    return f"Shared without its sounds: {WITHOUT_SOUNDS}." if entry.is_without_sounds else ""


@dataclass(frozen=True)
class SoundsRequest:
    """New sounds that somebody asks for; None leaves it to the model, or to the command."""

    way: str = "new"
    count: int = 8
    seed: int | None = None
    class_name: str | None = None
    temperature: float | None = None
    length_s: float | None = None
    amount: float | None = None
    sounds: tuple[Path | KnownSound, ...] = ()
    """Files, or sounds that the model knows, to begin with."""
    bpm: float | None = None
    bars: int | None = None
    """Of loops in time."""
    per_class: int = 4
    robins: int = 1
    layers: int = 1
    """Of a kit: sounds of each class, takes of each sound, and velocity layers."""
    rate_hz: int | None = None
    bits: int | None = None
    normalise: bool = False
    """Of the files."""

    def check(self, entry: Entry) -> None:
        """Raise GenerationError for what this model cannot do, and for what cannot be."""
        needed = SOUNDS_NEEDED.get(self.way, 0)
        if len(self.sounds) < needed:
            which = "a sound" if needed == 1 else "two sounds"
            raise GenerationError(f"{WAYS[self.way]}: choose {which} to begin with")
        if entry.prior is None and self.way != AGAIN:
            raise GenerationError(
                f"{plain(entry.name)} has no prior (yet), and can only do: {WAYS[AGAIN].lower()}"
            )
        if self.way not in ways_of(entry):
            raise GenerationError(
                f"{plain(entry.name)} was shared without its sounds: {WITHOUT_SOUNDS}"
            )
        if self.way == "loop":
            beats = None if self.bars is None else self.bars * BEATS_IN_BAR
            check_time(self.bpm, beats, is_loop=True, has_length=self._length_s is not None)
        pads = self.per_class * (self._classes(entry) or 1)
        if self.way == KIT and pads > MOST_PADS:
            raise GenerationError(
                f"{pads} sounds: from C1 on, there are {MOST_PADS} keys; ask for fewer of each "
                "class, or for one class"
            )

    def title(self, entry: Entry, seed: int) -> str:
        """What is asked for, in words."""
        names = [sound.name for sound in self.sounds]
        told = {
            "new": quantity(self.count, "sound"),
            "like": f"{quantity(self.count, 'variation')} of {' '.join(names[:1])}",
            "morph": f"{quantity(self.count, 'step')} from {' to '.join(names[:2])}",
            "continue": f"{quantity(self.count, 'continuation')} of {' '.join(names[:1])}",
            "loop": quantity(self.count, "loop"),
            KIT: f"a kit with {self._told_of_kit(entry)}",
            AGAIN: f"{' '.join(names[:1])} through the model",
        }[self.way]
        parts = [told]
        if self.way == "loop" and self.bpm is not None:
            parts = [f"{told} of {quantity(self._bars, 'bar')} at {self.bpm:g} bpm"]
        if self.way != AGAIN:
            settings = {
                "class": None if self.way == KIT else self.class_name,
                "length": self._length_s,
                "seed": seed,
                "temperature": None if self.way == KIT else self.temperature,
                "amount": self.amount,
            }
            parts += [f"{name} {value}" for name, value in settings.items() if value is not None]
            parts += self._told_of_files()
        return plain(f"{entry.name}: {', '.join(parts)}")

    def words(self, model: Path, folder: Path, seed: int) -> list[str]:
        """The words of the command that makes them."""
        files = [str(sound) for sound in self.sounds[: SOUNDS_NEEDED.get(self.way, 0)]]
        if self.way == AGAIN:
            verb, options = "distill.reconstruct", as_words({"--seed": seed, "--out": folder})
            return [verb, *options, "--", str(model), *files]
        shared = {
            "--seed": seed,
            "--class": self.class_name or None,
            "--amount": self.amount,
            "--rate": self.rate_hz,
            "--bits": self.bits,
            "--out": folder,
        }
        if self.way == KIT:
            own = {
                "--per-class": self.per_class,
                "--round-robins": self.robins,
                "--layers": self.layers,
            }
            return [KIT_VERB, *as_words({**own, **shared}), "--", str(model)]
        options = as_words(
            {
                "--count": self.count,
                **shared,
                "--temperature": self.temperature,
                "--length": self._length_s,
                "--like": files[0] if self.way == "like" else None,
                "--continue": files[0] if self.way == "continue" else None,
            }
        )
        if self.normalise:
            options.append("--normalise")
        if self.way == "loop":
            options += ["--loop", *as_words({"--bpm": self.bpm, "--bars": self.bars})]
        if self.way == "morph":
            options += ["--morph", *files]
        return ["distill.generate", *options, "--", str(model)]

    @property
    def _length_s(self) -> float | None:
        """The length, where it is asked for: not where the given sounds or the tempo say it."""
        has_own = self.way in (*WITH_LENGTH, KIT) or (self.way == "loop" and self.bpm is not None)
        return None if has_own else self.length_s

    @property
    def _bars(self) -> int:
        return USUAL_BEATS // BEATS_IN_BAR if self.bars is None else self.bars

    def _classes(self, entry: Entry) -> int:
        """How many classes a kit has; 0 of a model without any."""
        classes = entry.prior.classes if entry.prior else []
        return 1 if self.class_name else len(classes)

    def _told_of_kit(self, entry: Entry) -> str:
        told = quantity(self.per_class, "sound")
        if self.class_name:
            told += f" of {self.class_name}"
        elif classes := self._classes(entry):
            told += f" of each of {classes} classes" if classes > 1 else ""
        for number, name in ((self.robins, "round robin"), (self.layers, "velocity layer")):
            told += f", {quantity(number, name)}" if number > 1 else ""
        return told

    def _told_of_files(self) -> Iterator[str]:
        if self.rate_hz:
            yield f"{self.rate_hz / 1_000:g} kHz"
        if self.bits:
            yield f"{self.bits} bits"
        if self.normalise and self.way != KIT:
            yield "normalised"
