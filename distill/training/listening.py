"""a trained codec and its held-out sounds → the page to listen in the run folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from distill.audio.writer import write_sound
from distill.codec.description import signature
from distill.codec.hearing import mel_levels_db, onset_of
from distill.data.datamodule import FixedSegments
from distill.data.segments import Segment
from distill.listen.folder import ListeningPage
from distill.listen.picture import write_mels
from distill.listen.rows import Row, Take
from distill.training.codec.clips import choose_clips
from distill.training.codec.module import CodecModule
from distill.vocoder.vocoder import default_vocoder, vocode

MOST_SOUNDS = 12
"""With the default vocoder, so many segments take some two seconds on two cores."""


def write_held_out_page(
    module: CodecModule, segments: FixedSegments, run_dir: Path, *, intro: Sequence[str]
) -> Path | None:
    """Decode some of the held-out sounds with the module's weights, and write the page with them,
    in place of an earlier one; return its path. The figures are those of the decoded mels, as in
    training.

    Raises OSError, or WriteError or SoundError, if a file cannot be written or read.
    """
    indices = choose_clips(segments, MOST_SOUNDS)
    clips = [segments[index] for index in indices]
    originals, decoded, sounds = _decode(module, clips)
    page = ListeningPage(run_dir, is_new=True)
    page.make_files_folder()
    titles = _titles([segments.name(index) for index in indices])
    for number, (clip, title) in enumerate(zip(clips, titles, strict=True)):
        if clip["sound_begin"] < clip["sound_end"]:
            mels = originals[number, 0], decoded[number, 0]
            page.add(_row(page, f"{number}/{title}", module, clip, mels, sounds[number]))
    return page.write(intro)


def _titles(names: Sequence[str]) -> list[str]:
    """The names; segments of one sound are told apart: `a.wav`, `a.wav (2)`."""
    seen: Counter[str] = Counter()
    titles = []
    for name in names:
        seen[name] += 1
        titles.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return titles


def _decode(module: CodecModule, clips: Sequence[Segment]) -> tuple[Tensor, Tensor, Tensor]:
    """The clips' mels in dB and the decoded ones, (B, 1, M, F), and the sounds of these, (B, T)."""
    spectrogram = module.spectrogram
    module.model.eval()  # in training, the codebooks would learn from these sounds
    with torch.inference_mode():
        waveforms = torch.stack([clip["waveform"] for clip in clips]).to(module.device)
        mels = spectrogram(waveforms)
        decoded = module.model(mels).mel.float()
        in_decibels = [spectrogram.to_decibels(mel).cpu() for mel in (mels, decoded)]
        vocoder = default_vocoder(spectrogram.cpu())
        sounds = vocode(vocoder, decoded.cpu(), samples=waveforms.shape[-1])
    spectrogram.to(module.device)
    return in_decibels[0], in_decibels[1], sounds


def _row(
    page: ListeningPage,
    key: str,
    module: CodecModule,
    clip: Segment,
    mels: tuple[Tensor, Tensor],
    sound: Tensor,
) -> Row:
    """Write a clip's files; its mels in dB are (M, F), the sound of the decoded one is (T,)."""
    config = module.spectrogram.config
    begin, end = clip["sound_begin"], clip["sound_end"]
    original = Take("original", page.name(key, "original", ".wav"))
    result = Take("result", page.name(key, "result", ".wav"))
    metadata = module.origin["metadata"]
    for take, waveform in ((original, clip["waveform"][0]), (result, sound)):
        write_sound(
            page.folder / take.path,
            [waveform[None, begin:end]],
            sample_rate_hz=config.sample_rate_hz,
            channels=1,
            samples=end - begin,
            model=signature(metadata["name"], metadata["model_id"]),
        )
    picture = page.name(key, "mels", ".png")
    first, last = begin // config.hop_length, math.ceil(end / config.hop_length)
    write_mels(page.folder / picture, *(mel[:, first:last] for mel in mels), floor=config.floor)
    return Row(
        name=Path(key).name,
        takes=(original, result),
        seconds=(end - begin) / config.sample_rate_hz,
        file=result.path,
        model=metadata["name"],
        picture=picture,
        figures=_figures(module, clip, mels),
    )


def _figures(module: CodecModule, clip: Segment, mels: tuple[Tensor, Tensor]) -> dict[str, float]:
    frames = mels[0].shape[-1]
    borders = (torch.tensor([clip[key]]) for key in ("sound_begin", "sound_end"))
    sounding = module.spectrogram.sounding_frames(*borders, frames=frames)
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
