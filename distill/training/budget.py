"""the sounds of a run, and `minutes=` → how long each stage trains, and how long all will take.

Imports no torch. The figures are those of scripts/bench/budget.py, on two cores of an AMD EPYC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from distill.errors import ConfigError
from distill.model.sizing import FEWEST_SEGMENTS, Choice, max_epochs
from distill.settings.schema import STAGES, PriorStageConfig, TrainConfig, TrainerConfig
from distill.settings.vocoders import VocoderConfig
from distill.system.terminal import duration

CODEC, VOCODER, PRIOR = STAGES
SHARES = {CODEC: 0.25, VOCODER: 0.15, PRIOR: 0.6}
"""Of the minutes for training, by what each stage gains from them."""
LEAST_TRAINING = 0.2
"""The share of a run's minutes that is for training, even where all else would need more."""
SHORTEST_MINUTES = 1e-6
"""A step, for a limit must not be nothing."""
VOCODER_MINUTES = {"phase_gradient": 0.5, "hifigan_v2": 60.0}
"""By its type; those of packages: PACKAGE_MINUTES."""
PACKAGE_MINUTES = 3.0
PRIOR_MINUTES = ((60, 0.75), (600, 1.5), (6_000, 3.0))
"""(largest number of sounds, minutes); with more sounds: MOST_PRIOR_MINUTES."""
MOST_PRIOR_MINUTES = 6.0
SHARE_WITH_BASE = 1 / 3
"""Of the usual time of a stage, for one that begins with the weights of a model."""
STEP_S, USUAL_BATCH = 0.15, 8
"""What a step of the codec takes with the defaults, and the segments that it has."""
STEPS_BETWEEN = 15
"""As many steps as the end of an epoch takes."""
AROUND_S = {CODEC: (8.0, 0.0), VOCODER: (10.0, 0.0), PRIOR: (8.0, 0.03)}
"""What a stage takes besides its training, in seconds: always, and for each second of the sounds.
It prepares its sounds, judges its result, and makes its page.
"""
MOST_SECONDS = 1_500.0
"""The prior codes no more sound than this; what is told of it follows from twenty minutes that are
kept, and five that are held out.
"""
Limits = TrainerConfig | VocoderConfig | PriorStageConfig
"""The settings that say how long a stage trains."""


@dataclass(frozen=True)
class Sounds:
    """How much there is to learn from."""

    files: int
    seconds: float
    epoch_segments: int
    """In an epoch of the codec."""


@dataclass(frozen=True)
class Timetable:
    """How long the stages of a run will take, with all that is around their training."""

    seconds: Mapping[str, float | None] = field(default_factory=dict)
    """Stage → seconds; None for one whose steps nobody has timed yet."""

    @property
    def total_s(self) -> float | None:
        """The time of all stages; None if that of one is not known."""
        return _sum(self.seconds.values())

    def after_s(self, stage: str) -> float | None:
        """The time of the stages that come after one; 0 for the last one."""
        stages = list(self.seconds)
        return _sum(self.seconds[later] for later in stages[stages.index(stage) + 1 :])

    def line(self) -> str:
        """The times as text for the terminal; empty where not all of them are known."""
        if self.total_s is None:
            return ""
        parts = [f"{stage} {duration(s)}" for stage, s in self.seconds.items() if s is not None]
        of_each = f": {', '.join(parts)}" if len(parts) > 1 else ""
        return f"takes about {duration(self.total_s)} in all{of_each}"


def share_minutes(
    config: TrainConfig,
    sounds: Sounds,
    stages: Sequence[str],
    *,
    shorter: Collection[str] = (),
) -> dict[str, Choice[float]]:
    """Fill in `max_minutes` of the stages without a limit, in place; return what was chosen for
    each and why. Without `minutes`, the codec stays without: its epochs are chosen later. The
    stages in `shorter` begin with the weights of a model.

    Raises ConfigError where the stages' own limits leave nothing of `minutes`.
    """
    unlimited = [stage for stage in stages if stage in SHARES and not has_limit(config, stage)]
    if config.minutes is not None:
        chosen = _shared(config, sounds, stages, unlimited)
    else:
        usual = {VOCODER: _vocoder_minutes(config), PRIOR: prior_minutes(sounds.files)}
        chosen = {
            stage: minutes * (SHARE_WITH_BASE if stage in shorter else 1)
            for stage, minutes in usual.items()
            if stage in unlimited
        }
    choices = {}
    for stage, minutes in chosen.items():
        limits_of(config, stage).max_minutes = max(round(minutes, 3), SHORTEST_MINUTES)
        reason = f"of {config.minutes:g} in all" if config.minutes else f"{sounds.files:,} sounds"
        choices[stage] = Choice("minutes", round(minutes, 2), reason, is_detail=True)
    return choices


