"""a flag that asks for something else than a run → what it prints, of settings and of Hydra."""

from __future__ import annotations

import hydra
from omegaconf import Container, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from distill.errors import DistillError
from distill.settings.check import one_line
from distill.settings.compose import Settings
from distill.settings.hydra_app import do_nothing, run_hydra
from distill.settings.own_folders import SEARCHPATH
from distill.settings.quoting import quote
from distill.system.shell import command_of
from distill.train.command import TrainCommand
from distill.train.composing import compose_command, configuration_of
from distill.train.flags import RESOLVE, flag_lines

HYDRA_HELP = """\
Hydra ${{hydra.runtime.version}}, which composes the settings; see https://hydra.cc

== Flags ==
{flags}
KEY=VALUE : a setting; {train} --help lists them

== Launchers, sweepers and what else is Hydra's own ==
Chosen by GROUP=FILE, such as hydra/launcher=joblib

$HYDRA_CONFIG_GROUPS
Their settings: {train} --cfg hydra"""
GLOBAL = "_global_"


def show(command: TrainCommand) -> None:
    """Print what the command asks for. The settings are checked as for a run; raises DistillError
    for the first mistake in them, and for a key to print that there is none of.
    """
    if command.show == "--version":
        print(f"Hydra {hydra.__version__}")
        return
    settings = compose_command(command)
    if command.show == "--hydra-help":
        lines = "\n".join(flag_lines()).replace("$", "$$").replace("${", "\\${")
        text = HYDRA_HELP.format(flags=lines, train=command_of("train"))
        template = f"hydra.hydra_help.template={quote(text)}"
        folders = [word for word in settings.overrides if word.startswith(SEARCHPATH)]
        run_hydra(do_nothing, ["--hydra-help", template, *folders])
        return
    config, _ = configuration_of(settings)
    if command.show == "--cfg" and command.which == "job":
        if config.base is not None and "codec" in config.stages:
            print(
                f"# a run with base={config.base} takes its sizes, mel settings, quantizer and loss"
            )
        _print(OmegaConf.structured(config), command.package)
        return
    words = [f"{command.show}={command.which}"]
    if command.package is not None:
        _require(settings, command.which, command.package)
        words.append(f"--package={command.package}")
    if command.resolve:
        words.append(RESOLVE)
    run_hydra(do_nothing, [*words, *settings.overrides])


def _print(tree: Container, package: str | None) -> None:
    """Print settings, or those of one group or key, as YAML that a file of settings may hold."""
    whole = package in (None, GLOBAL)
    shown = tree if whole else _select(tree, str(package))
    if not isinstance(shown, Container):
        print("null" if shown is None else shown)
        return
    print(f"# @package {GLOBAL if whole else package}")
    print(OmegaConf.to_yaml(shown), end="")


def _select(tree: Container, package: str) -> object:
    missing = object()
    try:
        found = OmegaConf.select(tree, package, default=missing)
    except OmegaConfBaseException as error:  # a key below a value, or a value that a run gives
        raise DistillError(f"--package={package}: {one_line(error)}") from error
    if found is missing:
        raise DistillError(f"--package={package}: no such key; --help lists all keys of runs")
    return found


def _require(settings: Settings, which: str, package: str) -> None:
    is_hydras = package == "hydra" or package.startswith("hydra.")
    if package != GLOBAL:
        _select(settings.tree, package)
        if which == "hydra" and not is_hydras:
            raise DistillError(f"--package={package}: is none of Hydra's keys; type --cfg job")
