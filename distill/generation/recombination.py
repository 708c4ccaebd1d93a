"""sounds that a prior knows → the codes of a new one, made of one or two of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.generation.continuation import go_on, is_over
from distill.generation.known import KnownSounds
from distill.generation.novelty import decode_mels
from distill.generation.operators import (
    ATTACK_S,
    LEAD,
    LONGEST_STRETCH,
    Mel,
    attack_of,
    beginning,
    centres_of,
    decay_faster,
    filter_by,
    hand_over,
    move,
    recolour,
    stretch,
    tint,
    transpose,
)

PARTNERS = (2, 8)
"""From how many sounds, those most like the first, the second one is chosen: near the first, and
far from it.
"""
WAYS = {"vary": 0.2, "move": 0.4, "colour": 0.2, "hand": 0.2}
"""How often a sound is made of one alone, between two, as one in the colour of another, and with
the attack of one and the body of another.
"""
HANDED_FROM = 0.125
"""The least strength at which an attack is handed over: the body is another's in any case."""
EVENLY = 1.5
"""An amount to this power is how strongly sounds are changed: so their distance from what they are
made of grows about evenly with it.
"""
FULL = 0.6
"""The strength from which on a sound takes as much of another one as may be."""
SHARES = (0.6, 1.0)
"""Of what a strength allows."""
MOVED = 0.5
SEMITONES, FILTER_DB, POINTS, DECAY, LIFT_DB = 6.0, 6.0, 5, 2.0, 6.0
"""What a strength of 1 allows: the second sound's share where partials move; how far a sound is
moved in pitch, a filter's gains and number, by how much a sound decays faster or slower.
"""
COMPARED = 64
"""How many known sounds, those most like a given one, are compared with its end."""


def _strength(amount: float) -> float:
    return float(amount**EVENLY)


def _partners(strength: float) -> int:
    near, far = PARTNERS
    return near + round(strength * (far - near))


