"""events of a run → rows, for the terminal and a dashboard; rows ↔ plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, get_args

from distill.codec.level_health import SideHealth
from distill.runs.row_words import epoch_words, level_lines, sound_lines, time_words
from distill.runs.summary import StageSummary, take_details_apart
from distill.system.ranges import any_float, nan_as_null, or_null, within
from distill.system.terminal import duration
from distill.system.validation import InvalidError, instance_of

SHORTEST_BAR = 1
LARGEST_PID = 2**31 - 1


@dataclass(frozen=True)
class Event:
    """A warning or other news, shown in the terminal, the summary and the dashboard."""

    epoch: int
    """Counted from 1."""
    text: str
    is_warning: bool

    @property
    def line(self) -> str:
        """The text with its epoch: `epoch 3: ...`."""
        return f"epoch {self.epoch}: {self.text}"


@dataclass(frozen=True)
class StartRow:
    """A process started or continued a run."""

    event: ClassVar[str] = "start"
    pid: int = field(metadata=within(1, LARGEST_PID))
    pid_started_s: float
    """Unix time; shows whether another process has the same pid by now."""
    resumed: bool
    name: str | None
    stages: list[str]
    settings: dict[str, Any]
    """All settings of the run, by the version of distill that began it."""

    def setting(self, group: str, key: str) -> Any:
        """A setting; None if it is null, or if the run has no such setting."""
        values = self.settings.get(group)
        return values.get(key) if isinstance(values, dict) else None

    @property
    def roots(self) -> list[str]:
        """The folders of sounds; empty for the demo collection."""
        root = self.setting("data", "root")
        found = root if isinstance(root, list) else [root]
        return [each for each in found if isinstance(each, str)]


@dataclass(frozen=True)
class SoundsRow:
    """The sounds that the run uses."""

    event: ClassVar[str] = "sounds"
    name: str
    files: int
    duration_s: float
    left_out: dict[str, int]
    """Reason → number of files."""
    train: int
    """Number of files to train on; with shards, number of segments."""
    held_out: int
    """The same for the held-out side."""
    classes: dict[str, int] = field(default_factory=dict)
    """Class → number of sounds, by name."""


@dataclass(frozen=True)
class ChoiceRow:
    """A setting that was chosen before a stage began, and why."""

    event: ClassVar[str] = "choice"
    stage: str
    key: str
    value: float | str
    reason: str

    def line(self) -> str:
        """The row as text for the terminal."""
        value = f"{self.value:.3g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.key} {value}: {self.reason}"


@dataclass(frozen=True)
class PlanRow:
    """How long the run will likely take from here, said before the first stage is prepared."""

    event: ClassVar[str] = "plan"
    total_s: float


@dataclass(frozen=True)
class StepRow:
    """How far a stage is; written every few seconds."""

    event: ClassVar[str] = "step"
    stage: str
    epoch: int
    epochs: int | None
    step: int
    """Within the epoch."""
    steps: int
    loss: float | None = field(metadata=any_float())
    elapsed_s: float
    left_s: float | None
    """The time until the stage is closed; None if that is not known."""
    is_trained: bool = False
    """Whether the stage's last step is done; what follows judges it and makes sounds."""
    left_in_all_s: float | None = field(default=None, metadata=or_null())
    """The time until the run has finished; None if that is not known."""

    @property
    def heading(self) -> str:
        """The epoch: `epoch 3/10`."""
        return epoch_words(self.epoch, self.epochs)

    @property
    def note(self) -> str:
        """Loss, time so far and time left."""
        loss = "" if self.loss is None else f"loss {self.loss:.4f}  "
        return f"{loss}{time_words(self.elapsed_s, self.left_s, self.left_in_all_s)}"

    def fit(self, width: int) -> tuple[str, str]:
        """Heading and note for a bar in a terminal of `width` columns, the longest that fit beside
        the steps and a short bar.
        """
        left_s = self.left_s if self.left_in_all_s is None else self.left_in_all_s
        time = f"{duration(self.elapsed_s)} gone" if left_s is None else f"{duration(left_s)} left"
        loss = "" if self.loss is None else f"{self.loss:.4f} "
        short = self.heading.removeprefix("epoch ")
        forms = (
            (self.heading, self.note),
            (self.heading, f"{'loss ' if loss else ''}{loss}{time}"),
            (short, f"{loss}{time}"),
            (short, loss.strip()),
        )
        room = width - 2 * len(str(self.steps)) - len("/   ") - SHORTEST_BAR
        return next((form for form in forms if len("".join(form)) <= room), forms[-1])


