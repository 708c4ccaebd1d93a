"""`kill_a_stage CASE FOLDER KILLS`: trains a stage, named by its case, in a folder with sounds and,
unless it is the codec, a library with one. It is killed again and again as by `kill -9`, at a call
to the file system or within a file, and continued until it ends. Checks what each death leaves, and
that each end is that of a run left alone; prints how often it died, and where.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from distill.bundle.reader import read_content
from distill.errors import RunError
from distill.runs.folder import can_be_resumed, checkpoint_path
from distill.settings.compose import load_config, resume_config
from distill.training.records.checkpoint_io import AtomicCheckpointIO
from distill.training.run import train
from tests.helpers.die_at_each_step import CALLS, die_within_a_file
from tests.helpers.stage_cases import CASES, StageCase, assert_equal, prepare, state_of

LARGEST_FILE = 30_000


def watch(folder: Path, call: Callable[[str], None]) -> None:
    """Have `call` get the name of each call to the file system within the folder."""

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event not in CALLS or not isinstance(args[0], str | Path):
            return
        path = os.path.join(folder, args[0])
        if path.startswith(f"{folder}/"):
            call(f"{event} {os.path.basename(path)}")

    sys.addaudithook(hook)


def die_at(folder: Path, step: int) -> None:
    """Be killed at the `step`th call within the folder; a file beside it says at which."""
    left = step

    def count(name: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.write(died_at, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    died_at = os.open(folder.with_suffix(".died"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    watch(folder, count)


def count_calls(folder: Path) -> None:
    """Write down, beside the folder, each call within it."""
    calls = os.open(folder.with_suffix(".calls"), os.O_WRONLY | os.O_CREAT)
    watch(folder, lambda _: os.write(calls, b"."))


def in_a_child(case: StageCase, folder: Path, prepare_death: Callable[[], None]) -> int:
    """Train, or go on with, `run` in the folder; the child's exit code, or minus its signal."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        prepare_death()
        run_dir = folder / "run"
        if can_be_resumed(run_dir):
            try:
                train(resume_config(run_dir / "config.yaml", []), run_dir, resume=True)
            except RunError as error:  # it was killed after its end
                if "this run is complete" not in str(error):
                    raise
        else:
            run_dir.mkdir(exist_ok=True)
            places = ("data.root=sounds", "data.val_fraction=0.4")
            train(load_config([*case.words, *places]), run_dir)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def check(case: StageCase, folder: Path, models: int) -> int:
    """Nothing is torn, and the models of before are there; how many epochs are saved."""
    library = list((folder / "outputs" / "library").glob("[!.]*.distillgan"))
    assert len(library) >= models, library
    for path in folder.rglob("*.distillgan"):
        read_content(path)
    for path in folder.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    for path in folder.glob("run/checkpoints/*.ckpt"):
        AtomicCheckpointIO().load_checkpoint(path)
    last = checkpoint_path(folder / "run", case.stage, "last")
    if not last.exists():
        return 0
    saved = torch.load(last, weights_only=True)
    return max(len(each) for each in saved["distill"]["history"].values())


def main() -> None:
    """As described above."""
    case = next(each for each in CASES if each.name == sys.argv[1])
    begin, kills = Path(sys.argv[2]).absolute(), int(sys.argv[3])
    models = len(list(begin.rglob("*.distillgan")))
    torch.set_num_threads(1)
    prepare(pytest.MonkeyPatch())
    whole = Path(shutil.copytree(begin, begin.with_name("whole")))
    assert in_a_child(case, whole, partial(count_calls, whole)) == 0
    calls = whole.with_suffix(".calls").stat().st_size
    chance, deaths, ends = random.Random(0), 0, 0
    places: dict[str, int] = {}
    while not ends or deaths < kills:
        folder = Path(shutil.copytree(begin, begin.with_name(f"killed{ends}")))
        saved, code = 0, -signal.SIGKILL
        while code:
            within = deaths < kills and chance.random() < 0.2
            death = partial(die_at, folder, chance.randint(1, calls))
            if within:
                death = partial(die_within_a_file, chance.randint(0, LARGEST_FILE))
            code = in_a_child(case, folder, death if deaths < kills else lambda: None)
            now = check(case, folder, models)
            assert now >= saved, "what was saved stays saved"
            saved = now
            if code:
                assert code == -(signal.SIGXFSZ if within else signal.SIGKILL), code
                deaths += 1
                died = "within a file" if within else folder.with_suffix(".died").read_text()
                places[died] = places.get(died, 0) + 1
        assert_equal(state_of(whole / "run", case), state_of(folder / "run", case))
        assert len(list((folder / "outputs" / "library").glob("*.distillgan"))) == 1
        shutil.rmtree(folder)
        ends += 1
    print(json.dumps({"deaths": deaths, "ends": ends, "calls": calls, "places": places}))
