"""a model with a prior and its folder → the sets of sounds that are judged: real ones, controls,
opponents and new ones, all of them coded and decoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from hearing import read, split_of
from judge_controls import CONTROLS, HEARD_SHARE, Samples, pairs, prepare
from judge_mels import decode
from judge_mels import prepare as prepare_mels
from judge_mixes import bank
from judge_views import PARTS, Side, parts_of
from torch import Tensor

from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError

MOST_REAL = 400
SHORTEST_S = 0.03
FEWEST = 12
MOST_HEARD = 60
"""Of as many of a set, waveforms are made: a vocoder takes long."""


@dataclass(frozen=True)
class SoundSet:
    """Some sounds through the codec."""

    side: Side
    waveforms: Sequence[Tensor] = field(default=(), repr=False)
    """(T,) at the model's rate, by its vocoder, of some; empty where nobody asks for them."""


class Real:
    """The sounds of the folder, in parts: those that are judged together, by judges who learnt of
    the others.
    """

    def __init__(self, model: LoadedModel, folders: list[Path]) -> None:
        """Raises DistillError for a folder with too few sounds."""
        split, _ = split_of(model, folders)
        pieces = [*split.train, *split.val]
        chosen = np.unique(np.linspace(0, len(pieces) - 1, MOST_REAL).round().astype(int))
        found = [(n, prepare(read(pieces[n], model.sample_rate_hz))) for n in chosen]
        found = [(n, sound) for n, sound in found if _is_heard(sound, model.sample_rate_hz)]
        if len(found) < FEWEST:
            raise DistillError(f"{len(found)} sounds to judge by: at least {FEWEST} are needed")
        self.model, self.waveforms = model, [sound for _, sound in found]
        self.is_held_out = torch.tensor([n >= len(split.train) for n, _ in found])
        self.class_counts = Counter(split.classes[pieces[n].sound.path] for n, _ in found)
        random = np.random.default_rng(0)
        self.parts = torch.from_numpy(random.permutation(len(found)) % PARTS)
        self.side = self._side(self.waveforms, random)

    def magnitudes(self) -> Tensor:
        """The sounds' magnitude mels, not coded, to make false ones of."""
        spectrogram, mels = self.model.codec.spectrogram, []
        for sound in self.waveforms:
            padded = np.pad(sound, (0, spectrogram.config.n_fft))
            magnitude = spectrogram.magnitude(torch.from_numpy(padded)[None, None])
            mels.append(spectrogram.decibels(magnitude)[0, 0])
        return bank(mels)

    def control(self, name: str) -> SoundSet:
        """The control of this name, a sound for each real one, made of sounds of its part alone."""
        random = np.random.default_rng(sorted(CONTROLS).index(name))
        made: dict[int, Samples] = {}
        for part in range(PARTS):
            numbers = (self.parts == part).nonzero()[:, 0].tolist()
            couples = pairs([self.waveforms[number] for number in numbers], random)
            for number, (sound, other) in zip(numbers, couples, strict=True):
                made[number] = CONTROLS[name].make(sound, other, random)
        sounds = [made[number] for number in range(len(made))]
        return SoundSet(self._side(sounds, random), [torch.from_numpy(sound) for sound in sounds])

    def new(self, count: int, seed: int, **request: float) -> SoundSet:
        """New sounds by a request, of each class as many as of the real ones: classes are not what
        is judged.
        """
        model = self.model
        known = model.require_prior().config.classes
        shares = {name: n for name, n in self.class_counts.items() if name in known}
        wanted: dict[str | None, int] = {None: count}
        if shares:
            edges = np.cumsum([0, *shares.values()]) / sum(shares.values()) * count
            wanted = dict(zip(shares, np.diff(edges.round()).astype(int).tolist(), strict=True))
        sounds = [
            sound
            for name, number in wanted.items()
            for sound in model.new_sounds(number, class_name=name, seed=seed, **request)
        ]
        return self._set([sound.mel for sound in sounds], [sound.waveform for sound in sounds])

    def through_model(self, sounds: Sequence[Tensor]) -> list[Tensor]:
        """Waveforms (T,) → MOST_HEARD of them, coded and decoded by the vocoder."""
        model, rate_hz = self.model, self.model.sample_rate_hz
        chosen = [sounds[number] for number in spread(len(sounds))]
        return [model.decode(model.encode(sound, rate_hz))[0] for sound in chosen]

    def _side(self, sounds: Sequence[Samples], random: np.random.Generator) -> Side:
        """One sound for each real one, coded and decoded; as in files, they begin anywhere between
        two frames.
        """
        hop = self.model.codec.spectrogram.config.hop_length
        late = [np.pad(sound, (int(random.integers(hop)), 0)) for sound in sounds]
        mels = decode(self.model, [torch.from_numpy(sound) for sound in late])
        return Side(prepare_mels(mels), self.parts)

    def _set(self, mels: Sequence[Tensor], waveforms: Sequence[Tensor]) -> SoundSet:
        prepared = prepare_mels(mels)
        return SoundSet(Side(prepared, parts_of(prepared, self.side)), waveforms)


def spread(count: int) -> list[int]:
    """Numbers of the sounds of a set that are heard: MOST_HEARD at most, over all of it."""
    return sorted({n * count // MOST_HEARD for n in range(MOST_HEARD)}) if count else []


def _is_heard(sound: Samples, rate_hz: int) -> bool:
    return len(sound) >= SHORTEST_S * rate_hz and float(np.abs(sound).max()) > HEARD_SHARE
