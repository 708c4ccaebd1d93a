"""how a run is, and what that means, in words."""

from __future__ import annotations

from enum import StrEnum

from distill.dashboard.state.progress_record import ProgressRecord
from distill.dashboard.state.run_facts import STAGES
from distill.system.terminal import duration


class State(StrEnum):
    """How a run is."""

    STARTING = "starting"
    READING = "reading the sounds"
    PREPARING = "preparing"
    TRAINING = "training"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    CUT_OFF = "cut off"

    @property
    def is_active(self) -> bool:
        """Whether a process is at work on the run."""
        return self in ACTIVE


ACTIVE = (State.STARTING, State.READING, State.PREPARING, State.TRAINING, State.STOPPING)


def sentence_of(
    state: State, record: ProgressRecord, *, can_go_on: bool, makes_sounds: bool | None
) -> str:
    """What the state means, and what can be done. `makes_sounds`: whether its model does; None
    without a model in the library.
    """
    if state == State.FAILED:
        more = " Put that right; Go on continues from its last save." if can_go_on else ""
        return f"The run has failed, for the reason below.{more}"
    if state == State.CUT_OFF:
        more = "Go on continues from its last save." if can_go_on else "Start it again."
        return f"The process of this run has ended without a word. {more}"
    if state == State.STOPPING:
        return "Stopping: the run finishes its step and saves."
    if state == State.STOPPED:
        if can_go_on:
            return "Stopped, and saved. Go on continues."
        return "Stopped before anything was saved. Start it again."
    if state == State.FINISHED:
        return f"Finished. {_of_model(makes_sounds)}"
    step = record.step
    if state == State.TRAINING and step:
        stage = STAGES.get(record.stage, record.stage)
        epochs = f" of {step.epochs}" if step.epochs else ""
        now = "training is done; judging it, and making sounds to listen to"
        return f"{stage}: {now if step.is_trained else f'epoch {step.epoch}{epochs}'}."
    return f"{state.value.capitalize()} …"


def _of_model(makes_sounds: bool | None) -> str:
    if makes_sounds is None:
        return "Its model is not in the library."
    if makes_sounds:
        return "Its model is in the library, and makes new sounds."
    return "Its model is in the library. Without a prior, it makes no new sounds."


def time_left(state: State, record: ProgressRecord) -> str:
    """The time of the stage at work that is gone, and what is left; empty if none is."""
    step = record.step
    if state not in (State.TRAINING, State.STOPPING) or step is None:
        return ""
    told = f"{duration(step.elapsed_s)} gone"
    if step.left_in_all_s is not None:
        return f"{told} in this stage, {duration(step.left_in_all_s)} left in all"
    return told if step.left_s is None else f"{told}, {duration(step.left_s)} left in this stage"
