"""steps and ends of epochs so far → how long a stage still takes, with all that follows them."""

from __future__ import annotations

from collections.abc import Callable

from distill.training.steps.schedule import RunClock


class TimeLeft:
    """Measures, in this process, how long steps and the ends of epochs take: held-out figures,
    previews, saves. The closing of a stage comes only once, so `closing_s` foretells it.
    """

    def __init__(
        self, clock: RunClock, *, end_steps: float, closing_s: Callable[[float], float]
    ) -> None:
        """`end_steps` is how many steps the end of an epoch takes, as long as none was measured:
        both are slow on a slow machine. `closing_s` turns the seconds of a step into those of the
        comparisons, sounds and pages that come when the training is done.
        """
        self.clock = clock
        self.end_steps, self.closing_s = end_steps, closing_s
        self._begun_s = 0.0
        self._steps_before = self._begun_steps = 0
        self._ends_s: list[float] = []
        self._ending_since_s: float | None = None

    def start(self, steps: int) -> None:
        """The training begins or continues after these steps."""
        self._begun_s, self._steps_before, self._begun_steps = self.clock.elapsed_s, steps, 0

    def end_epoch(self) -> None:
        """The last step of an epoch is done."""
        self._ending_since_s = self.clock.elapsed_s

    def begin_step(self) -> None:
        """A step begins; the first one of an epoch shows how long the end of the last one took.
        The first of all is left out of what is measured: it fills codebooks and wakes libraries.
        """
        self._begun_steps += 1
        if self._begun_steps == 2 and self._ending_since_s is None:
            self._begun_s, self._steps_before = self.clock.elapsed_s, self._steps_before + 1
        if self._ending_since_s is not None:
            self._ends_s.append(self.clock.elapsed_s - self._ending_since_s)
            self._ending_since_s = None

    def seconds(self, steps: int, *, an_epoch: int, is_trained: bool) -> float | None:
        """The time left after these steps of the stage, of so many an epoch; None before the first
        step, or if there is no limit. `is_trained` says that no further step will come.
        """
        elapsed_s, limits = self.clock.elapsed_s, self.clock.limits
        until_s = elapsed_s if self._ending_since_s is None else self._ending_since_s
        measured = steps - self._steps_before
        if measured <= 0:
            return None
        step_s = (until_s - self._begun_s - sum(self._ends_s)) / measured
        ends_s = self._ends_s or [self.end_steps * step_s]
        closing_s = self.closing_s(step_s)
        if is_trained:
            return closing_s + (max(ends_s) if self._ending_since_s is None else 0.0)
        training_s = []
        if limits.max_epochs is not None:
            left = max(0, limits.max_epochs * an_epoch - steps)
            ends_between = max(0, -(-left // an_epoch) - 1)
            training_s.append(left * step_s + ends_between * sum(ends_s) / len(ends_s))
        if limits.max_minutes is not None:
            training_s.append(max(0.0, 60 * limits.max_minutes - elapsed_s))
        if not training_s:
            return None
        # the last end is the longest: it always has previews
        after_s = max(ends_s) + closing_s
        if limits.max_minutes is not None:  # steps that are slow for once would foretell too much
            after_s = min(after_s, 60 * limits.max_minutes)
        return min(training_s) + after_s
