"""a sound → the same through a codec that others have published, and the bits that it took."""

from __future__ import annotations

import io

import av
import numpy as np

OPUS_HZ = 48_000
LONGEST_LAG = 2_000
"""Samples that a decoder may be late by."""


def opus(waveform: np.ndarray, kbit_per_s: float) -> tuple[np.ndarray, float]:
    """A sound (T,) float32 at 48 kHz → as it comes back from Opus (RFC 6716), (T,) float32, and the
    kilobits of its packets for each second of sound.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=OPUS_HZ, layout="mono")
        stream.bit_rate = round(1000 * kbit_per_s)
        frame = av.AudioFrame.from_ndarray(waveform[None].astype(np.float32), "flt", "mono")
        frame.sample_rate = OPUS_HZ
        packets = [*stream.encode(frame), *stream.encode(None)]
        taken = sum(packet.size for packet in packets)
        for packet in packets:
            out.mux(packet)
    file.seek(0)
    with av.open(file) as given:
        parts = [frame.to_ndarray() for frame in given.decode(audio=0)]
    decoded = np.concatenate(parts, axis=1)[0].astype(np.float32)
    lag = _lag(waveform, decoded)
    padded = np.pad(decoded, (0, len(waveform) + lag))[lag : lag + len(waveform)]
    return padded, 8 * taken / 1000 / (len(waveform) / OPUS_HZ)


def _lag(original: np.ndarray, decoded: np.ndarray) -> int:
    """By how many samples the second comes later."""
    size = 1 << (len(original) + len(decoded)).bit_length()
    spectra = np.fft.rfft(original, size).conj() * np.fft.rfft(decoded, size)
    return int(np.argmax(np.fft.irfft(spectra)[:LONGEST_LAG]))