class Recombination:
    """Makes new sounds out of known ones: their codes (H, W, L)."""

    def __init__(self, codec: Codec, known: KnownSounds) -> None:
        self.codec, self.known = codec, known
        config = codec.spectrogram.config
        self._floor_db = config.floor_db
        self._frame_s = config.hop_length / config.sample_rate_hz
        self._attack = LEAD + round(ATTACK_S / self._frame_s)
        self._centres_hz = centres_of(codec.spectrogram.filters, config.sample_rate_hz)

    def make(
        self, first: int, random: np.random.Generator, *, samples: int, amount: float
    ) -> Tensor:
        """A new sound of `samples`, made of the known one of number `first`, and of another one; it
        begins at once.
        """
        before = self.codec.network.stride - 1 - LEAD
        frames = self._frames(samples) - before
        return self._code(self._make(first, random, samples, frames, amount), before=before)

    def _make(
        self, first: int, random: np.random.Generator, samples: int, frames: int, amount: float
    ) -> Mel:
        strength = _strength(amount)
        partners = self.known.partners(first, samples, most=_partners(strength))
        return self._change(self._fit(first, samples, frames), partners, random, strength)

    def follow(
        self,
        codes: Codes,
        label: int,
        random: np.random.Generator,
        *,
        samples: int,
        amount: float,
    ) -> Tensor:
        """A sound of `samples` that begins with a given one, and goes on as known ones of a class
        do after what is like its end. If it has ended, a new one begins.
        """
        (mel,) = decode_mels([codes.indices[0]], self.codec)
        frames, config = self._frames(samples), self.codec.spectrogram.config
        # its last windows hear the silence after it
        end = self._frames(codes.samples, after=False) - config.n_fft // config.hop_length // 2
        given: Mel = mel.numpy()[:, : max(2, end)]
        numbers = self.known.prior.sounds_of(label)
        if not numbers:
            return self._code(self._go_on_alone(given, frames, random, _strength(amount)))
        sound = torch.from_numpy(given[:, self.codec.network.stride :])
        alike = self.known.most_like(sound, samples, numbers, most=COMPARED)
        strength, whole, done = _strength(amount), given, 0
        while done < whole.shape[1] < frames:
            done = whole.shape[1]
            if is_over(whole, self._frame_s):
                again = self._begin_again(alike, random, frames - done, amount)
                whole = np.concatenate([whole, again + (given.max() - again.max())], axis=1)
            else:
                whole = go_on(
                    whole,
                    frames,
                    self.known,
                    alike,
                    random,
                    strength=strength,
                    frame_s=self._frame_s,
                )
        return self._code(self._fill(whole, frames))

    def _begin_again(
        self, alike: list[int], random: np.random.Generator, most_frames: int, amount: float
    ) -> Mel:
        """A new sound, made of one of those that are most like a given one."""
        first = int(random.choice(alike[: PARTNERS[1]]))
        samples = self.known.codes(first).samples
        frames = min(most_frames, self.codec.spectrogram.frames(samples))
        return self._make(first, random, samples, frames, amount)

    def repeat(
        self, mel: Mel, number: int, samples: int, random: np.random.Generator, amount: float
    ) -> Tensor:
        """What a loop is cut out of, of a mel in dB (M, F) of a known sound that begins after LEAD
        frames: it keeps its rhythm.
        """
        strength = _strength(amount)
        if partners := self.known.partners(number, samples, most=_partners(strength)):
            other = self.known.mels[int(random.choice(partners))].numpy()
            mel = tint(mel, other, min(1.0, strength / FULL) * float(random.uniform(*SHARES)))
        mel = transpose(mel, strength * SEMITONES * float(random.uniform(-1, 1)), self._centres_hz)
        mel = filter_by(mel, strength * FILTER_DB * random.standard_normal(POINTS))
        return self._code(mel, before=self.codec.network.stride - 1 - LEAD)

    def loop_frames(self, samples: int) -> int:
        """Frames of the mel of a loop that is cut out of `samples`."""
        return self._frames(samples) - (self.codec.network.stride - 1 - LEAD)

    def _go_on_alone(
        self, given: Mel, frames: int, random: np.random.Generator, strength: float
    ) -> Mel:
        """A sound, and after it variations of itself: no other one is known."""
        begun = max(0, min(beginning(given) - LEAD, given.shape[1] - 2))
        whole = given
        while whole.shape[1] < frames:
            again = self._change(given[:, begun:], [], random, strength)
            whole = np.concatenate([whole, again], axis=1)
        return whole[:, :frames]

    def _frames(self, samples: int, *, after: bool = True) -> int:
        """Frames of a sound with the silence that is coded before it, and after it."""
        stride = self.codec.network.stride
        if after:
            return stride * self.codec.columns(samples)
        return stride + self.codec.spectrogram.frames(samples)

    def vary(self, codes: Codes, label: int, random: np.random.Generator, amount: float) -> Tensor:
        """A variation of a given sound, which begins where it does."""
        (mel,) = decode_mels([codes.indices[0]], self.codec)
        sounds, strength = self.known.prior.sounds_of(label), _strength(amount)
        own = self.codec.of_sound(mel, codes.samples)
        partners = self.known.most_like(own, codes.samples, sounds, most=_partners(strength))
        whole: Mel = mel.numpy()
        begun = max(0, beginning(whole) - LEAD)
        changed = self._change(whole[:, begun:], partners, random, strength)
        return self._code(np.concatenate([whole[:, :begun], changed], axis=1))

    def between(
        self,
        first: Codes,
        second: Codes,
        share: float,
        random: np.random.Generator,
        samples: int,
        amount: float,
    ) -> Tensor:
        """A sound of `samples` between two given ones."""
        frames = self._frames(samples)
        mels, begins = [], []
        for codes in (first, second):
            (mel,) = decode_mels([codes.indices[0]], self.codec)
            whole: Mel = mel.numpy()
            begins.append(max(0, beginning(whole) - LEAD))
            mels.append(self._cut(whole, begins[-1], codes.samples, samples))
        begun = min(frames - 2, round((1 - share) * begins[0] + share * begins[1]))
        one, other = (self._fill(mel, frames - begun) for mel in mels)
        between = move(one, other, share, floor_db=self._floor_db)
        return self._code(self._vary(between, random, _strength(amount)), before=begun)

    def _code(self, mel: Mel, *, before: int = 0) -> Tensor:
        """A mel in dB (M, F), and how many silent frames are before it → codes."""
        config = self.codec.spectrogram.config
        whole = np.pad(mel, ((0, 0), (before, 0)), constant_values=self._floor_db)
        heard = torch.from_numpy(np.maximum(whole, self._floor_db).astype(np.float32))
        normalised = (heard - config.mean_db) / config.std_db
        indices: Tensor = self.codec.network.encode(normalised[None, None].to(self.codec.device))[0]
        return indices.cpu()

    def _fit(self, number: int, samples: int, frames: int, *, attack: int | None = None) -> Mel:
        """A known sound from LEAD frames before its beginning on, or with its attack in a frame,
        (M, frames): stretched to `samples` as far as it may be, with silence after it.
        """
        whole: Mel = self.known.whole_mels[number].numpy()
        begun = beginning(whole) - LEAD if attack is None else attack_of(whole) - attack
        begun = max(0, begun)
        own = self.known.codes(number).samples
        if own > LONGEST_STRETCH * samples:  # cut rather than pressed together
            return self._fill(whole[:, begun:], frames)
        length = min(samples, round(LONGEST_STRETCH * own))
        return self._fill(self._cut(whole, begun, own, length), frames)

    def _cut(self, whole: Mel, begun: int, own: int, samples: int) -> Mel:
        """A sound of `own` samples from a frame on, stretched to `samples`."""
        config = self.codec.spectrogram.config
        window = config.n_fft // config.hop_length
        end = self.codec.network.stride + self.codec.spectrogram.frames(own) + window
        body = whole[:, begun:end]
        return stretch(body, max(2, round(body.shape[1] * samples / own)), attack=self._attack)

    def _fill(self, mel: Mel, frames: int) -> Mel:
        """A mel cut, or with silence after it."""
        missing = max(0, frames - mel.shape[1])
        filled = np.pad(mel, ((0, 0), (0, missing)), constant_values=self._floor_db)
        return filled[:, :frames]

    def _change(
        self, mel: Mel, partners: list[int], random: np.random.Generator, strength: float
    ) -> Mel:
        """A mel that begins after LEAD frames, with something of one of its partners."""
        shares = np.array([WAYS[way] * (way != "hand" or strength >= HANDED_FROM) for way in WAYS])
        way = str(random.choice(list(WAYS), p=shares / shares.sum()))
        second = int(random.choice(partners)) if partners else None
        share = min(1.0, strength / FULL) * float(random.uniform(*SHARES))
        if second is not None and way != "vary":
            frames = mel.shape[1]
            samples = frames * self.codec.spectrogram.config.hop_length
            other = self._fit(second, samples, frames, attack=attack_of(mel))
            mel = self._join(mel, other, way, share)
        return self._vary(mel, random, strength)

    def _join(self, mel: Mel, other: Mel, way: str, share: float) -> Mel:
        if way == "move":
            return move(mel, other, MOVED * share, floor_db=self._floor_db)
        if way == "colour":
            return recolour(mel, other, share, frame_s=self._frame_s)
        return hand_over(mel, other, begun=LEAD, frame_s=self._frame_s)

    def _vary(self, mel: Mel, random: np.random.Generator, strength: float) -> Mel:
        """A sound moved in pitch, filtered, and with another decay."""
        semitones, decay = (float(each) for each in random.uniform(-1, 1, 2))
        mel = transpose(mel, strength * SEMITONES * semitones, self._centres_hz)
        mel = filter_by(mel, strength * FILTER_DB * random.standard_normal(POINTS))
        return decay_faster(mel, DECAY ** (strength * decay), lift_db=LIFT_DB)
