"""random generator, samples → one synthesised drum, at any level."""

from __future__ import annotations

import numpy as np
from parts import (
    RATE_HZ,
    Rng,
    Samples,
    band,
    decay,
    high_pass,
    join,
    log_uniform,
    noise,
    partials,
    pitch,
    seconds,
)


def membrane(rng: Rng, samples: int) -> Samples:
    """A drum's skin: modes of a circle, a falling pitch, noise of the stick."""
    ratios = np.array([1, 1.593, 2.136, 2.296, 2.653, 2.918, 3.156, 3.5, 3.6, 4.06])
    hz = pitch(rng, 50, 400)
    tone = partials(
        hz * ratios,
        rng.exponential(1, 10) / ratios,
        log_uniform(rng, 0.04, 0.6) / ratios ** rng.uniform(0.3, 1.5),
        samples,
        rng,
    )
    stick = band(noise(rng, samples), 200, log_uniform(rng, 2000, 16000)) * decay(
        rng, samples, 0.002, 0.05
    )
    return tone + rng.uniform(0.1, 1.5) * stick


def kick(rng: Rng, samples: int) -> Samples:
    """A sine that falls from high to low, and a click."""
    t = seconds(samples)
    low = log_uniform(rng, 35, 80)
    hz = low + log_uniform(rng, 80, 2000) * np.exp(-t / log_uniform(rng, 0.005, 0.06))
    body = np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ) * decay(rng, samples, 0.06, 0.7)
    click = noise(rng, samples) * decay(rng, samples, 0.0005, 0.01)
    return np.tanh(rng.uniform(1, 4) * body) + rng.uniform(0, 0.6) * click


def snare(rng: Rng, samples: int) -> Samples:
    """A skin and a rattle."""
    rattle = band(noise(rng, samples), log_uniform(rng, 300, 2500), log_uniform(rng, 6000, 20000))
    tone = partials(
        pitch(rng, 120, 350) * np.array([1, 1.6, 2.2]),
        np.array([1, 0.6, 0.3]),
        np.full(3, log_uniform(rng, 0.03, 0.2)),
        samples,
        rng,
    )
    return tone + rng.uniform(0.4, 3) * rattle * decay(rng, samples, 0.03, 0.3)


def cymbal(rng: Rng, samples: int) -> Samples:
    """A hat or cymbal: noise and dense metallic partials above some kilohertz."""
    count = int(rng.integers(10, 60))
    frequencies = rng.uniform(300, 18000, count)
    length = log_uniform(rng, 0.02, 2)
    ring = partials(frequencies, rng.exponential(1, count), np.full(count, length), samples, rng)
    hiss = noise(rng, samples) * np.exp(-seconds(samples) / length)
    return high_pass(ring + rng.uniform(0.3, 4) * hiss, log_uniform(rng, 300, 8000), 3)


def clap(rng: Rng, samples: int) -> Samples:
    """Some short bursts, then a tail."""
    hiss = band(noise(rng, samples), log_uniform(rng, 400, 1200), log_uniform(rng, 2500, 12000))
    gaps = rng.uniform(0.006, 0.016, rng.integers(2, 6)).cumsum()
    single = decay(rng, samples, 0.002, 0.008)
    bursts = join([(float(gap), single) for gap in gaps], samples)
    return hiss * (
        bursts + 0.5 * join([(float(gaps[-1]), decay(rng, samples, 0.03, 0.3))], samples)
    )
