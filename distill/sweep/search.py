"""name of a search → how many of its trials are left to do."""

from __future__ import annotations

import logging
from pathlib import Path

from distill.errors import DistillError

LOCAL = "sqlite:///"


def trials_left(storage: str, study: str, wanted: int) -> int:
    """Trials that a study still needs to reach `wanted`; raises DistillError if it is complete.

    Trials that did not end do not count.
    """
    import optuna  # an extra, and slow to import

    if storage.startswith(LOCAL):
        Path(storage.removeprefix(LOCAL)).parent.mkdir(parents=True, exist_ok=True)

    optuna.logging.set_verbosity(logging.WARNING)
    try:
        trials = optuna.load_study(study_name=study, storage=storage).trials
    except KeyError:
        return wanted  # no such study yet
    except Exception as error:  # each database has its own kinds of errors
        reason = str(error).splitlines()[0]
        raise DistillError(
            f"hydra.sweeper.storage={storage}: cannot be opened: {reason}"
        ) from error
    left = wanted - sum(bool(trial.state.is_finished()) for trial in trials)
    if left <= 0:
        raise DistillError(
            f"the search {study} is complete: {wanted} trials; for more trials, give a larger "
            "hydra.sweeper.n_trials=; for a new search, give another name="
        )
    return left
