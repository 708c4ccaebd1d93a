"""What TensorBoard shows of a run."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def events_of(run_dir: Path, part: str = "codec") -> EventAccumulator:
    """Of a stage, or another folder beside those of the stages."""
    events = EventAccumulator(
        str(run_dir / "tensorboard" / part), size_guidance={"tensors": 0, "audio": 0}
    )
    events.Reload()
    return events
