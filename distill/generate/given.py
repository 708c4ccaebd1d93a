"""a model and the options → the request, with the sounds that it begins with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from distill.audio.chunks import resample_chunks
from distill.audio.sound_file import SoundFile
from distill.bundle.loaded import LoadedModel
from distill.codec.codes import Codes
from distill.errors import DistillError
from distill.generate.found import Found, find_sound
from distill.generation.known import KnownSounds
from distill.generation.ranges import LONGEST_GIVEN_S
from distill.generation.request import Request, check_given


def request_of(model: LoadedModel, options: argparse.Namespace) -> Request:
    """What is asked of the new sounds, but for the seed. Raises DistillError for files that cannot
    be begun with, and for a model without a prior.
    """
    model.require_prior()
    return Request(
        temperature=options.temperature,
        class_name=options.class_name,
        length_s=options.length,
        like=_codes(options.like, model) if options.like else None,
        amount=options.amount,
        morph=(
            (_codes(options.morph[0], model), _codes(options.morph[1], model))
            if options.morph
            else None
        ),
        beginning=_waveform(options.beginning, model) if options.beginning else None,
        loop=options.loop,
        bpm=options.bpm,
        beats=options.beats,
        levels=options.levels,
    )


def settings_of(model: LoadedModel, options: argparse.Namespace) -> dict[str, Any]:
    """The same in plain values, as they are told in `generate.json`."""
    return {
        "temperature": options.temperature,
        "class": options.class_name,
        "length_s": options.length,
        "like": _name(options.like, model),
        "amount": options.amount,
        "morph": [_name(each, model) for each in options.morph] if options.morph else None,
        "continue": _name(options.beginning, model),
        "loop": options.loop or None,
        "bpm": options.bpm,
        "beats": options.beats,
        "levels": options.levels,
        "rate_hz": options.rate,
        "bits": options.bits,
        "normalise": options.normalise or None,
    }


def beginning_of_names(model: LoadedModel, options: argparse.Namespace) -> str:
    """What the names of new files begin with, if not with their classes: the sounds given."""
    given = options.morph or [each for each in (options.like, options.beginning) if each]
    return "-to-".join(Path(find_sound(word, model).name).stem for word in given)


def _name(word: str | None, model: LoadedModel) -> str | None:
    return find_sound(word, model).name if word else None


def _codes(word: str, model: LoadedModel) -> Codes:
    found = find_sound(word, model)
    if found.number is not None:
        return KnownSounds(model.codec, model.require_prior()).codes(found.number)
    return model.encode(_read(found, model), model.sample_rate_hz)


def _waveform(word: str, model: LoadedModel) -> Tensor:
    """A sound (T,) at the model's sample rate; one that it knows as it decodes it."""
    found = find_sound(word, model)
    if found.number is None:
        return _read(found, model)
    return model.decode(_codes(word, model))[0].cpu()


def _read(found: Found, model: LoadedModel) -> Tensor:
    """A sound file → (T,) at the model's sample rate."""
    assert found.path is not None
    file, sound = str(found.path), SoundFile.open(found.path)
    if sound.duration_s > LONGEST_GIVEN_S:
        raise DistillError(f"{file}: longer than {LONGEST_GIVEN_S:g} s")
    mono = torch.from_numpy(sound.mono())[None]
    whole = torch.cat(
        list(resample_chunks([mono], sound.sample_rate_hz, model.sample_rate_hz)), dim=1
    )
    check_given(file, whole[0], model.sample_rate_hz)
    return whole[0]
