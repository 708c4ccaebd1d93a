"""random generator → building blocks of synthesised sounds: noises, envelopes, filters, rooms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE_HZ = 48_000
NYQUIST_HZ = RATE_HZ / 2
Samples = NDArray[Any]
"""(T,) at 48 kHz, any level."""
Rng = np.random.Generator


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """A number whose logarithm is spread evenly."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def seconds(samples: int) -> Samples:
    """Times in seconds (T,)."""
    return np.arange(samples) / RATE_HZ


def pitch(rng: Rng, low: float = 40.0, high: float = 1800.0) -> float:
    """A fundamental in Hz."""
    return log_uniform(rng, low, high)


def drift(rng: Rng, samples: int, rate_hz: float, depth: float) -> Samples:
    """A slow random line around 0, with about this number of turns a second."""
    points = max(4, int(samples / RATE_HZ * rate_hz) + 3)
    line = rng.standard_normal(points) * depth
    return np.interp(np.linspace(0, points - 1, samples), np.arange(points), line)


def vibrato(rng: Rng, samples: int) -> Samples:
    """Factors of the pitch (T,): a vibrato that sets in late, or none, and a drift."""
    t = seconds(samples)
    depth = rng.choice([0.0, 0.003, 0.008, 0.02])
    onset = np.clip((t - rng.uniform(0, 0.5)) / 0.4, 0, 1)
    wave = depth * onset * np.sin(2 * np.pi * rng.uniform(4, 7) * t + rng.uniform(0, 6))
    return 1 + wave + drift(rng, samples, 3, 0.002)


def noise(rng: Rng, samples: int, slope_db: float = 0.0) -> Samples:
    """Noise whose spectrum rises by `slope_db` an octave, RMS 1."""
    if slope_db == 0:
        return rng.standard_normal(samples)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    octaves = np.log2(np.maximum(np.arange(len(spectrum)), samples * 30 / RATE_HZ) + 1)
    shaped = np.fft.irfft(spectrum * 10 ** (slope_db * octaves / 20), samples)
    return shaped / (np.sqrt(np.mean(shaped**2)) + 1e-12)


def band(x: Samples, low_hz: float, high_hz: float, order: int = 2) -> Samples:
    """What lies between two frequencies."""
    high_hz = min(high_hz, 0.98 * NYQUIST_HZ)
    low_hz = min(max(low_hz, 10.0), 0.9 * high_hz)
    sos = signal.butter(order, [low_hz, high_hz], "bandpass", fs=RATE_HZ, output="sos")
    return np.asarray(signal.sosfilt(sos, x))


def low_pass(x: Samples, hz: float, order: int = 2) -> Samples:
    """What lies below a frequency."""
    hz = float(np.clip(hz, 20, 0.98 * NYQUIST_HZ))
    return np.asarray(
        signal.sosfilt(signal.butter(order, hz, "lowpass", fs=RATE_HZ, output="sos"), x)
    )


def high_pass(x: Samples, hz: float, order: int = 2) -> Samples:
    """What lies above a frequency."""
    hz = float(np.clip(hz, 10, 0.95 * NYQUIST_HZ))
    return np.asarray(
        signal.sosfilt(signal.butter(order, hz, "highpass", fs=RATE_HZ, output="sos"), x)
    )


def resonance(x: Samples, hz: float, width_hz: float) -> Samples:
    """A two-pole resonance with gain 1 at its peak."""
    hz = min(hz, 0.95 * NYQUIST_HZ)
    radius = np.exp(-np.pi * width_hz / RATE_HZ)
    angle = 2 * np.pi * hz / RATE_HZ
    gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + radius**2)
    return np.asarray(signal.lfilter([gain], [1, -2 * radius * np.cos(angle), radius**2], x))


def swept(x: Samples, rng: Rng) -> Samples:
    """A low-pass whose cutoff moves: a blend of filtered copies along a moving line."""
    cutoffs = np.geomspace(log_uniform(rng, 80, 800), log_uniform(rng, 2000, 18000), 5)
    copies = np.stack([low_pass(x, hz, 4) for hz in cutoffs])
    t = seconds(len(x))
    kind = rng.integers(3)
    if kind == 0:
        line = np.exp(-t / log_uniform(rng, 0.05, 1.5))
    elif kind == 1:
        line = np.clip(t / log_uniform(rng, 0.1, 3), 0, 1)
    else:
        line = 0.5 + 0.5 * np.sin(2 * np.pi * log_uniform(rng, 0.2, 8) * t)
    at = np.clip(line, 0, 1) * (len(cutoffs) - 1.001)
    below = at.astype(int)
    share, columns = at - below, np.arange(len(x))
    return copies[below, columns] * (1 - share) + copies[below + 1, columns] * share


