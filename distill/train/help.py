"""the YAML files of conf/ → what `distill train --help` prints. No Hydra."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from distill import plugins
from distill.settings.conf_files import (
    Key,
    chosen_files,
    files_of,
    group_files,
    group_keys,
    top_keys,
)
from distill.settings.own_folders import own_folders
from distill.settings.schema import REMOVABLE
from distill.system.paths import from_here
from distill.system.shell import command_of

HEADER = """\
distill train: a discrete audio model of your own sounds

  {train} FOLDER                      train on every sound in FOLDER (or several)
  {train}                             train on a small demo collection
  {train} FOLDER rvq.levels=4         with a setting of your own
  {train} resume=last                 continue the run that was saved last
  {train} FOLDER base=kit             train the model kit with more sounds: kit 2
  {train} -m rvq.levels=2,3,4         a sweep: one run for each value
  {train} --config-dir DIR ...        with files of settings of your own, in DIR

Settings are typed as KEY=VALUE. FOLDER is short for data.root=FOLDER. A whole group of settings is
chosen by GROUP=FILE, such as experiment=quick.
"""
FOOTER = """\
Curves of all runs: tensorboard --logdir outputs
Hydra's own flags (--cfg job, --info, ...): {train} --hydra-help"""
COLUMN = 36
OF_HYDRA = ("hydra/launcher", "hydra/sweeper")
CLASS = "._target_"


def train_help(config_dirs: Sequence[str] = ()) -> str:
    """The whole help text, with the files in folders of the user's own; raises DistillError for one
    that is not there or has none.
    """
    groups = [*_groups(), *(line for own in own_folders(config_dirs) for line in _own_files(own))]
    header, footer = (text.format(train=command_of("train")) for text in (HEADER, FOOTER))
    return "\n".join(
        [header, "Groups and their files, the default first:", *groups, "", *_keys(), "", footer]
    )


def _own_files(folder: Path) -> Iterator[str]:
    yield f"Your own files in {from_here(folder)}:"
    for group in (*chosen_files(), *OF_HYDRA):
        own = [name for name in files_of(group, [folder]) if name not in files_of(group)]
        if own:
            yield f"  {group}: {', '.join(own)}"


def _groups() -> Iterator[str]:
    chosen = chosen_files()
    for group, files in group_files().items():
        others = [name for name in files if name != chosen[group]]
        if group in plugins.GROUPS:
            others += _installed(group)
        more = f", or {', '.join(others)}" if others else ""
        yield f"  {group}: {chosen[group]}{more}"
    augmentations = ", ".join(_installed(plugins.AUGMENTATION))
    if augmentations:
        yield f"  and for data.augment.extra: {augmentations}"


def _installed(kind: str) -> list[str]:
    return [f"{name} (of {plugins.source_of(kind, name)})" for name in plugins.installed(kind)]


def _keys() -> Iterator[str]:
    yield "Keys, their defaults and what they mean:"
    yield from map(_line, top_keys())
    files = group_files()
    for group, chosen in chosen_files().items():
        if chosen == "null":
            continue
        keys = group_keys(group, chosen)
        yield ""
        yield from map(_line, keys)
        known = {key.name for key in keys}
        for file in files[group]:
            own = [key for key in group_keys(group, file) if key.name not in known]
            if own:
                yield f"  Only with {group}={file}:"
                yield from (f"  {_line(key)}" for key in own)


def _line(key: Key) -> str:
    typed, comment = f"  {key.name}={key.default}", key.comment
    if key.name.endswith(CLASS):
        name = key.name.removesuffix(CLASS)
        off = f"~{name}" if name in REMOVABLE else f"{name}=null"
        typed, comment = f"  {name}", f"{off} turns it off"
    return f"{typed:{COLUMN}s}  {comment}" if comment else typed
