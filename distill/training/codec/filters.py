"""mel settings with empty filters → a line for the user, with what to type."""

from __future__ import annotations

from distill.model.filters import find_empty_filters
from distill.settings.schema import MelConfig


def describe_empty_filters(mel: MelConfig, *, fixed: bool) -> str | None:
    """The line; None if no filter is empty. With `fixed`, the run's settings cannot be changed."""
    found = find_empty_filters(
        sample_rate_hz=mel.sample_rate_hz, n_fft=mel.n_fft, n_mels=mel.n_mels
    )
    if found is None:
        return None
    better = {"mel.n_mels": found.n_mels, "mel.n_fft": found.n_fft}
    typed = " or ".join(f"{key}={value}" for key, value in better.items() if value)
    filters = "1 mel filter is" if found.count == 1 else f"{found.count} mel filters are"
    return (
        f"mel.n_mels={mel.n_mels}: {filters} empty, because the window mel.n_fft={mel.n_fft} is "
        "too short to separate their frequencies"
        + (f"; {'in a new run, ' if fixed else ''}type {typed}" if typed else "")
    )
