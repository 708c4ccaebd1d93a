"""a stage that ended → its summary, the bundle with the stage's result, the copy in the library."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill.bundle.format import write_bundle
from distill.bundle.reader import read_bundle, read_content
from distill.catalog.catalog import Catalog
from distill.errors import DistillError, RunError
from distill.runs.folder import best_bundle, checkpoint_path, newest_bundle
from distill.runs.rows import StageRow
from distill.runs.summary import (
    StageSummary,
    Summary,
    read_summary,
    suggest_commands,
)
from distill.system.paths import from_here, path_of
from distill.system.shell import shell_word
from distill.training.display import show_end, show_stage
from distill.training.session import Outcome, Session, load_best
from distill.training.stage import Stage

log = logging.getLogger(__name__)


def close_stage(
    stage: Stage,
    outcome: Outcome,
    session: Session,
    *,
    before: dict[str, StageSummary],
    stages_after: Sequence[str],
    sounds: Sequence[str],
) -> Summary:
    """Judge a stage, add its result to the bundle, copy the bundle into the library, and write and
    print the summary. Only the first rank calls this.

    `before` holds the summaries of the stages that this process trained before; this stage's
    summary is added to it. Raises RunError if something could not be saved.
    """
    run_dir, module, failures = session.run_dir, outcome.module, list(outcome.failures)
    finished = outcome.stopped is None
    if not module.makes_bundles and checkpoint_path(run_dir, stage.name, "best").exists():
        load_best(stage, module, run_dir)  # what is judged is what is kept
    judgement = stage.judge(module, finished=finished)
    before[stage.name] = StageSummary.of(
        module.history,
        stage=stage.name,
        monitor=stage.monitor,
        finished=finished,
        verdict=judgement.verdict,
        elapsed_s=module.clock.elapsed_s,
        warnings=[event.line for event in module.events],
        skipped_steps=module.skipped_steps,
        details=judgement.details,
    )
    session.progress.write(StageRow(stage.name, before[stage.name].to_json()))
    if finished and not module.makes_bundles:
        try:
            _add_to_bundle(stage, outcome, run_dir)
        except OSError as error:
            failures.append(f"{best_bundle(run_dir)} not written: {error.strerror or error}")
    page = _write_page(stage, outcome, run_dir, verdict=judgement.verdict)
    summary = _summarise(
        stage, outcome, session, before, page=page, stages_after=stages_after, sounds=sounds
    )
    try:
        summary.write(run_dir)
    except OSError as error:
        failures.append(f"summary.json not saved: {error.strerror}")
    show_stage(
        summary.name,
        before[stage.name],
        is_only=len(session.config.stages) == 1,
        min_utilization=session.config.health.min_utilization,
    )
    if failures or not finished or not stages_after:
        show_end(summary)
    if finished and summary.bundle and not summary.published:
        add = f"python -m distill.library add {shell_word(summary.bundle)}"
        failures.append(f"not published in {session.config.library.dir}; to publish it: `{add}`")
    if failures:
        kept = "everything saved before is kept" if summary.bundle else "no model was saved"
        raise RunError(f"{'; '.join(failures)}; {kept}")
    return summary


def _summarise(
    stage: Stage,
    outcome: Outcome,
    session: Session,
    stages: dict[str, StageSummary],
    *,
    page: Path | None,
    stages_after: Sequence[str],
    sounds: Sequence[str],
) -> Summary:
    config, run_dir, finished = session.config, session.run_dir, outcome.stopped is None
    bundle, before = newest_bundle(run_dir), read_summary(run_dir)
    if finished:
        published = _publish(bundle, session) if bundle else None
    else:  # what an earlier stage published is still there, and is replaced when this one ends
        published = _still_there(before, "published")
    pages: dict[str, Path | None] = {"page": None, "new_sounds_page": None}
    if page is not None:
        pages["page" if page.parent == run_dir else "new_sounds_page"] = page
    shown = {key: path or _still_there(before, key) for key, path in pages.items()}
    content = read_bundle(bundle, weights=False) if bundle else None
    assert config.name is not None
    return Summary(
        name=config.name,
        model_id=content.metadata.model_id if content else None,
        finished=finished and not stages_after,
        stages=dict(stages),
        bundle=str(from_here(bundle)) if bundle else None,
        bundle_bytes=bundle.stat().st_size if bundle else None,
        published=str(published) if published else None,
        **{key: str(from_here(path)) if path else None for key, path in shown.items()},
        next_commands=suggest_commands(
            run_dir,
            name=config.name,
            bundle=bundle,
            published=published,
            sounds=sounds,
            limits_in=stage.limits_in,
            max_epochs=stage.limits(config).max_epochs,
            max_minutes=stage.limits(config).max_minutes,
            finished=finished,
            elapsed_s=outcome.module.clock.elapsed_s,
            has_prior=content is not None and content.prior_state is not None,
        ),
    )


def _still_there(before: Mapping[str, Any], key: str) -> Path | None:
    """The file that the summary of before names; None if there is none by now."""
    path = Path(before[key]) if isinstance(before.get(key), str) else None
    return path if path and path.is_file() else None


def _write_page(stage: Stage, outcome: Outcome, run_dir: Path, *, verdict: str) -> Path | None:
    """Write the stage's page to listen; None, with a warning, if that is not possible."""
    try:
        if checkpoint_path(run_dir, stage.name, "best").exists():
            load_best(stage, outcome.module, run_dir)
        return stage.write_page(outcome.module, run_dir, verdict=verdict)
    except (OSError, DistillError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = getattr(cause, "strerror", None) or error
        log.warning("the page to listen is not written: %s", why)
        return None


def _add_to_bundle(stage: Stage, outcome: Outcome, run_dir: Path) -> None:
    """Write `best.distillgan` again, with what the stage adds from its best weights.

    Raises OSError if that is not possible.
    """
    addition = stage.addition(outcome.module)
    if not addition:
        return
    path = best_bundle(run_dir)
    content = read_content(path)
    metadata = {**content["metadata"], "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    write_bundle(path, {**content, **addition, "metadata": metadata})


def _publish(bundle: Path, session: Session) -> Path | None:
    """Copy the bundle into the library; it replaces what the same run, or its base, published.

    None, with a warning, if that is not possible.
    """
    library = path_of(session.config.library.dir)
    earlier = read_summary(session.run_dir).get("published") or session.config.base
    try:
        catalog = Catalog(library)
        return catalog.publish(bundle, earlier=earlier and Path(earlier).name).absolute()
    except (OSError, DistillError) as error:
        log.warning("not published in %s: %s; the run folder has the model", library, error)
        return None