def adsr(rng: Rng, samples: int, *, slow: bool = False) -> Samples:
    """Attack, decay to a level that holds, release before the end."""
    t, length = seconds(samples), samples / RATE_HZ
    attack = log_uniform(rng, 0.02, 0.4) if slow else log_uniform(rng, 0.001, 0.05)
    held = rng.uniform(0.2, 1)
    end = length * rng.uniform(0.3, 0.95)
    rise = np.clip(t / attack, 0, 1) ** rng.uniform(0.5, 2)
    fall = held + (1 - held) * np.exp(-np.maximum(t - attack, 0) / log_uniform(rng, 0.05, 1))
    release = np.exp(-np.maximum(t - end, 0) / log_uniform(rng, 0.02, 0.4))
    return np.asarray(rise * fall * release)


def decay(rng: Rng, samples: int, low_s: float, high_s: float) -> Samples:
    """An exponential fall from 1, with a time constant from this range."""
    return np.asarray(np.exp(-seconds(samples) / log_uniform(rng, low_s, high_s)))


def partials(
    frequencies: Samples, levels: Samples, decays_s: Samples, samples: int, rng: Rng
) -> Samples:
    """Sinusoids (P,) with levels and time constants of decay; those above Nyquist are left out."""
    heard = (frequencies < 0.98 * NYQUIST_HZ) & (frequencies > 15)
    total, t = np.zeros(samples, np.float32), seconds(samples).astype(np.float32)
    for hz, level, time_s in zip(frequencies[heard], levels[heard], decays_s[heard], strict=True):
        last = min(samples, int(time_s * 9 * RATE_HZ) + 64)
        phase = rng.uniform(0, 2 * np.pi)
        wave = np.sin(np.float32(2 * np.pi * hz) * t[:last] + np.float32(phase))
        total[:last] += np.float32(level) * wave * np.exp(-t[:last] / np.float32(time_s))
    return total


def harmonic(rng: Rng, hz: Samples, brightness_db: float) -> Samples:
    """Harmonics of a moving fundamental (T,) that fall by `brightness_db` an octave."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    count = int(np.clip(0.95 * NYQUIST_HZ / hz.max(), 1, 80))
    number = np.arange(1, count + 1)
    levels = 10 ** (brightness_db * np.log2(number) / 20) * 10 ** (rng.normal(0, 3, count) / 20)
    if rng.random() < 0.2:
        levels[1::2] *= 0.1  # odd harmonics, as of a closed pipe
    # Chebyshev-like recurrence: each harmonic from the two before it
    fundamental = np.exp(1j * phase).astype(np.complex64)
    power, total = np.ones_like(fundamental), np.zeros(len(hz), np.float32)
    for level in levels:
        power = power * fundamental
        total += np.float32(level) * power.imag
    return total


def room(rng: Rng, x: Samples) -> Samples:
    """The sound in a room: early reflections and a tail whose highs fade first."""
    tail_s = log_uniform(rng, 0.08, 2.5)
    length = int(min(1.5 * tail_s, 2.5) * RATE_HZ)
    t = seconds(length)
    tail = noise(rng, length) * np.exp(-6.9 * t / tail_s)
    dark = low_pass(tail, log_uniform(rng, 800, 6000))
    share = np.exp(-t / (0.4 * tail_s))
    tail = tail * share + dark * (1 - share)
    tail[: int(rng.uniform(0.001, 0.03) * RATE_HZ)] = 0
    for _ in range(rng.integers(2, 8)):
        tail[rng.integers(0, min(length, 2400))] += rng.normal(0, 3)
    tail /= np.sqrt(np.sum(tail**2)) + 1e-9
    wet = signal.fftconvolve(x, tail)[: len(x)]
    amount = log_uniform(rng, 0.05, 1.2)
    return x + amount * wet * (np.std(x) + 1e-9) / (np.std(wet) + 1e-9)


def join(parts: list[tuple[float, Samples]], samples: int) -> Samples:
    """Sounds that begin at given seconds, added up."""
    total = np.zeros(samples)
    for begin_s, part in parts:
        begin = int(begin_s * RATE_HZ)
        fitting = part[: max(0, samples - begin)]
        total[begin : begin + len(fitting)] += fitting
    return total


def unit(x: Samples) -> Samples:
    """The same with peak 1."""
    return x / (np.abs(x).max() + 1e-9)
