"""the flags of `distill train`, most of them Hydra's: what each does, or why distill refuses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from distill.errors import DistillError
from distill.system.shell import command_of

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@dataclass(frozen=True)
class Flag:
    """One flag, under all of its names."""

    names: tuple[str, ...]
    does: str
    """What it does; where it is refused, why, and what to do instead."""
    takes: str = ""
    """What its value is called; empty if it has none."""
    choices: tuple[str, ...] = ()
    """The values that it may have; empty if any."""
    usual: str = ""
    """Its value where none is given; empty if it needs one."""
    refused: bool = False

    @property
    def name(self) -> str:
        """The long one."""
        return self.names[0]

    def line(self) -> str:
        """What `--hydra-help` says of it."""
        value = "|".join(self.choices) or self.takes
        value = f" [{value}]" if self.usual else f" {value}"
        said = f"refused: {self.does}" if self.refused else self.does
        return f"{', '.join(self.names)}{value}".rstrip() + f" : {said}"


FLAGS = (
    Flag(("--help", "-h"), "all keys; with --config-dir, your own files, too"),
    Flag(("--hydra-help",), "this text"),
    Flag(("--version",), "Hydra's version"),
    Flag(
        ("--cfg", "-c"),
        "print settings instead of running: those of the run, checked and as it records them "
        "(job), those of Hydra, or both as composed",
        takes="WHICH",
        choices=("job", "hydra", "all"),
    ),
    Flag(("--package", "-p"), "with --cfg: only this group or key, such as rvq", takes="KEY"),
    Flag(("--resolve",), "with --cfg hydra or all: values in place of ${...}; job always has them"),
    Flag(
        ("--info", "-i"),
        "how Hydra composes the settings, instead of running",
        takes="WHICH",
        choices=INFO,
        usual="all",
    ),
    Flag(("--config-dir", "-cd"), "a folder with settings of your own", takes="DIR"),
    Flag(("--run", "-r"), "one run; the same without it"),
    Flag(("--multirun", "-m"), "a sweep: one run for each combination of values"),
    Flag(
        ("--config-path", "-cp"),
        "the schema needs distill's own conf/; add settings of yours with --config-dir DIR",
        takes="DIR",
        refused=True,
    ),
    Flag(
        ("--config-name", "-cn"),
        "there is one main file; write DIR/experiment/NAME.yaml, and type --config-dir DIR "
        "experiment=NAME",
        takes="NAME",
        refused=True,
    ),
    Flag(
        ("--experimental-rerun",),
        "a pickle can run any code; config.yaml in the folder of a run says what was typed",
        takes="FILE",
        refused=True,
    ),
    Flag(
        ("--shell-completion", "-sc"),
        "it completes the words of programs that are one file; --help lists all keys",
        refused=True,
    ),
)
INSTEAD = ("--cfg", "--info", "--hydra-help", "--version")
"""Those that print something instead of running."""
RUN, SWEEP, HELP = "--run", "--multirun", "--help"
CONFIG_DIR, PACKAGE, RESOLVE = "--config-dir", "--package", "--resolve"
OF_CFG = (PACKAGE, RESOLVE)
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}


@dataclass(frozen=True)
class Given:
    """A flag as typed; its value is None where it is missing."""

    typed: str
    flag: Flag | None
    """None if there is no such flag."""
    value: str | None = None


def split_flags(words: Sequence[str]) -> tuple[list[Given], list[str]]:
    """The flags with their values, and the other words, both in their order."""
    given: list[Given] = []
    rest: list[str] = []
    left = iter(range(len(words)))
    for place in left:
        word = words[place]
        if not word.startswith("-"):
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        flag = BY_NAME.get(name)
        if flag is None or not flag.takes or equals:
            given.append(Given(word, flag, value if equals else None))
            continue
        following = words[place + 1 : place + 2]
        if following and _is_value(flag, following[0]):
            next(left)
            given.append(Given(word, flag, following[0]))
        else:
            given.append(Given(word, flag, flag.usual or None))
    return given, rest


def _is_value(flag: Flag, word: str) -> bool:
    """Whether the word behind a flag is its value."""
    return word in flag.choices if flag.usual else not word.startswith("-")


def check_flags(given: Sequence[Given]) -> None:
    """Raise DistillError for the first flag that does not exist, is refused, has a value that it
    cannot have, or does not go with another one.
    """
    for each in given:
        flag = each.flag
        if flag is None:
            advice = "no such flag"
            if "=" in each.typed:
                advice = f"settings have no dashes: {each.typed.lstrip('-')}"
            raise DistillError(f"{each.typed}: {advice}; see {command_of('train')} --help")
        name = each.typed.partition("=")[0]
        if flag.refused:
            raise DistillError(f"{name}: refused: {flag.does}")
        if flag.takes and not each.value:
            raise DistillError(f"{name}: takes {' or '.join(flag.choices) or flag.takes}")
        if flag.choices and each.value not in flag.choices:
            raise DistillError(f"{name}={each.value}: must be one of {', '.join(flag.choices)}")
        if not flag.takes and each.value is not None:
            raise DistillError(f"{each.typed}: {name} has no value")
    names = [each.flag.name for each in given if each.flag]
    alone = [name for name in dict.fromkeys(names) if name in (*INSTEAD, RUN, SWEEP)]
    if len(alone) > 1:
        raise DistillError(f"{alone[1]}: does not go with {alone[0]}; leave one of them out")
    for name in OF_CFG:
        if name in names and "--cfg" not in names:
            raise DistillError(f"{name}: works only with --cfg")


def flag_lines() -> Iterator[str]:
    """What `--hydra-help` says of all flags."""
    yield from (flag.line() for flag in FLAGS)
