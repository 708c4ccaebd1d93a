"""a new sound → words for a line, a caption, and how long its file is."""

from __future__ import annotations

from distill.generation.finishing import is_silent
from distill.generation.making import NewSound
from distill.system.terminal import duration

FAINT_DB = -45.0


def loop_samples(sound: NewSound, rate_hz: int) -> int:
    """How long a loop in time is, to the sample; 0 for another sound."""
    if sound.bpm is None or sound.beats is None:
        return 0
    return round(sound.beats * 60 / sound.bpm * rate_hz)


def caption(sound: NewSound) -> str:
    """`3 snare 0.42 s`."""
    seconds = duration(len(sound.waveform) / sound.codes.sample_rate_hz)
    return " ".join(filter(None, (str(sound.number), sound.class_name, seconds)))


def describe(sound: NewSound) -> str:
    """`snare, 0.42 s, -14.1 dBFS; nearest: kicks/deep.wav, 8.1 dB away`."""
    parts = [sound.class_name, duration(len(sound.waveform) / sound.codes.sample_rate_hz)]
    parts.append(f"{sound.level_db:.1f} dBFS")
    nearest = f"nearest: {sound.nearest}, {sound.distance_db:.1f} dB away" if sound.nearest else ""
    if sound.is_copy:
        nearest += ", a copy"
    faint = "very quiet: --normalise makes it louder" if sound.level_db < FAINT_DB else ""
    notes = [sound.note, "silent" if is_silent(sound.waveform) else faint]
    return "; ".join(filter(None, [", ".join(filter(None, parts)), *notes, nearest]))
