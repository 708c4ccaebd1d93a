"""A model is written to a file for others, with its sounds or without them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.prior.prior import SOUNDS
from tests.helpers.made_bundle import STATES, VOCODER, publish_bundle
from tests.helpers.tiny_bundle import tiny_prior
from tests.helpers.verbs import Run

OWN = Path("outputs/library/kit.distillgan")
HEARD = "whoever has this file can hear the sounds that it was made of"


@pytest.fixture(autouse=True)
def library(here: Path) -> Catalog:
    """With a model that knows sounds, and one without a prior."""
    own = Catalog(here / "outputs" / "library")
    publish_bundle(own, "kit", fields=STATES)
    publish_bundle(own, "codec", fields=VOCODER)
    return own


def test_an_exported_model_is_the_same_and_says_what_can_be_heard(run: Run) -> None:
    told = run("library", "export", "kit", "-o", "mine.distillgan")
    assert told.exit_code == 0, told.stderr
    assert f"exported: mine.distillgan; {HEARD}" in told.stdout
    assert Path("mine.distillgan").read_bytes() == OWN.read_bytes()
    told = run("library", "export", "codec", "-o", "codec.distillgan")
    assert told.out == ["exported: codec.distillgan"]


def test_without_sounds_no_code_and_no_name_of_them_is_in_the_file(run: Run) -> None:
    told = run("library", "export", "kit", "-o", "bare.distillgan", "--without-sounds")
    assert told.exit_code == 0, told.stderr
    assert "without its sounds: it makes variations, morphs and continuations" in told.stdout
    assert HEARD not in told.stdout
    data = Path("bare.distillgan").read_bytes()
    codes = tiny_prior().codes.contiguous().numpy().tobytes()
    whole = OWN.read_bytes()
    for kept in (codes, b"snare/1.wav"):
        assert (kept in whole, kept in data) == (True, False)
    before, after = read_content(OWN), read_content(Path("bare.distillgan"))
    before["prior_state"]["config"]["sounds"] = []
    assert before["prior_state"]["config"] == after["prior_state"]["config"]
    weights = after["prior_state"]["state_dict"]
    assert weights.pop(SOUNDS).numel() == 0
    for name, value in weights.items():
        assert torch.equal(value, before["prior_state"]["state_dict"][name])
    for key in before.keys() - {"prior_state", "checksum", "model_state_dict", "vocoder_state"}:
        assert before[key] == after[key], key


def test_the_library_says_that_a_model_has_no_sounds(run: Run) -> None:
    run("library", "export", "kit", "-o", "bare.distillgan", "--without-sounds")
    told = run("library", "add", "bare.distillgan", "--name", "bare")
    assert told.exit_code == 0, told.stderr
    lines = {line.split()[0]: line for line in run("library", "list").out}
    assert "812 bits/s, no sounds" in lines["bare"]
    assert "no sounds" not in lines["kit"]
    assert "without its sounds: it makes variations" in " ".join(run("library", "info", "bare").out)
    assert run("library", "sounds", "bare").out[0].endswith("knows no sounds")
    assert "    5  snare/1.wav  0.5 s" in run("library", "sounds", "kit").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["kit", "-o", "kit.ckpt"], "kit.ckpt: the name of a model file ends in .distillgan"),
        (["kit", "-o", "there.distillgan"], "there.distillgan: already exists; add --overwrite"),
        (["none", "-o", "a.distillgan"], "none: no such model file, and no such model in"),
        (["kit", "-o", "there.distillgan/a.distillgan"], "cannot be written: "),
        (["broken.distillgan", "-o", "a.distillgan"], "truncated or not a .distillgan file"),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, words: list[str], told: str) -> None:
    Path("there.distillgan").write_text("mine")
    Path("broken.distillgan").write_text("no model")
    run("library", "export", *words).is_mistake(told)
    assert Path("there.distillgan").read_text() == "mine"
    assert not Path("a.distillgan").exists()
