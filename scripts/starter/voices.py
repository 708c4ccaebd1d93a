"""random generator, samples → one synthesised sound of some kind, at any level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from drums import clap, cymbal, kick, membrane, snare
from parts import (
    NYQUIST_HZ,
    RATE_HZ,
    Rng,
    Samples,
    adsr,
    band,
    decay,
    drift,
    harmonic,
    high_pass,
    join,
    log_uniform,
    low_pass,
    noise,
    partials,
    pitch,
    resonance,
    seconds,
    swept,
    unit,
    vibrato,
)
from scipy import signal

Voice = Callable[[Rng, int], Samples]


def pluck(rng: Rng, samples: int) -> Samples:
    """A string (Karplus and Strong, 1983): a burst of noise in a loop that loses its highs."""
    hz = pitch(rng, 40, 1200)
    period = max(8, int(RATE_HZ / hz))
    burst = np.zeros(samples)
    width = min(period, samples)
    burst[:width] = low_pass(noise(rng, width), log_uniform(rng, 1500, 20000))
    blend, loss = rng.uniform(0.05, 0.5), 1 - log_uniform(rng, 0.0005, 0.02)
    loop = np.zeros(period + 2)
    loop[0], loop[period], loop[period + 1] = 1, -loss * (1 - blend), -loss * blend
    pick = np.zeros(max(2, int(period * rng.uniform(0.05, 0.5))))
    pick[0], pick[-1] = 1, -0.9
    return np.asarray(signal.lfilter(pick, loop, burst))


def string_partials(rng: Rng, samples: int) -> Samples:
    """A piano-like string: stretched partials, two decays, the knock of a hammer."""
    hz, stiff = pitch(rng, 40, 2500), log_uniform(rng, 1e-5, 1e-3)
    number = np.arange(1, int(np.clip(NYQUIST_HZ / hz, 1, 50)) + 1)
    frequencies = hz * number * np.sqrt(1 + stiff * number**2)
    levels = 10 ** (-rng.uniform(3, 12) * np.log2(number) / 20) * rng.uniform(0.3, 1, len(number))
    decays = log_uniform(rng, 0.2, 3) / (1 + frequencies / log_uniform(rng, 800, 6000))
    tone = partials(frequencies, levels, decays, samples, rng)
    pair = partials(frequencies * 1.0008, 0.3 * levels, 2 * decays, samples, rng)
    knock = low_pass(noise(rng, samples), log_uniform(rng, 300, 4000)) * decay(
        rng, samples, 0.002, 0.03
    )
    return tone + pair + rng.uniform(0, 1) * knock


def struck(rng: Rng, samples: int) -> Samples:
    """A bar, bell, glass or plate: inharmonic modes, and a click."""
    hz, count = pitch(rng, 80, 4000), int(rng.integers(3, 50))
    ratios = np.sort(
        rng.choice(
            [
                1 + np.cumsum(rng.exponential(rng.uniform(0.1, 1.5), count)),
                (np.arange(count) + 1.5) ** 2 / 2.25,
            ][int(rng.integers(2))],
            count,
            replace=False,
        )
    )
    frequencies = hz * ratios
    levels = rng.exponential(1, count) / ratios ** rng.uniform(0, 1)
    decays = log_uniform(rng, 0.03, 4) / (1 + frequencies / log_uniform(rng, 2000, 20000))
    click = noise(rng, samples) * decay(rng, samples, 0.0005, 0.008)
    return partials(frequencies, levels, decays, samples, rng) + rng.uniform(0, 0.6) * click


def blown(rng: Rng, samples: int) -> Samples:
    """A flute, reed or horn: harmonics that brighten as it grows louder, and breath."""
    hz = pitch(rng, 60, 1800)
    shape = adsr(rng, samples, slow=True) * (1 + drift(rng, samples, 6, 0.05))
    tone = unit(harmonic(rng, hz * vibrato(rng, samples), -rng.uniform(4, 20)))
    soft = low_pass(tone, 3 * hz)
    breath = band(noise(rng, samples), 0.8 * hz, log_uniform(rng, 3000, 16000))
    loud = shape**1.5
    return shape * (soft * (1 - loud) + tone * loud) + log_uniform(rng, 0.003, 0.2) * breath * shape


def bow(rng: Rng, samples: int) -> Samples:
    """A saw-like string behind the resonances of a body, with the noise of the bow."""
    tone = unit(harmonic(rng, pitch(rng, 50, 1200) * vibrato(rng, samples), -rng.uniform(3, 8)))
    body = sum(
        rng.uniform(0.3, 1.5) * resonance(tone, log_uniform(rng, 150, 5000), rng.uniform(40, 400))
        for _ in range(5)
    )
    scrape = high_pass(noise(rng, samples), 1500) * log_uniform(rng, 0.002, 0.05)
    return adsr(rng, samples, slow=True) * (rng.uniform(0.1, 0.6) * tone + body + scrape)


def organ(rng: Rng, samples: int) -> Samples:
    """Steady harmonics at octaves and fifths, with a slow beating."""
    hz = pitch(rng, 40, 900)
    ranks = np.array([0.5, 1, 1.5, 2, 3, 4, 5, 6, 8]) * (1 + rng.normal(0, 0.0006, 9))
    tone = partials(hz * ranks, rng.exponential(1, 9), np.full(9, 60.0), samples, rng)
    return tone * adsr(rng, samples)


def fm(rng: Rng, samples: int) -> Samples:
    """Frequency modulation with an index that fades."""
    t, hz = seconds(samples), pitch(rng, 40, 1500)
    ratio = rng.choice([0.5, 1, 1.41, 2, 3, 3.5, 7, rng.uniform(0.3, 9)])
    index = log_uniform(rng, 0.3, 12) * decay(rng, samples, 0.05, 3)
    wave = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * ratio * t))
    return wave * (adsr(rng, samples) if rng.random() < 0.5 else decay(rng, samples, 0.1, 2))


def synth(rng: Rng, samples: int) -> Samples:
    """Detuned saws or pulses through a moving filter."""
    hz = pitch(rng, 35, 900)
    total = np.zeros(samples)
    for _ in range(rng.integers(1, 7)):
        phase = hz * (1 + rng.normal(0, 0.006)) * seconds(samples) + rng.random()
        saw = 2 * (phase % 1) - 1
        total += saw if rng.random() < 0.6 else np.sign(saw + rng.uniform(-0.8, 0.8))
    return swept(total, rng) * adsr(rng, samples, slow=rng.random() < 0.3)


def chip(rng: Rng, samples: int) -> Samples:
    """A square wave that steps through notes."""
    step = int(log_uniform(rng, 0.02, 0.3) * RATE_HZ)
    notes = pitch(rng, 80, 900) * 2 ** (rng.integers(-12, 13, samples // step + 1) / 12)
    phase = np.cumsum(np.repeat(notes, step)[:samples]) / RATE_HZ
    return np.sign((phase % 1) - rng.choice([0.125, 0.25, 0.5])) * adsr(rng, samples)


FORMANTS_HZ = (
    (730, 1090, 2440, 3400),
    (270, 2290, 3010, 3600),
    (300, 870, 2240, 3300),
    (530, 1840, 2480, 3500),
    (570, 840, 2410, 3300),
    (490, 1350, 1690, 3300),
)
"""Of six vowels (Peterson and Barney, 1952), and a fourth."""


def throat(rng: Rng, x: Samples, size: float) -> Samples:
    """A source through the formants of a random vowel."""
    vowel = FORMANTS_HZ[rng.integers(len(FORMANTS_HZ))]
    levels = (1, 0.6, 0.35, 0.2)
    return np.asarray(
        sum(
            level * resonance(x, hz * size * rng.uniform(0.92, 1.08), rng.uniform(50, 160))
            for hz, level in zip(vowel, levels, strict=True)
        )
    )


def sung(rng: Rng, samples: int) -> Samples:
    """A vowel that turns into another."""
    source = harmonic(rng, pitch(rng, 80, 700) * vibrato(rng, samples), -rng.uniform(4, 10))
    source = source + 0.03 * noise(rng, samples)
    size = rng.uniform(0.9, 1.3)
    turn = np.clip(seconds(samples) / (samples / RATE_HZ) * 3 - rng.uniform(0, 2), 0, 1)
    vowels = throat(rng, source, size) * (1 - turn) + throat(rng, source, size) * turn
    return (vowels + 0.02 * source) * adsr(rng, samples, slow=True)


def speech(rng: Rng, samples: int) -> Samples:
    """Syllables: hisses and bursts before vowels, a pitch that falls, pauses."""
    hz, size, at, parts = pitch(rng, 75, 320), rng.uniform(0.85, 1.35), 0.0, []
    whispered = rng.random() < 0.15
    while at < samples / RATE_HZ:
        if rng.random() < 0.7:
            length = int(log_uniform(rng, 0.02, 0.15) * RATE_HZ)
            hiss = band(noise(rng, length), log_uniform(rng, 800, 5000), rng.uniform(6000, 18000))
            sudden = rng.random() < 0.5
            shape = decay(rng, length, 0.004, 0.03) if sudden else np.hanning(length)
            parts.append((at, log_uniform(rng, 0.03, 0.5) * hiss * shape))
            at += length / RATE_HZ * rng.uniform(0.5, 1)
        length = int(log_uniform(rng, 0.06, 0.4) * RATE_HZ)
        line = hz * (1 + drift(rng, length, 5, 0.06)) * np.linspace(1.08, 0.93, length)
        source = noise(rng, length) if whispered else harmonic(rng, line, -rng.uniform(5, 9))
        vowel = throat(rng, source, size) + 0.01 * source
        shape = np.minimum(1, 12 * np.hanning(length)) * np.linspace(1, rng.uniform(0.3, 1), length)
        parts.append((at, unit(vowel) * shape * rng.uniform(0.4, 1)))
        at += length / RATE_HZ + (log_uniform(rng, 0.05, 0.6) if rng.random() < 0.3 else 0)
    return join(parts, samples)


def texture(rng: Rng, samples: int) -> Samples:
    """Wind, surf, traffic, hiss: coloured noise that comes and goes."""
    hiss = noise(rng, samples, rng.uniform(-9, 2))
    if rng.random() < 0.5:
        hiss = swept(hiss, rng)
    return hiss * 10 ** (drift(rng, samples, log_uniform(rng, 0.3, 12), rng.uniform(0, 6)) / 20)


def grains(rng: Rng, samples: int) -> Samples:
    """Rain, crackle, gravel, clouds of grains: many tiny sounds at random times."""
    count = int(log_uniform(rng, 5, 300))
    length = int(log_uniform(rng, 0.002, 0.08) * RATE_HZ)
    noisy, centre = rng.random() < 0.5, log_uniform(rng, 300, 8000)
    parts = []
    for _ in range(count):
        t = seconds(length)
        hz = centre * log_uniform(rng, 0.4, 2.5)
        grain = noise(rng, length) if noisy else np.sin(2 * np.pi * hz * t)
        grain = grain * decay(rng, length, 0.001, 0.02)
        parts.append((rng.uniform(0, samples / RATE_HZ), rng.exponential(1) * grain))
    total = join(parts, samples)
    return band(total, 0.5 * centre, 2.5 * centre, 1) if noisy else total


def sweep(rng: Rng, samples: int) -> Samples:
    """A rise or fall of pitch: a laser, a siren, a riser, a chirp of a bird, again and again."""
    length = int(log_uniform(rng, 0.05, samples / RATE_HZ) * RATE_HZ)
    ends = log_uniform(rng, 60, 3000), log_uniform(rng, 200, 12000)
    hz = np.geomspace(*(ends if rng.random() < 0.5 else ends[::-1]), length)
    hz = hz * (1 + rng.choice([0, 0.05]) * np.sin(2 * np.pi * rng.uniform(5, 40) * seconds(length)))
    wave = np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    if rng.random() < 0.3:
        wave = np.tanh(3 * wave)
    single = wave * np.minimum(1, 8 * np.hanning(length))
    gap = length / RATE_HZ * rng.uniform(1, 2.5)
    times = np.arange(0, samples / RATE_HZ, max(gap, 0.05))
    return join([(float(at), single * rng.uniform(0.5, 1)) for at in times], samples)


def engine(rng: Rng, samples: int) -> Samples:
    """Pulses at a wandering rate through resonances."""
    rate = log_uniform(rng, 10, 200) * (1 + drift(rng, samples, 1, 0.15))
    phase = np.cumsum(np.maximum(rate, 3)) / RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0) * (1 + drift(rng, samples, 30, 0.3))
    rough = pulses + 0.02 * noise(rng, samples) * (0.5 + 0.5 * np.sin(2 * np.pi * phase))
    return np.asarray(
        sum(resonance(rough, log_uniform(rng, 60, 4000), rng.uniform(30, 600)) for _ in range(6))
    )


def tone(rng: Rng, samples: int) -> Samples:
    """A pure tone."""
    wave = np.sin(2 * np.pi * log_uniform(rng, 40, 10000) * seconds(samples))
    return wave * adsr(rng, samples)


VOICES: dict[str, Voice] = {
    voice.__name__: voice
    for voice in (
        pluck, string_partials, struck, membrane, kick, snare, cymbal, clap, blown, bow, organ,
        fm, synth, chip, sung, speech, texture, grains, sweep, engine, tone,
    )
}  # fmt: skip
