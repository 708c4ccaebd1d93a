"""a run's curve of the held-out mel error → what ten more minutes would likely bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

MORE_MINUTES = 10
FEWEST_EPOCHS = 3
"""With fewer epochs, the curve says too little."""
TRUSTED_SHARE = 1 / 3
"""Share of the curve's own slope that is expected of longer runs. Within a run, the falling
learning rate adds to the slope, and each doubling of the time brings less than the one before. On
instruments, the error falls by a power of about 0.2 of the time within a run of three minutes; of
runs of one, three and ten minutes (2.9, 2.6, 2.4 dB), the ends fall by powers of 0.10 and 0.07.
"""
FURTHEST = 8.0
"""A longer run is judged as one of at most this number of times the length."""
MOST_GAIN = 0.25
"""More than this share of the error is never promised."""
WORTH_IT = 0.02
"""With less gain than this share of the error, a longer run is not worth it."""
STEADY = 0.02
"""The error at the end may be over its lowest by this share; beyond, the run gets worse."""


class Outlook(Enum):
    """Whether a longer run would help."""

    BETTER = auto()
    LITTLE = auto()
    """The curve has hardly fallen for so long that more time is no remedy."""
    WORSE = auto()
    """The run overfits, or its error rises at the end."""
    UNKNOWN = auto()
    """Too few epochs, or figures that are not finite."""


@dataclass(frozen=True)
class Forecast:
    """What a run longer by MORE_MINUTES would likely bring."""

    outlook: Outlook
    now_db: float | None = None
    likely_db: float | None = None
    """The likely mel error of the longer run; None unless it would be BETTER."""
    minutes: float | None = None
    """Length of the longer run."""


def forecast(mel_db: Sequence[float], *, elapsed_s: float) -> Forecast:
    """Mel error after each epoch of a finished run of `elapsed_s` → what a longer one would bring.

    The error is taken as a power of the time, fitted over the epochs' ends, which are about evenly
    spaced; of its slope, only a part is trusted.
    """
    if len(mel_db) < FEWEST_EPOCHS or not all(map(math.isfinite, mel_db)) or min(mel_db) <= 0:
        return Forecast(Outlook.UNKNOWN)
    now_db, minutes = mel_db[-1], elapsed_s / 60 + MORE_MINUTES
    if now_db > (1 + STEADY) * min(mel_db):
        return Forecast(Outlook.WORSE, now_db)
    times = (60 * minutes) / elapsed_s if elapsed_s > 0 else FURTHEST
    power = TRUSTED_SHARE * _slope(mel_db)
    gain = min(MOST_GAIN, 1 - min(times, FURTHEST) ** -max(0.0, power))
    if gain < WORTH_IT:
        return Forecast(Outlook.LITTLE, now_db)
    return Forecast(Outlook.BETTER, now_db, (1 - gain) * now_db, minutes)


def describe_forecast(forecast: Forecast) -> str:
    """The forecast in plain words; empty where nothing can be said."""
    more = f"{MORE_MINUTES} more minutes would likely"
    if forecast.outlook is Outlook.BETTER:
        return (
            f"{more} bring the mel error from {forecast.now_db:.2f} to about "
            f"{forecast.likely_db:.1f} dB (a run of {forecast.minutes:.0f} minutes)"
        )
    if forecast.outlook is Outlook.LITTLE:
        return f"{more} bring little: more or other sounds, or more levels, may bring more"
    if forecast.outlook is Outlook.WORSE:
        return f"{more} not help: the held-out figures get worse"
    return ""


def _slope(mel_db: Sequence[float]) -> float:
    """Minus the slope of log error over log time, by least squares; each epoch weighs as much as
    the log time that it adds, so that the many late ones do not outweigh the few early ones.
    """
    times = [math.log(epoch + 1) for epoch in range(len(mel_db))]
    errors = [math.log(error) for error in mel_db]
    weights = [1 / (epoch + 1) for epoch in range(len(mel_db))]
    total = sum(weights)
    mean_time, mean_error = (
        sum(w * value for w, value in zip(weights, values, strict=True)) / total
        for values in (times, errors)
    )
    spread = sum(w * (t - mean_time) ** 2 for w, t in zip(weights, times, strict=True))
    together = sum(
        w * (t - mean_time) * (e - mean_error)
        for w, t, e in zip(weights, times, errors, strict=True)
    )
    return -together / spread