@dataclass(frozen=True)
class EpochDetails:
    """The details of an epoch that readers know."""

    health: SideHealth | None = None
    """Of the codec's levels, by the codes of the training side."""
    heard: list[str] | None = None
    """Of a vocoder: figures of the sounds in words."""


@dataclass(frozen=True)
class EpochRow:
    """An epoch ended."""

    event: ClassVar[str] = "epoch"
    stage: str
    epoch: int
    epochs: int | None
    figures: dict[str, float] = field(metadata=nan_as_null())
    details: dict[str, Any]
    """Values of this kind of stage alone: those of EpochDetails, and others."""
    news: list[str]
    """Warnings, and levels that recovered, in this epoch."""
    skipped_steps: int
    elapsed_s: float
    left_s: float | None
    is_trained: bool = False
    """As in a StepRow."""
    left_in_all_s: float | None = field(default=None, metadata=or_null())
    """As in a StepRow."""

    @property
    def health(self) -> SideHealth | None:
        """Health of the codec's levels; None for other stages, or where it was not measured."""
        return instance_of(EpochDetails, self.details).health

    def lines(self, *, min_utilization: float = 0.0) -> list[str]:
        """The row as text for the terminal: a line of figures, then one for each level. Levels
        with a lower utilization are marked.
        """
        figures = self.figures
        shown = [f"{epoch_words(self.epoch, self.epochs)}  train {figures['train/loss']:.4f}"]
        shown.append(f"val {figures['val/loss']:.4f}")
        if "val/mel_db" in figures:
            shown.append(f"mel error {figures['val/mel_db']:.2f} dB")
        if "val/bits_per_s" in figures:
            shown.append(f"{figures['val/bits_per_s']:,.0f} bits a second")
        if self.skipped_steps:
            shown.append(f"skipped steps {self.skipped_steps}")
        shown.append(time_words(self.elapsed_s, self.left_s, self.left_in_all_s))
        health = self.health
        levels = level_lines(health, min_utilization) if health else []
        heard = self.details.get("heard")
        beside = [f"  heard  {'   '.join(heard)}"] if heard else []
        return ["  ".join(shown), *sound_lines(figures), *beside, *levels]


@dataclass(frozen=True)
class ListenRow:
    """There is something new to listen to, while a stage trains."""

    event: ClassVar[str] = "listen"
    stage: str
    folder: str
    """Within the run's: `previews/epoch_0010`."""


@dataclass(frozen=True)
class StageRow:
    """A stage ended, finished or not."""

    event: ClassVar[str] = "stage"
    stage: str
    summary: StageSummary


@dataclass(frozen=True)
class EndRow:
    """The process ends its work on the run."""

    event: ClassVar[str] = "end"
    reason: str
    """`finished`, `stopped`, `failed`, or `unchanged`: it was refused or ended before it did
    anything, so the run is as it was.
    """
    detail: str = ""
    bundle: str | None = field(default=None, metadata=or_null())
    published: str | None = field(default=None, metadata=or_null())


Row = (
    StartRow | SoundsRow | ChoiceRow | PlanRow | StepRow | EpochRow | ListenRow | StageRow | EndRow
)
KINDS: dict[str, type[Row]] = {kind.event: kind for kind in get_args(Row)}


def plain_values(row: Row) -> dict[str, Any]:
    """The row as a JSON object; `event` names its kind."""
    values = {"event": row.event, **asdict(row)}
    return {**values, "summary": row.summary.to_json()} if isinstance(row, StageRow) else values


def row_of(values: dict[str, Any]) -> Row:
    """The JSON object of a row, as `plain_values` makes it → the row; NaN, which is null there, is
    NaN again. Keys that are not known are ignored. Raises InvalidError.
    """
    event = values.get("event")
    kind = KINDS.get(event) if isinstance(event, str) else None
    if kind is None:
        raise InvalidError("event", "is of no known row")
    if kind is StageRow:
        values = {**values, "summary": take_details_apart(values.get("summary"))}
    row = instance_of(kind, values)
    if isinstance(row, EpochRow):
        instance_of(EpochDetails, row.details)
    return row
