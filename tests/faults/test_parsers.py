"""Whatever bytes come from outside, the answer is a value or one line: never a traceback."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.bundle.reader import read_content
from distill.catalog.catalog import Catalog
from distill.catalog.index import read_index
from distill.codec.codes import Codes
from distill.data.cache import CacheConfig, WaveformCache
from distill.errors import BundleError, CodesError, DistillError
from distill.settings.compose import load_config
from distill.settings.schema import TrainConfig
from tests.helpers.made_bundle import index_of, publish_bundle
from tests.helpers.sounds import tone

pytestmark = pytest.mark.slow

EXAMPLES = settings(
    max_examples=int(os.environ.get("DISTILL_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HERE = Path(__file__).resolve().parent.parent
GOLDEN_BUNDLE = (HERE / "bundle" / "golden_v1.distillgan").read_bytes()
GOLDEN_CODES = (HERE / "codec" / "golden_v1.distillcodes").read_bytes()


def mutated(original: bytes) -> st.SearchStrategy[bytes]:
    """The original cut, with a stretch of it replaced, or other bytes altogether."""
    size = len(original)
    cut = st.integers(0, size).map(lambda end: original[:end])
    replaced = st.builds(
        lambda start, other: original[:start] + other + original[start + len(other) :],
        st.integers(0, size),
        st.binary(min_size=1, max_size=64),
    )
    inserted = st.builds(
        lambda start, other: original[:start] + other + original[start:],
        st.integers(0, size),
        st.binary(min_size=1, max_size=64),
    )
    return st.one_of(cut, replaced, inserted, st.binary(max_size=512))


@pytest.fixture(scope="module")
def sound_bytes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    folder = tmp_path_factory.mktemp("sounds")

    def make(suffix: str) -> bytes:
        path = folder / f"sound.{suffix}"
        if not path.exists():
            soundfile.write(path, tone(300), 16_000)
        return path.read_bytes()

    return make


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
@EXAMPLES
@given(data=st.data())
def test_audio(
    data: st.DataObject, suffix: str, tmp_path: Path, sound_bytes: Callable[[str], bytes]
) -> None:
    path = tmp_path / f"sound.{suffix}"
    path.write_bytes(data.draw(mutated(sound_bytes(suffix))))
    cache = WaveformCache(tmp_path / "cache", CacheConfig(16_000, 0.01, -80.0))
    decoded = cache.decode(path)
    cache.close()
    if decoded.reason:
        assert decoded.content == ""
    else:
        assert cache.holds(decoded)
    assert not list((tmp_path / "cache").rglob("*.part"))


@pytest.mark.filterwarnings("error")
@EXAMPLES
@given(data=mutated(GOLDEN_BUNDLE))
def test_bundle(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.distillgan"
    path.write_bytes(data)
    if data == GOLDEN_BUNDLE:
        return
    with pytest.raises(BundleError) as refused:
        read_content(path)
    assert "\n" not in str(refused.value)


@EXAMPLES
@given(data=mutated(GOLDEN_CODES))
def test_code_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.distillcodes"
    path.write_bytes(data)
    if data == GOLDEN_CODES:
        return
    with pytest.raises(CodesError) as refused:
        Codes.load(path)
    assert "\n" not in str(refused.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
ENTRY_KEYS = st.sampled_from(["file", "id", "name", "checksum", "levels", "loss_curve", "tags"])
INDEXES = st.one_of(
    st.binary(max_size=300),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.lists(st.dictionaries(ENTRY_KEYS, VALUES, max_size=7), max_size=4).map(
        lambda entries: json.dumps({"version": 1, "models": entries}).encode()
    ),
)


@EXAMPLES
@given(data=INDEXES)
def test_index(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "model_library.json").write_bytes(data)
    catalog = Catalog(tmp_path)
    with suppress(DistillError):
        assert catalog.entries() == [], "no entry is whole by chance"
    with pytest.raises(DistillError):
        catalog.model_path("none")


FILES = st.sampled_from(
    ["../up.distillgan", "/etc/passwd", "a/b.distillgan", "..", "other.distillgan"]
)


@pytest.fixture(scope="module")
def whole_entry(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    library = Catalog(tmp_path_factory.mktemp("library"))
    publish_bundle(library, "kit")
    entry: dict[str, Any] = index_of(library)["models"][0]
    return entry


@EXAMPLES
@given(changes=st.dictionaries(ENTRY_KEYS, VALUES | FILES, max_size=2))
def test_entry(changes: dict[str, Any], tmp_path: Path, whole_entry: dict[str, Any]) -> None:
    index = {"version": 1, "models": [{**whole_entry, **changes}]}
    (tmp_path / "model_library.json").write_text(json.dumps(index))
    catalog = Catalog(tmp_path)
    entries = read_index(tmp_path).entries
    assert len(entries) == 1 or changes
    assert catalog.entries() == [], "there is no such file"
    for entry in entries:
        assert catalog.path_of(entry).parent == tmp_path, "nothing outside the folder"


WORDS = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda key, value: f"{key}={value}",
        st.sampled_from(
            ["rvq.levels", "data.root", "name", "model.channels", "trainer", "seed", "experiment"]
        ),
        st.one_of(st.text(max_size=20), VALUES.map(str)),
    ),
)


@settings(
    EXAMPLES, max_examples=2 * EXAMPLES.max_examples // 5
)  # each composes the whole configuration
@given(words=st.lists(WORDS, max_size=3))
def test_overrides(words: list[str]) -> None:
    with suppress(DistillError):
        assert isinstance(load_config(words), TrainConfig)


@pytest.mark.parametrize("read", [read_content, Codes.load])
def test_a_pipe_is_not_waited_for(read: Callable[[Path], object], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"",), daemon=True)
    writer.start()  # so that a reader that waits fails instead of waiting for ever
    with pytest.raises(DistillError, match="not a regular file"):
        read(pipe)
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    writer.join(10)
