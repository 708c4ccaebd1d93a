"""The example package of the docs, as if it were installed."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distill import plugins
from tests.helpers.checkout import REPOSITORY

PACKAGE = REPOSITORY / "docs" / "example_package"
NAME = "distill_example"


def lay_out(site: Path) -> None:
    """Write what an installation leaves in a folder for packages: the modules, and the names."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    shutil.copytree(PACKAGE / NAME, site / NAME)
    info = site / f"{NAME}-{project['version']}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = []
    for group, parts in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {where}" for name, where in parts.items())]
    info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n")


@contextmanager
def installed(site: Path) -> Iterator[None]:
    """The package in a folder is there for this process, and afterwards it is not."""
    sys.path.insert(0, str(site))
    plugins.installed.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(site))
        plugins.installed.cache_clear()
        for module in [name for name in sys.modules if name.split(".")[0] == NAME]:
            del sys.modules[module]
