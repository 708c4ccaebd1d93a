"""waveforms → the bytes of sound files in many formats, and what an independent decoder reads."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from tests.helpers.sounds import tone


def _by_libsndfile(container: str, encoding: str) -> Callable[[np.ndarray, int], bytes]:
    def encode(samples: np.ndarray, rate_hz: int) -> bytes:
        file = io.BytesIO()
        soundfile.write(file, samples, rate_hz, encoding, format=container)
        return file.getvalue()

    return encode


def _by_ffmpeg(container: str, codec: str) -> Callable[[np.ndarray, int], bytes]:
    def encode(samples: np.ndarray, rate_hz: int) -> bytes:
        file = io.BytesIO()
        channels = samples.shape[1]
        with av.open(file, "w", format=container) as output:
            stream: Any = output.add_stream(codec, rate=rate_hz)
            stream.bit_rate = 64_000 * channels
            stream.layout = "mono" if channels == 1 else "stereo"
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples.reshape(1, -1), np.float32), "flt", stream.layout.name
            )
            frame.sample_rate = rate_hz
            resampler = av.AudioResampler(
                stream.codec_context.format, stream.layout, rate_hz, stream.frame_size or None
            )
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                output.mux(stream.encode(part))
            output.mux(stream.encode(None))
        return file.getvalue()

    return encode


@dataclass(frozen=True)
class Format:
    """A way to encode a sound."""

    suffix: str
    encode: Callable[[np.ndarray, int], bytes]
    frame: int = 1
    """Samples in one of its frames; a decoder may lose or add one at each end."""
    rates_hz: tuple[int, ...] = (16_000, 44_100)
    is_lossy: bool = False
    """Whether it adds silence at the ends, and changes the samples."""


FORMATS = {
    "wav": Format("wav", _by_libsndfile("WAV", "PCM_16")),
    "wav24": Format("wav", _by_libsndfile("WAVEX", "PCM_24")),
    "wavfloat": Format("wav", _by_libsndfile("WAV", "FLOAT")),
    "aiff": Format("aiff", _by_libsndfile("AIFF", "PCM_16")),
    "au": Format("au", _by_libsndfile("AU", "PCM_16")),
    "w64": Format("w64", _by_libsndfile("W64", "PCM_16")),
    "caf": Format("caf", _by_libsndfile("CAF", "PCM_16")),
    "flac": Format("flac", _by_libsndfile("FLAC", "PCM_16"), 4096),
    "vorbis": Format("ogg", _by_libsndfile("OGG", "VORBIS"), 2048, is_lossy=True),
    "opus": Format("opus", _by_libsndfile("OGG", "OPUS"), 960, (48_000,), is_lossy=True),
    "mp3": Format("mp3", _by_libsndfile("MP3", "MPEG_LAYER_III"), 1152, is_lossy=True),
    "aac": Format("m4a", _by_ffmpeg("ipod", "aac"), 1024, is_lossy=True),
    "alac": Format("m4a", _by_ffmpeg("ipod", "alac"), 4096),
    "adts": Format("aac", _by_ffmpeg("adts", "aac"), 1024, is_lossy=True),
    "wma": Format("wma", _by_ffmpeg("asf", "wmav2"), 2048, (44_100,), is_lossy=True),
    "wavpack": Format("wv", _by_ffmpeg("wv", "wavpack"), 22_050),
    "tta": Format("tta", _by_ffmpeg("tta", "tta"), 46_080),
    "matroska": Format("mka", _by_ffmpeg("matroska", "libopus"), 960, (48_000,), is_lossy=True),
}


@lru_cache(maxsize=512)
def encode(name: str, duration_s: float, rate_hz: int, channels: int, seed: int = 0) -> bytes:
    """The bytes of a decaying tone in this format."""
    mono = tone(300 + 40 * seed, duration_s, rate_hz, seed)
    samples = np.stack([mono * 0.8**channel for channel in range(channels)], axis=1)
    return FORMATS[name].encode(samples, rate_hz)


def seconds_by_ffmpeg(path: Path) -> float:
    """The seconds that FFmpeg decodes of a file's best sound track; 0 if it decodes nothing."""
    seconds, failures = 0.0, 0
    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.FFmpegError:
        return 0.0
    with container:
        stream = container.streams.best("audio")
        if stream is None:
            return 0.0
        while failures < 8:
            try:
                for packet in container.demux(stream):
                    try:
                        seconds += sum(f.samples / f.sample_rate for f in packet.decode())
                    except av.FFmpegError:
                        continue
            except av.FFmpegError:
                failures += 1
            else:
                break
    return seconds
