"""Parts of installed packages: chosen by name, trained, kept by name, refused without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import distill
from distill import plugins
from distill.bundle.format import write_bundle
from distill.bundle.loading import load_bundle
from distill.bundle.reader import read_bundle
from distill.catalog.catalog import Catalog
from distill.catalog.facts import facts_of
from distill.errors import BundleError, DistillError
from distill.settings.compose import load_config
from distill.train.command import TrainCommand
from distill.train.help import train_help
from distill.train.running import train_alone
from distill.vocoder.blocks import BlockVocoder
from distill.vocoder.kinds import state_of
from distill.vocoder.trained import TrainedVocoderConfig
from tests.helpers.example_package import NAME, PACKAGE, installed, lay_out
from tests.helpers.runs import TINY, TINY_PRIOR
from tests.helpers.sounds import tone, write_sounds
from tests.helpers.tiny_bundle import SPECTROGRAM, fields_of, tiny_model, vocoder_state

OWN_PARTS = ("quantizer=gradient_vq", "loss=convergence", "data.augment.extra=[tilt]")
LONGEST_EXAMPLE = 60
PRIOR = tuple(word for word in TINY_PRIOR if not word.startswith("stages="))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    lay_out(folder)
    return folder


@pytest.fixture(scope="module")
def run_dir(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of all stages with the package's parts, continued once."""
    folder = tmp_path_factory.mktemp("own")
    write_sounds(folder / "sounds")
    run = folder / "run"
    words = [
        *(*TINY, *PRIOR, *OWN_PARTS),
        *("vocoder=plain", "vocoder.options.channels=8", "vocoder.max_epochs=1"),
        *("vocoder.max_minutes=null", "stages=[codec,vocoder,prior]", "name=kit"),
        *("trainer.max_epochs=1", f"data.root={folder / 'sounds'}", f"hydra.run.dir={run}"),
        *(f"library.dir={folder / 'library'}", f"data.cache_dir={folder / 'cache'}"),
    ]
    with installed(site):
        train_alone(TrainCommand(tuple(words)))
        train_alone(TrainCommand((f"resume={run}", "trainer.max_epochs=2")))
    return run


def test_the_examples_are_short() -> None:
    lengths = [len(path.read_text().splitlines()) for path in (PACKAGE / NAME).glob("*.py")]
    assert max(lengths) < LONGEST_EXAMPLE


def test_a_run_with_own_parts_gives_a_model_that_works(site: Path, run_dir: Path) -> None:
    with installed(site):
        model = load_bundle(run_dir / "best.distillgan")
        config = model.codec.network.config
        assert (config.quantizer, config.quantizer_options) == (
            "gradient_vq",
            {"codebook_weight": 1.0},
        )
        assert model.metadata.packages == ["distill-example 0.1"]
        assert set(model.health) == {"level_0", "level_1", "low_0", "low_1"}
        codes = model.encode(torch.from_numpy(tone(300)).float(), 16000)
        assert model.decode(codes).shape[-1] == codes.samples
        assert len(model.generate(2, seed=1)) == 2


def test_a_run_with_own_parts_goes_on(site: Path, run_dir: Path) -> None:
    with installed(site):
        content = read_bundle(run_dir / "last.distillgan")
    assert content.metadata.training_epochs == 2


def test_without_the_package_the_model_is_refused_in_one_line(run_dir: Path) -> None:
    with pytest.raises(BundleError) as refused:
        distill.load(run_dir / "best.distillgan")
    text = str(refused.value)
    assert "the quantizer 'gradient_vq' is not installed" in text
    assert "trained with distill-example 0.1" in text
    assert "\n" not in text


def test_the_library_lists_such_a_model_all_the_same(run_dir: Path) -> None:
    library = Catalog(run_dir.parent / "library")
    (entry,) = library.entries()
    assert entry.name == "kit"
    facts = dict(facts_of(entry, library.path_of(entry)))
    assert facts["quantizer"] == "gradient_vq, distill-example 0.1"


def test_the_run_says_which_package_it_needs(run_dir: Path) -> None:
    assert "# parts of the package: distill-example 0.1\n" in (run_dir / "config.yaml").read_text()
    assert "parts of the package: distill-example 0.1" in (run_dir / "train.log").read_text()
    with pytest.raises(DistillError, match="or of an installed package, and none has it"):
        train_alone(TrainCommand((f"resume={run_dir}",)))


