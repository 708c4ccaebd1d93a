"""one sound file → its waveform in the cache: exact, whole or not there, at constant memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import soundfile
import soxr

from distill.audio import blocks, sndfile
from distill.audio.blocks import BLOCK_FRAMES
from distill.audio.reader import SoundReader
from distill.audio.reasons import Reason
from distill.data.cache import CacheConfig, WaveformCache
from distill.data.cache_index import Decoded
from distill.system import stopping
from tests.helpers.runs import environment
from tests.helpers.sounds import tone

CONFIG = CacheConfig(sample_rate_hz=16_000, min_duration_s=0.01, silence_dbfs=-80.0)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[WaveformCache]:
    opened = WaveformCache(tmp_path / "cache", CONFIG)
    yield opened
    opened.close()


def waveform(cache: WaveformCache, decoded: Decoded) -> np.ndarray:
    assert decoded.reason is None
    samples = np.fromfile(cache.waveform_path(decoded.content), "<f4")
    assert len(samples) == decoded.samples
    return samples


def files_of(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*{ending}"))


def as_int16(samples: np.ndarray) -> np.ndarray:
    return np.round(samples * 32_767).astype(np.int16)


def test_same_rate_is_kept_sample_for_sample(tmp_path: Path, cache: WaveformCache) -> None:
    samples = tone(440).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    decoded = cache.decode(tmp_path / "a.wav")
    np.testing.assert_array_equal(waveform(cache, decoded), samples)
    assert (decoded.source_rate_hz, decoded.channels) == (16_000, 1)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 44_101, 96_000])
def test_blocks_resample_as_one_go_does(
    tmp_path: Path, cache: WaveformCache, monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    monkeypatch.setattr(sndfile, "BLOCK_FRAMES", 10_007)
    monkeypatch.setattr(blocks, "BLOCK_FRAMES", 10_007)
    samples = tone(440, 1.7, rate_hz).astype(np.float32)
    assert len(samples) > 10_007
    soundfile.write(tmp_path / "a.wav", samples, rate_hz, subtype="FLOAT")
    whole = soxr.resample(samples, rate_hz, 16_000)
    result = waveform(cache, cache.decode(tmp_path / "a.wav"))
    assert abs(len(result) - 1.7 * 16_000) <= 1
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-4)


def test_file_of_several_real_blocks(tmp_path: Path, cache: WaveformCache) -> None:
    frames = 2 * BLOCK_FRAMES + 12_345
    stereo = np.random.default_rng(0).normal(0, 0.1, (frames, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", stereo, 44_100, subtype="FLOAT")
    result = waveform(cache, cache.decode(tmp_path / "a.wav"))
    whole = soxr.resample(stereo.mean(axis=1), 44_100, 16_000)
    np.testing.assert_allclose(result, whole, rtol=0, atol=1e-4)


def test_channels_are_averaged(tmp_path: Path, cache: WaveformCache) -> None:
    channels = np.stack([tone(110 * n, seed=n) for n in range(1, 7)], axis=1).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", channels, 16_000, subtype="FLOAT")
    decoded = cache.decode(tmp_path / "a.wav")
    np.testing.assert_allclose(waveform(cache, decoded), channels.mean(axis=1), atol=1e-6)
    assert decoded.channels == 6


def test_content_is_the_sound_not_the_container(tmp_path: Path, cache: WaveformCache) -> None:
    samples = as_int16(tone(440))
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    soundfile.write(tmp_path / "a.flac", samples, 16_000)
    soundfile.write(tmp_path / "a.aiff", samples, 16_000)
    soundfile.write(tmp_path / "twice.wav", np.stack([samples, samples], axis=1), 16_000)
    contents = {
        cache.decode(tmp_path / name).content for name in ("a.wav", "a.flac", "a.aiff", "twice.wav")
    }
    assert len(contents) == 1
    assert len(files_of(tmp_path / "cache", ".f32")) == 1


def test_content_differs_with_one_sample_or_the_rate(tmp_path: Path, cache: WaveformCache) -> None:
    samples = as_int16(tone(440))
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    soundfile.write(tmp_path / "rate.wav", samples, 22_050)
    samples[4_000] += 1
    soundfile.write(tmp_path / "sample.wav", samples, 16_000)
    names = ("a.wav", "rate.wav", "sample.wav")
    assert len({cache.decode(tmp_path / name).content for name in names}) == 3


@pytest.mark.parametrize(
    ("ending", "subtype"), [("mp3", "MPEG_LAYER_III"), ("ogg", "VORBIS"), ("wav", "PCM_16")]
)
def test_file_that_ends_early_gives_what_it_holds_and_no_more(
    tmp_path: Path, cache: WaveformCache, ending: str, subtype: str
) -> None:
    """An MP3's header goes on claiming the length it once had."""
    noise = np.random.default_rng(0).normal(0, 0.1, 64_000)
    path = tmp_path / f"cut.{ending}"
    soundfile.write(path, noise, 16_000, subtype=subtype)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    held, _ = soundfile.read(path, dtype="float32")
    assert 10_000 < len(held) < 40_000
    result = waveform(cache, cache.decode(path))
    assert abs(len(result) - len(held)) <= (576 if ending == "mp3" else 0)  # half a frame
    np.testing.assert_allclose(result[: len(held)], held[: len(result)], rtol=0, atol=1e-5)


