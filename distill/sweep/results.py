"""folder of a sweep → the results of its jobs, best first, and the settings that differ."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from distill.codec.description import LevelHealth
from distill.errors import DistillError
from distill.runs.folder import is_locked, newest_bundle
from distill.runs.summary import Summary, read_summary
from distill.settings.quoting import unquote
from distill.settings.schema import STAGES
from distill.sweep.job import DONE, FAILED, KILLED, RECORD, RUNNING, STOPPED, Job
from distill.sweep.settings import resolved_settings, setting_text
from distill.system.paths import from_here, path_and_parents
from distill.system.ranges import or_null
from distill.system.validation import InvalidError, instance_of


@dataclass(frozen=True)
class Result:
    """A job and the figures of its run, which have their defaults if no epoch was finished."""

    job: Job
    folder: Path
    mel_db: float = math.inf
    """Lowest held-out mel error."""
    onset_db: float | None = None
    """Onset error of the same epoch; None for a run that did not measure it."""
    level_db: float | None = None
    """The same for the median level."""
    bits_per_s: float | None = None
    """Lowest held-out bits of the prior; None for a run without one."""
    utilization: float = 0.0
    """Utilization of the worst level, at the end."""
    bitrate_kbps: float = math.inf
    epochs: int = 0
    elapsed_s: float = math.inf
    name: str = ""
    bundle: str = ""
    published: str = ""
    """Path of the bundle in the library; empty if it is not there."""
    resolved: Mapping[str, Any] = field(default_factory=dict)
    """Key → value of all of the run's settings, sizes included; empty for one that never began."""

    @property
    def settings(self) -> dict[str, str]:
        """Key → this job's value, as typed, without quotes around it."""
        pairs = (override.lstrip("+").partition("=") for override in self.job.overrides)
        return {key: unquote(value) for key, _, value in pairs}

    def setting(self, key: str) -> str:
        """The value of a key as text: of a number what the run made of it, of a text what was
        typed; `null` for null, and empty if it is not known.
        """
        typed, resolved = self.settings.get(key), self.resolved.get(key)
        is_text = not isinstance(resolved, bool | int | float)
        return typed if typed is not None and is_text else self._resolved_text(key)

    def _resolved_text(self, key: str) -> str:
        return setting_text(self.resolved[key]) if key in self.resolved else ""

    @property
    def ranked(self) -> bool:
        """Whether there is a model to compare."""
        return math.isfinite(self.mel_db)


@dataclass(frozen=True)
class _CodecDetails:
    """What a sweep shows of the details of a codec's summary."""

    bitrate_kbps: float
    health: dict[str, LevelHealth]


@dataclass(frozen=True)
class _PriorDetails:
    """The same of a prior's."""

    bits_per_s: float | None = field(default=None, metadata=or_null())
    """None for one that was stopped before its first epoch ended."""


def results(folder: Path) -> list[Result]:
    """The jobs of a sweep, best first: by held-out error, then worst-level utilization, bitrate and
    time; those without a model come last. Raises DistillError if this is not a sweep's folder.
    """
    found = [_result(record.parent) for record in folder.glob(f"*/{RECORD}")]
    if not found:
        raise DistillError(f"{folder}: not the folder of a sweep{_meant_sweep(folder)}")
    return sorted(
        found,
        key=lambda r: (r.mel_db, -r.utilization, r.bitrate_kbps, r.elapsed_s, r.job.number),
    )


def _meant_sweep(path: Path) -> str:
    """What to give instead of a path in or around a sweep."""
    for folder in path_and_parents(path)[1:]:
        if any(folder.glob(f"*/{RECORD}")):
            return f" but inside of one; give {folder}"
    if inside := sorted(path.glob(f"*/*/{RECORD}")):
        return f" but of several; give one of them, such as {inside[-1].parent.parent}"
    return f": no {RECORD} in its subfolders"


def swept_keys(ranking: Sequence[Result]) -> list[str]:
    """The keys that were typed with different values, in the order they were typed."""
    keys = dict.fromkeys(key for result in ranking for key in result.settings)
    return [key for key in keys if len({result.settings.get(key) for result in ranking}) > 1]


def varying_keys(ranking: Sequence[Result]) -> list[str]:
    """All keys in which the runs differ: those that were typed, then those that came with them, as
    from a file of a group, or were chosen from the sounds. The names of models are no setting, and
    of stages that no run trains there is nothing to compare.
    """
    swept, known = swept_keys(ranking), [result for result in ranking if result.resolved]
    stages = [result.resolved.get("stages") for result in known]
    trained = {name for each in stages for name in (each if isinstance(each, list) else STAGES)}
    keys = dict.fromkeys(key for result in known for key in result.resolved)
    more = (
        key
        for key in keys
        if key not in {*swept, "name", *(f"{group}.type" for group in swept)}
        and key.split(".")[0] not in {*STAGES} - trained
    )
    return [*swept, *(key for key in more if len({result.setting(key) for result in known}) > 1)]


def short(value: str) -> str:
    """Shorten a long number: 0.17789248672684851 → 0.1779; other text is unchanged."""
    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return value


def _result(folder: Path) -> Result:
    try:
        job = instance_of(Job, json.loads((folder / RECORD).read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        job = Job(-1, [], "unknown", f"{RECORD} cannot be read")
    if job.state == RUNNING and not is_locked(folder):
        job = Job(
            job.number,
            job.overrides,
            KILLED,
            "its process ended without a word: it was killed, or the machine went down",
        )
    result = Result(job, folder, resolved=resolved_settings(folder))
    result = _with_figures(result, read_summary(folder))
    return (
        result
        if result.ranked or job.state != DONE
        else replace(result, job=replace(job, state=FAILED, reason="no epoch was finished"))
    )


def _with_figures(result: Result, summary: Summary | None) -> Result:
    """The result with what the run's summary says, if it says something of a codec."""
    codec = summary.stages.get("codec") if summary else None
    if summary is None or codec is None:
        return result
    try:
        details = instance_of(_CodecDetails, codec.details)
        prior = summary.stages.get("prior")
        bits_per_s = instance_of(_PriorDetails, prior.details).bits_per_s if prior else None
    except InvalidError:  # of another version
        return result
    job = result.job
    if summary.finished and job.state in (STOPPED, KILLED):  # it was continued later
        job = replace(job, state=DONE, reason="")
    published = summary.published or ""
    if not Path(published).is_file():  # deleted, renamed, or moved with the runs
        published = ""
    own = newest_bundle(result.folder)
    return replace(
        result,
        job=job,
        mel_db=codec.best.get("val/mel_db", math.inf),
        onset_db=codec.best.get("val/onset_db"),
        level_db=codec.best.get("val/level_db"),
        bits_per_s=bits_per_s,
        utilization=min((level.utilization for level in details.health.values()), default=0.0),
        bitrate_kbps=details.bitrate_kbps,
        epochs=codec.epochs,
        elapsed_s=codec.elapsed_s,
        name=summary.name,
        bundle=published or (str(from_here(own)) if own else ""),
        published=published,
    )
