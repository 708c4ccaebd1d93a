"""a trained model and its held-out sounds → the page to listen in the run folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from distill.audio.writer import write_sound
from distill.codec.attack import measure_attacks
from distill.codec.codec import Codec
from distill.codec.hearing import mel_levels_db, onset_of
from distill.data.datamodule import SegmentDataModule
from distill.data.segments import Segment
from distill.listen.folder import ListeningPage
from distill.listen.picture import write_mels
from distill.listen.rows import Row, Take
from distill.model.mel import LogMel
from distill.training.clips import KNOWN, choose_clips
from distill.vocoder.vocoder import Vocoder

MOST_SOUNDS = 12
"""With the default vocoder, this number of segments takes some two seconds on two cores."""
OF_KNOWN = (
    f"Sounds with ({KNOWN}) were trained on, and come back better than others would: of their "
    "class, none is held out."
)


def write_held_out_page(
    codec: Codec,
    data: SegmentDataModule,
    run_dir: Path,
    *,
    vocoders: Mapping[str, Vocoder],
    intro: Sequence[str],
) -> Path | None:
    """Decode some of the held-out sounds, and known ones of classes that have none, by each
    vocoder, under its label in `vocoders`, and write the page with them, in place of an earlier
    one; return its path. The figures are those of the decoded mels, as in training, and those of
    the attacks of the sounds by the first vocoder.

    Raises OSError, or WriteError or SoundError, if a file cannot be written or read.
    """
    chosen = choose_clips(data, most=MOST_SOUNDS, wanted=MOST_SOUNDS)
    page = ListeningPage(run_dir, is_new=True)
    page.make_files_folder()
    titles = _titles([clip.title for clip in chosen])
    for number, (clip, title) in enumerate(zip(chosen, titles, strict=True)):
        if clip.segment["sound_begin"] < clip.segment["sound_end"]:
            page.add(_row(page, number, title, codec, clip.segment, vocoders))
    is_any_known = any(clip.is_known for clip in chosen)
    return page.write([*intro, *[OF_KNOWN] * is_any_known])


def _titles(names: Sequence[str]) -> list[str]:
    """The titles; segments of one sound are told apart: `a.wav`, `a.wav (2)`."""
    seen: Counter[str] = Counter()
    titles = []
    for name in names:
        seen[name] += 1
        titles.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return titles


def _row(
    page: ListeningPage,
    number: int,
    title: str,
    codec: Codec,
    clip: Segment,
    vocoders: Mapping[str, Vocoder],
) -> Row:
    """Write a clip's files."""
    key = f"{number}/{title}"
    spectrogram = codec.spectrogram
    config = spectrogram.config
    begin, end = clip["sound_begin"], clip["sound_end"]
    waveform = torch.as_tensor(clip["waveform"])
    coded = codec.code(waveform)
    mels = [
        spectrogram.to_decibels(codec.of_sound(mel, coded.samples))[0, 0].cpu()
        for mel in (coded.original, coded.decoded)
    ]
    sounds = {label: codec.sound(coded, vocoder) for label, vocoder in vocoders.items()}
    takes, pictures = [], []
    for label, sound in {"original": waveform[0], **sounds}.items():
        take = Take(label, page.name(key, label, ".wav"))
        write_sound(
            page.folder / take.path,
            [sound[None, begin:end]],
            sample_rate_hz=config.sample_rate_hz,
            channels=1,
            samples=end - begin,
            model=codec.signature,
        )
        takes.append(take)
        seen = spectrogram.magnitude(sound[None, None].to(coded.decoded.device))
        pictures.append(spectrogram.decibels(seen)[0, 0].cpu())
    picture = page.name(key, "mels", ".png")
    first, last = begin // config.hop_length, math.ceil(end / config.hop_length)
    write_mels(page.folder / picture, *(mel[:, first:last] for mel in pictures), floor=config.floor)
    return Row(
        name=title,
        takes=tuple(takes),
        seconds=(end - begin) / config.sample_rate_hz,
        file=takes[1].path,
        model=codec.name,
        picture=picture,
        figures=_figures(spectrogram, clip, mels)
        | _attacks(clip, next(iter(sounds.values())), config.sample_rate_hz),
    )


def _attacks(clip: Segment, result: Tensor, rate_hz: int) -> dict[str, float]:
    """The figures of a clip's attacks, and those of its result (T,); none without silence before
    it: such a clip may begin within a sound.
    """
    begin, end = clip["sound_begin"], clip["sound_end"]
    if not begin:
        return {}
    pair = (each[:, begin:end] for each in (torch.as_tensor(clip["waveform"]), result[None]))
    attacks = measure_attacks(*pair, rate_hz=rate_hz)
    return attacks.figures if attacks else {}


def _figures(spectrogram: LogMel, clip: Segment, mels: Sequence[Tensor]) -> dict[str, float]:
    frames = mels[0].shape[-1]
    borders = (torch.tensor([clip[key]]) for key in ("sound_begin", "sound_end"))
    sounding = spectrogram.sounding_frames(*borders, frames=frames)
    original, decoded = (mel[None, None] for mel in mels)
    error = (mels[0] - mels[1]).abs()[:, sounding[0]].mean()
    onset = onset_of(original, decoded)
    figures = {
        "onset_db": onset.error_db,
        "peak_db": onset.peak_db,
        "level_db": float(mel_levels_db(original, decoded, sounding)),
        "mel_db": float(error),
    }
    return {key: value for key, value in figures.items() if math.isfinite(value)}