def test_record_of_where_there_is_sound(tmp_path: Path, cache: WaveformCache) -> None:
    samples = np.concatenate([tone(440, 0.3), np.zeros(8_000), tone(330, 0.25)])
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    active = cache.decode(tmp_path / "a.wav").active
    assert active == bytes([1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize(("silence_dbfs", "reason"), [(-50.0, Reason.SILENT), (-70.0, None)])
def test_silence_threshold(tmp_path: Path, silence_dbfs: float, reason: Reason | None) -> None:
    soundfile.write(tmp_path / "soft.wav", tone(440) * 1e-3, 16_000, subtype="FLOAT")
    quiet = WaveformCache(tmp_path / "cache", CacheConfig(16_000, 0.01, silence_dbfs))
    assert quiet.decode(tmp_path / "soft.wav").reason is reason
    quiet.close()


def test_a_single_sample_is_left_out_when_resampling_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "one.wav"
    soundfile.write(path, np.array([0.5]), 96_000, subtype="FLOAT")
    low = WaveformCache(tmp_path / "cache", CacheConfig(4_000, 0.0, -80.0))
    assert low.decode(path) == Decoded(Reason.TOO_SHORT, "less than a sample")
    low.close()


def test_memory_does_not_grow_with_length(tmp_path: Path, cache: WaveformCache) -> None:
    def peak(frames: int) -> int:
        path = tmp_path / f"{frames}.wav"
        noise = np.random.default_rng(0).integers(-9_000, 9_000, frames, dtype=np.int16)
        soundfile.write(path, noise, 16_000, subtype="PCM_U8")
        del noise
        tracemalloc.start()
        assert cache.decode(path).samples == frames
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(4_000_000) < 1.2 * peak(1_000_000)


Read = Callable[[SoundReader], Iterator[np.ndarray]]


def after_each_block(happen: Callable[[], object]) -> Read:
    """A stand-in for SoundReader.blocks: the same, and something happens once each is written."""
    blocks = SoundReader.blocks

    def read(self: SoundReader) -> Iterator[np.ndarray]:
        for block in blocks(self):
            yield block
            happen()

    return read


def test_interruption_leaves_nothing_behind(
    tmp_path: Path, cache: WaveformCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 2), 16_000)

    def interrupt() -> NoReturn:
        assert len(files_of(tmp_path / "cache", ".part")) == 1
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SoundReader, "blocks", after_each_block(interrupt))
        with pytest.raises(KeyboardInterrupt):
            cache.decode(tmp_path / "a.wav")
    assert files_of(tmp_path / "cache", ".f32") == []
    assert files_of(tmp_path / "cache", ".part") == []
    assert len(waveform(cache, cache.decode(tmp_path / "a.wav"))) == 32_000


def test_killed_process_leaves_nothing_under_a_final_name(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 2), 16_000)
    script = f"""
import os
from pathlib import Path
from distill.audio.reader import SoundReader
from distill.data.cache import CacheConfig, WaveformCache
blocks = SoundReader.blocks
def killed(self):
    for block in blocks(self):
        yield block
        os.kill(os.getpid(), 9)
SoundReader.blocks = killed
WaveformCache(Path({str(tmp_path / "cache")!r}), {CONFIG!r}).decode(
    Path({str(tmp_path / "a.wav")!r})
)
"""
    killed = subprocess.run([sys.executable, "-c", script], env=environment(), check=False)
    assert killed.returncode == -9
    assert files_of(tmp_path / "cache", ".f32") == []
    (partial,) = files_of(tmp_path / "cache", ".part")
    assert partial.stat().st_size > 0, "killed in the middle"
    again = WaveformCache(tmp_path / "cache", CONFIG)
    assert again.index.rows() == {}
    assert len(waveform(again, again.decode(tmp_path / "a.wav"))) == 32_000
    again.close()


def append(path: Path) -> None:
    with path.open("ab") as recording:
        recording.write(b"more")


@pytest.mark.parametrize("change", [append, Path.unlink])
def test_file_that_changes_while_it_is_read(
    tmp_path: Path,
    cache: WaveformCache,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(440), 16_000)
    monkeypatch.setattr(SoundReader, "blocks", after_each_block(lambda: change(path)))
    assert cache.decode(path) == Decoded(Reason.CHANGED)
    assert files_of(tmp_path / "cache", ".f32") == []
    assert files_of(tmp_path / "cache", ".part") == []


def test_a_stop_does_not_wait_for_the_end_of_a_long_file(
    here: Path, tmp_path: Path, cache: WaveformCache
) -> None:
    """Ctrl-C reaches the main thread; the one that decodes looks for it at each block."""
    soundfile.write(tmp_path / "a.wav", tone(440), 16_000)
    stopping.listen()
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        cache.decode(tmp_path / "a.wav")
    assert files_of(tmp_path / "cache", ".part") == []


def test_a_shortened_waveform_does_not_count(tmp_path: Path, cache: WaveformCache) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440), 16_000)
    decoded = cache.decode(tmp_path / "a.wav")
    assert cache.holds(decoded)
    os.truncate(cache.waveform_path(decoded.content), 100)
    assert not cache.holds(decoded)
    cache.waveform_path(decoded.content).unlink()
    assert not cache.holds(decoded)