def timetable(
    config: TrainConfig,
    sounds: Sounds,
    stages: Sequence[str],
    *,
    elapsed_s: Mapping[str, float] | None = None,
) -> Timetable:
    """How long the stages will take by settings that are complete; `elapsed_s` is what a run that
    goes on has trained of each.
    """
    before = elapsed_s or {}
    seconds: dict[str, float | None] = {}
    for stage in stages:
        training_s = _training_s(config, sounds, stage)
        if training_s is not None:
            training_s = max(0.0, training_s - before.get(stage, 0.0)) + _around_s(stage, sounds)
        seconds[stage] = training_s
    return Timetable(seconds)


def usual_s(config: TrainConfig, *, files: int, seconds: float, segments: int) -> float:
    """How long a default run takes on two cores, by the sounds alone; `segments` are those of the
    training side. Completes `config`.
    """
    per_epoch = config.data.epoch_segments or max(segments, FEWEST_SEGMENTS)
    sounds = Sounds(files, seconds, per_epoch)
    share_minutes(config, sounds, STAGES)
    epochs = max_epochs(segments, epoch_segments=per_epoch, starter=True)
    config.trainer.max_epochs = epochs.value
    return timetable(config, sounds, STAGES).total_s or 0.0


def prior_minutes(files: int) -> float:
    """How long the prior of a default run trains, by the number of sounds."""
    return next((minutes for most, minutes in PRIOR_MINUTES if files <= most), MOST_PRIOR_MINUTES)


def limits_of(config: TrainConfig, stage: str) -> Limits:
    """The settings that say how long a stage trains."""
    groups: dict[str, Limits] = {
        CODEC: config.trainer,
        VOCODER: config.vocoder,
        PRIOR: config.prior,
    }
    return groups[stage]


def has_limit(config: TrainConfig, stage: str) -> bool:
    """Whether something says already how long a stage trains."""
    limits = limits_of(config, stage)
    return limits.max_epochs is not None or limits.max_minutes is not None


def _shared(
    config: TrainConfig, sounds: Sounds, stages: Sequence[str], unlimited: Sequence[str]
) -> dict[str, float]:
    """Stage → minutes, of those that `config.minutes` leaves for training."""
    assert config.minutes is not None
    own_s = sum(
        _training_s(config, sounds, stage) or 0.0 for stage in stages if stage not in unlimited
    )
    in_all_s = 60 * config.minutes
    if own_s >= in_all_s and unlimited:
        raise ConfigError(
            "minutes",
            config.minutes,
            f"the limits of single stages are {own_s / 60:.2g} minutes already, and nothing is "
            f"left for the {' and the '.join(unlimited)}; leave out either",
        )
    around_s = sum(_around_s(stage, sounds) for stage in stages if stage in SHARES)
    left_s = max(in_all_s - own_s - around_s, LEAST_TRAINING * (in_all_s - own_s))
    whole = sum(SHARES[stage] for stage in unlimited)
    return {stage: SHARES[stage] / whole * left_s / 60 for stage in unlimited}


def _vocoder_minutes(config: TrainConfig) -> float:
    return VOCODER_MINUTES.get(config.vocoder.type, PACKAGE_MINUTES)


def _training_s(config: TrainConfig, sounds: Sounds, stage: str) -> float | None:
    """What the training of a stage takes; None if nothing says so beforehand."""
    if stage not in SHARES:  # of somebody else's, with a limit that is its own business
        return None
    limits, seconds = limits_of(config, stage), []
    if limits.max_minutes is not None:
        seconds.append(60 * limits.max_minutes)
    if limits.max_epochs is not None and stage == CODEC:
        batch = config.data.batch_size
        step_s = STEP_S * batch / USUAL_BATCH
        steps = -(-sounds.epoch_segments // batch) + STEPS_BETWEEN
        seconds.append(limits.max_epochs * steps * step_s)
    return min(seconds, default=None)


def _around_s(stage: str, sounds: Sounds) -> float:
    always, each = AROUND_S[stage]
    return always + each * min(sounds.seconds, MOST_SECONDS)


def _sum(seconds: Iterable[float | None]) -> float | None:
    total = 0.0
    for each in seconds:
        if each is None:
            return None
        total += each
    return total
