"""what is typed after `distill train` → what Hydra is told, each mistake answered before."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser

from distill.errors import DistillError, RunError
from distill.settings.compose import CONFIG_NAME, load_config, resumed
from distill.settings.overrides import config_dir, parse_overrides, quoted
from distill.settings.schema import TrainConfig
from distill.sweep.search import trials_left
from distill.system.paths import path_of
from distill.training.ranks.processes import is_first, rank_name
from distill.training.records.run_folder import RUNS, new_run_dir, run_to_resume

SWEEPS = Path("outputs/multirun")
SEARCH = "search"
"""The sweeper whose work goes on from one start to the next."""


def prepared(arguments: list[str]) -> list[str]:
    """Check the arguments before Hydra makes a folder, and choose that folder."""
    for word in arguments:
        if word.startswith("--") and "." in word.split("=")[0]:
            raise DistillError(f"{word}: settings have no dashes: {word.lstrip('-')}")
    arguments = [word if word.startswith("-") else quoted(word) for word in arguments]
    arguments.sort(key=lambda word: word not in ("-m", "--multirun"))  # Hydra wants it first
    flags = get_args_parser().parse_args(arguments)
    if flags.help:
        return ["--help"]  # whatever else is there: help must come
    if flags.config_name or flags.config_path or flags.config_dir:
        raise DistillError("distill has one configuration, conf/; change it by KEY=VALUE")
    if flags.hydra_help or flags.cfg or flags.info or flags.shell_completion:
        return arguments
    config = load_config(flags.overrides, sweep=flags.multirun)
    if config.resume is not None:
        if flags.multirun:
            raise RunError("resume= and a sweep (-m) do not go together")
        run_dir = run_to_resume(RUNS, config.resume)
        resumed(run_dir / "config.yaml", flags.overrides)
    elif flags.multirun:
        return [*arguments, *_sweep_settings(flags.overrides, config)]
    elif any(o.key_or_group == "hydra.run.dir" for o in parse_overrides(flags.overrides)):
        return [*arguments, *_own_log()]
    elif is_first():
        run_dir = new_run_dir(RUNS, config.name or config.data.collection_name)
    else:
        raise RunError(
            f"{rank_name()} of a run of several processes: all of them need the same "
            "hydra.run.dir=FOLDER, which is the run's folder"
        )
    return [*arguments, quoted(f"hydra.run.dir={run_dir}"), *_own_log()]


def _sweep_settings(overrides: list[str], config: TrainConfig) -> list[str]:
    """The folder of a sweep; a search that has begun goes on in its own."""
    typed = {override.key_or_group: override.value() for override in parse_overrides(overrides)}
    name = config.name or config.data.collection_name
    settings = []
    if typed.get("hydra/sweeper") == SEARCH:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            own = [override for override in overrides if override.startswith("hydra")]
            sweeper = compose(CONFIG_NAME, own, return_hydra_config=True).hydra.sweeper
        study = sweeper.study_name or name
        left = trials_left(sweeper.storage, study, sweeper.n_trials)
        settings += [f"hydra.sweeper.study_name='{study}'", f"hydra.sweeper.n_trials={left}"]
        if sweeper.sampler.get("seed") is not None:  # the same one would draw the same trials again
            seed = sweeper.sampler.seed + sweeper.n_trials - left
            settings.append(f"hydra.sweeper.sampler.seed={seed}")
        settings.append("hydra.sweep.subdir='${now:%Y-%m-%d_%H-%M-%S}_${hydra.job.num}'")
        folder = SWEEPS / study
    elif "hydra.sweep.dir" not in typed:
        folder = new_run_dir(SWEEPS, name)
    return settings if "hydra.sweep.dir" in typed else [*settings, f"hydra.sweep.dir='{folder}'"]


def sweep_folder(arguments: list[str]) -> Path | None:
    """Where a prepared sweep's jobs lie; None without one."""
    flags = get_args_parser().parse_args(arguments)
    if not flags.multirun:
        return None
    typed = {
        override.key_or_group: override.value() for override in parse_overrides(flags.overrides)
    }
    return Path(str(typed["hydra.sweep.dir"]))


def _own_log() -> list[str]:
    """Of several processes of a run, each has a log of its own."""
    file = "${hydra.runtime.output_dir}/train." + rank_name() + ".log"
    return [] if is_first() else [f"hydra.job_logging.handlers.file.filename={file}"]


def collection_name(config: TrainConfig) -> str:
    """The folders' own names, or demo."""
    names = [path_of(folder).absolute().name for folder in config.data.folders]
    return "+".join(names[:3]) or "demo"