def test_help_names_what_is_installed(site: Path) -> None:
    assert "gradient_vq" not in train_help()
    with installed(site):
        assert "gradient_vq (of distill-example 0.1)" in train_help()
        assert "for data.augment.extra: tilt (of distill-example 0.1)" in train_help()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["quantizer=gradient_vq"], "must be one of grouped_residual_vq, residual_fsq"),
        (["quantizer.type=gradient_vq"], "quantizer.type=gradient_vq: must be one of residual_vq"),
        (["loss=convergence"], "loss=convergence: must be one of mel"),
        (["vocoder=plain"], "vocoder=plain: must be one of hifigan_v2, phase_gradient"),
        (["vocoder.type=plain"], "must be one of phase_gradient, hifigan_v2"),
        (["data.augment.extra=[tilt]"], "data.augment.extra=tilt: there is none"),
    ],
)
def test_parts_that_are_not_there_are_refused(words: list[str], says: str) -> None:
    with pytest.raises(DistillError, match=says.replace("[", "\\[")):
        load_config(words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["quantizer.options.weight=2"], "has no option weight: it has codebook_weight"),
        (["quantizer.options.codebook_weight=much"], "must be of the kind float"),
        (["quantizer.options.codebook_weight=0"], "must be above 0"),
        (["loss=convergence", "loss.options.power=1"], "has no option power"),
        (["vocoder.type=plain"], "type vocoder=plain instead"),
        (["vocoder=plain", "vocoder.starter=null"], "starter"),
    ],
)
def test_options_are_checked_before_anything_is_trained(
    site: Path, words: list[str], says: str
) -> None:
    with installed(site), pytest.raises(DistillError, match=says):
        load_config(["quantizer=gradient_vq", *words])


def test_a_package_that_fails_is_named(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / NAME / "quantizer.py").write_text("import nothing_of_this_name\n")
    with installed(tmp_path), pytest.raises(DistillError) as refused:
        load_config(["quantizer=gradient_vq"])
    assert "gradient_vq' of distill-example 0.1 cannot be imported" in str(refused.value)


def test_an_augmentation_that_fails_is_named_before_any_sound_is_read(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / NAME / "augmentation.py").write_text("import nothing_of_this_name\n")
    with installed(tmp_path), pytest.raises(DistillError, match="tilt.*cannot be imported"):
        load_config(["data.augment.extra=[tilt]"])


def test_the_penalty_has_a_curve_of_its_own(site: Path, run_dir: Path) -> None:
    state = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert len(state["distill"]["history"]["train/penalty"]) == 2


def test_own_names_cannot_be_taken(tmp_path: Path) -> None:
    lay_out(tmp_path)
    entries = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    entries.write_text(f"[distill.quantizers]\nresidual_vq = {NAME}.quantizer:GradientVq\n")
    with installed(tmp_path):
        assert plugins.load(plugins.QUANTIZER, "residual_vq").__name__ == "ResidualQuantizer"


@pytest.mark.slow
def test_the_package_installs_as_packages_do(tmp_path: Path) -> None:
    """Without a network: what builds it is there for distill itself."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(PACKAGE)], check=True)
    with installed(tmp_path):
        assert plugins.names(plugins.QUANTIZER)[-1] == "gradient_vq"
        assert plugins.source_of(plugins.LOSS, "convergence") == "distill-example 0.1"
        assert load_config(["quantizer=gradient_vq"]).quantizer.options == {"codebook_weight": 1.0}


def test_a_changed_vocoder_of_a_package_is_saved_as_it_is(tmp_path: Path) -> None:
    lay_out(tmp_path)
    with installed(tmp_path):
        network = TrainedVocoderConfig("plain", {"channels": 4}, SPECTROGRAM).build()
        path = tmp_path / "m.distillgan"
        training = vocoder_state()["training_metadata"]
        state = {**state_of(network), "training_metadata": training}
        write_bundle(path, {**fields_of(tiny_model()), "vocoder_state": state})
        model = distill.load(path)
        assert isinstance(model.vocoder, BlockVocoder)
        with torch.no_grad():
            next(model.vocoder.network.parameters()).fill_(0.5)
        again = distill.load(model.save(tmp_path / "n.distillgan"))
        assert isinstance(again.vocoder, BlockVocoder)
        assert (next(again.vocoder.network.parameters()) == 0.5).all()
