"""a stage that ended → its summary, the bundle with the stage's result, the copy in the library."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    stages_ended,
    suggest_commands,
)
from distill.system.paths import from_here, path_of
from distill.system.shell import command_of, shell_word
from distill.training.display import show_end, show_stage
from distill.training.records.hparams import write_hparams
from distill.training.saved import CODEC
from distill.training.session import Outcome, Session
from distill.training.stage import Closed, Ended, P, Stage
from distill.training.stage_module import StageModule

log = logging.getLogger(__name__)


def close_stage(
    stage: Stage[P],
    outcome: Outcome[P],
    session: Session,
    *,
    before: Summary | None,
    after: Sequence[str],
) -> Summary:
    """Judge a stage, add its result to the bundle, copy the bundle into the library, and write and
    print the summary. Only the first rank calls this.

    `before` is the summary of the stages that this process trained before, `after` are those that
    come next. Raises RunError if something could not be saved.
    """
    run_dir, finished = session.run_dir, outcome.stopped is None
    ended = Ended(finished, best=checkpoint_path(run_dir, stage.name, "best"))
    closed = stage.close(outcome.prepared, ended)
    own = _summarise_stage(stage, outcome.prepared.module, closed, finished=finished)
    session.progress.write(StageRow(stage.name, own))
    failures = outcome.failures + _add_to_bundle(closed, run_dir)
    page = _write_page(closed)
    stages = {**(before.stages if before else {}), stage.name: own}
    summary = _summarise(stage, outcome, session, stages, page=page, is_last=not after)
    failures += _write_summary(summary, run_dir)
    write_hparams(session.config, run_dir, finished=summary.finished)
    show_stage(
        summary.name,
        own,
        is_only=len(session.config.stages) == 1,
        min_utilization=session.config.health.min_utilization,
    )
    if failures or not finished or not after:
        show_end(summary)
    failures += _check_published(summary, session, finished=finished)
    if failures:
        kept = "everything saved before is kept" if summary.bundle else "no model was saved"
        raise RunError(f"{'; '.join(failures)}; {kept}")
    return summary


def _summarise_stage(
    stage: Stage[P], module: StageModule, closed: Closed, *, finished: bool
) -> StageSummary:
    return StageSummary.of(
        module.history,
        stage=stage.name,
        monitor=stage.monitor,
        finished=finished,
        verdict=closed.verdict,
        elapsed_s=module.clock.elapsed_s,
        warnings=[event.line for event in module.events],
        skipped_steps=module.skipped_steps,
        details=closed.details,
    )


def _add_to_bundle(closed: Closed, run_dir: Path) -> list[str]:
    """Write `best.distillgan` again, with what the stage adds; return what could not be saved."""
    if not closed.addition:
        return []
    path = best_bundle(run_dir)
    try:
        content = read_content(path)
        metadata = {**content["metadata"], "save_date": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        write_bundle(path, {**content, **closed.addition, "metadata": metadata})
    except OSError as error:
        return [f"{path} not written: {error.strerror or error}"]
    return []


def _write_page(closed: Closed) -> Path | None:
    """Write the stage's page to listen; None, with a warning, if that is not possible."""
    if closed.page is None:
        return None
    try:
        return closed.page()
    except (OSError, DistillError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = getattr(cause, "strerror", None) or error
        log.warning("the page to listen is not written: %s", why)
        return None


def _write_summary(summary: Summary, run_dir: Path) -> list[str]:
    """Write `summary.json`; return what could not be saved."""
    try:
        summary.write(run_dir)
    except OSError as error:
        return [f"summary.json not saved: {error.strerror}"]
    return []


def _check_published(summary: Summary, session: Session, *, finished: bool) -> list[str]:
    """What to do about a finished model that is not in the library."""
    if not finished or not summary.bundle or summary.published:
        return []
    add = f"{command_of('library')} add {shell_word(summary.bundle)}"
    library = from_here(path_of(session.config.library.dir))
    return [f"not published in {library}; to publish it: `{add}`"]


def _summarise(
    stage: Stage[P],
    outcome: Outcome[P],
    session: Session,
    stages: dict[str, StageSummary],
    *,
    page: Path | None,
    is_last: bool,
) -> Summary:
    config, run_dir, finished = session.config, session.run_dir, outcome.stopped is None
    bundle, before = newest_bundle(run_dir), read_summary(run_dir)
    content = read_bundle(bundle, weights=False) if bundle else None
    published = None
    if content and not finished:  # what is there is replaced when this stage ends
        published = _catalog(session).find_id(content.metadata.model_id)
    if bundle and published is None and (finished or _is_codec_finished(run_dir, stages)):
        published = _publish(bundle, session)
    module = outcome.prepared.module
    assert config.name is not None
    return Summary(
        name=config.name,
        model_id=content.metadata.model_id if content else None,
        finished=finished and is_last,
        stages=stages,
        bundle=str(from_here(bundle)) if bundle else None,
        bundle_bytes=bundle.stat().st_size if bundle else None,
        published=str(published) if published else None,
        **_pages(page, before, run_dir),
        next_commands=suggest_commands(
            run_dir,
            name=config.name,
            bundle=bundle,
            published=published,
            sounds=session.sounds,
            limits_in=stage.limits_in,
            max_epochs=module.limits.max_epochs,
            max_minutes=module.limits.max_minutes,
            finished=finished,
            elapsed_s=module.clock.elapsed_s,
            has_prior=content is not None and content.prior_state is not None,
        ),
    )


def _is_codec_finished(run_dir: Path, stages: Mapping[str, StageSummary]) -> bool:
    """Whether the codec, which is a model by itself, has finished, now or before."""
    codec = {**stages_ended(run_dir), **stages}.get(CODEC)
    return codec is not None and codec.finished


def _pages(new: Path | None, before: Summary | None, run_dir: Path) -> dict[str, str | None]:
    """The pages of a run by their keys in the summary: the new one, and those of before."""
    pages = {
        "page": _still_there(before.page if before else None, run_dir),
        "new_sounds_page": _still_there(before.new_sounds_page if before else None, run_dir),
    }
    if new is not None:
        pages["page" if new.parent == run_dir else "new_sounds_page"] = new
    return {key: str(from_here(path)) if path else None for key, path in pages.items()}


def _still_there(named: str | None, run_dir: Path) -> Path | None:
    """The page that the summary of before names, wherever the run lies by now; None if there is
    none.
    """
    if named is None:
        return None
    page = Path(named)
    inside = (page.name, f"{page.parent.name}/{page.name}")
    return next((path for name in inside[::-1] if (path := run_dir / name).is_file()), None)


def _publish(bundle: Path, session: Session) -> Path | None:
    """Copy the bundle into the library, in place of what is there of this model.

    None, with a warning, if that is not possible.
    """
    catalog = _catalog(session)
    try:
        return catalog.publish(bundle).absolute()
    except (OSError, DistillError) as error:
        log.warning("not published in %s: %s; the run folder has the model", catalog.folder, error)
        return None


def _catalog(session: Session) -> Catalog:
    return Catalog(path_of(session.config.library.dir))
