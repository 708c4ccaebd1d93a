"""Files whose headers lie, or say nothing: each is read to its end, and notes say what is odd."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest
import soundfile

from distill.audio.chunk_files import Behind, find_samples
from distill.audio.reader import SoundReader
from distill.audio.reasons import Note, UnusableError
from tests.helpers.encoded import FORMATS, encode
from tests.helpers.mangled import MANGLES, ape_tag
from tests.helpers.sounds import tone

RATE_HZ = 44_100


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    """All samples of a file (T, C), and its notes in words."""
    with SoundReader(path) as reader:
        samples = np.concatenate(list(reader.blocks()))
        assert reader.sample_rate_hz == RATE_HZ
    return samples, [note.text for note in reader.notes]


def seconds(path: Path) -> float:
    """The seconds of a file that has no notes."""
    samples, notes = read(path)
    assert notes == []
    return len(samples) / RATE_HZ


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_mp3_of_variable_bit_rate_that_says_nothing_of_its_length(tmp_path: Path) -> None:
    """Its size, divided by the bit rate of its loud beginning, is much too short a time."""
    path, random = tmp_path / "vbr.mp3", np.random.default_rng(0)
    waveform = np.concatenate([random.normal(0, 0.2, RATE_HZ), 0.01 * tone(200, 6.0, RATE_HZ)])
    soundfile.write(path, waveform, RATE_HZ, bitrate_mode="VARIABLE", compression_level=0.0)
    data = path.read_bytes()
    place = data.index(b"Xing")
    save(path, data[:place] + b"\0" * 120 + data[place + 120 :])
    assert seconds(path) == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize("name", ["vorbis", "opus", "mp3", "flac", "adts", "wav", "aiff", "w64"])
def test_files_joined_to_one(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    rate_hz = form.rates_hz[-1]
    path = tmp_path / f"joined.{form.suffix}"
    path.write_bytes(encode(name, 1.0, rate_hz, 1) + encode(name, 0.5, rate_hz, 1, 1))
    with SoundReader(path) as reader:
        frames = sum(map(len, reader.blocks()))
    assert reader.notes == []
    assert frames / rate_hz == pytest.approx(1.5, abs=4 * form.frame / rate_hz + 1e-9)


def test_joined_files_of_another_rate(tmp_path: Path) -> None:
    data = encode("wav", 1.0, RATE_HZ, 1) + encode("wav", 0.5, 16_000, 2)
    samples, notes = read(save(tmp_path / "joined.wav", data))
    assert len(samples) / RATE_HZ == pytest.approx(1.5, abs=0.001)
    assert notes == ["rate or channels change on the way: 2 channels at 16,000 Hz from 1.00 s on"]


@pytest.mark.parametrize("whole", ["kept", "zero"])
@pytest.mark.parametrize("size", [0, 2, 10_000])
def test_wav_of_a_recorder_that_crashed(tmp_path: Path, size: int, whole: str) -> None:
    data = encode("wav", 0.8, RATE_HZ, 1)
    place = data.index(b"data") + 4
    data = data[:place] + struct.pack("<I", size) + data[place + 4 :]
    if whole == "zero":
        data = data[:4] + b"\0\0\0\0" + data[8:]
    samples, notes = read(save(tmp_path / "crashed.wav", data))
    np.testing.assert_allclose(samples[:, 0], tone(300, 0.8, RATE_HZ), atol=1e-4)
    written_s = size / 2 / RATE_HZ
    assert notes == [f"longer than its header says: 0.80 s read, {written_s:.2f} s in the header"]


@pytest.mark.parametrize("name", ["wav", "wav24", "wavfloat", "aiff", "au"])
@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_file_written_to_a_pipe(tmp_path: Path, name: str, size: int) -> None:
    """Its sizes are unknown, and 0 or the largest number instead."""
    data = encode(name, 0.8, RATE_HZ, 1)
    order, chunk = ("<I", b"data") if name.startswith("wav") else (">I", b"SSND")
    place = 8 if name == "au" else data.index(chunk) + 4
    packed = struct.pack(order, size)
    data = data[:place] + packed + data[place + 4 :]
    if name != "au":
        data = data[:4] + packed + data[8:]
    samples, notes = read(save(tmp_path / f"piped.{FORMATS[name].suffix}", data))
    np.testing.assert_allclose(samples[:, 0], tone(300, 0.8, RATE_HZ), atol=1e-4)
    assert len(notes) == (size == 0)


def test_flac_written_to_a_pipe(tmp_path: Path) -> None:
    data = encode("flac", 0.8, RATE_HZ, 2)
    data = data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]
    assert seconds(save(tmp_path / "piped.flac", data)) == 0.8


@pytest.mark.parametrize("total", [100, 1 << 30])
def test_flac_with_a_wrong_length(tmp_path: Path, total: int) -> None:
    data = encode("flac", 0.8, RATE_HZ, 1)
    data = data[:22] + struct.pack(">I", total) + data[26:]
    samples, notes = read(save(tmp_path / "wrong.flac", data))
    assert len(samples) / RATE_HZ == 0.8
    assert len(notes) == 1


def test_wav_of_more_than_4_gib(tmp_path: Path) -> None:
    """Its size does not fit into 32 bits, and begins again from 0."""
    path, size = tmp_path / "long.wav", (1 << 32) + 10_000
    data = encode("wav", 0.8, RATE_HZ, 1)
    place = data.index(b"data") + 4
    with path.open("wb") as file:
        written = struct.pack("<I", size % (1 << 32))
        file.write(data[:4] + struct.pack("<I", (size + 36) % (1 << 32)) + data[8:place] + written)
        file.write(data[place + 4 :])
        file.truncate(place + 4 + size)
    with path.open("rb") as file:
        layout = find_samples(file, file.read(4_096), 0, path.stat().st_size)
    assert layout is not None
    assert layout.behind is Behind.SAMPLES


@pytest.mark.parametrize("name", ["wav", "aiff", "w64", "caf", "au", "flac", "mp3", "adts"])
def test_tags_at_both_ends_are_no_sound(tmp_path: Path, name: str) -> None:
    data = encode(name, 0.8, RATE_HZ, 1)
    whole_s = seconds(save(tmp_path / f"whole.{FORMATS[name].suffix}", data))
    tagged = b"ID3\4\0\0\0\0\x08\0" + b"\0" * 1_024 + data + b"TAG" + b" " * 125
    assert seconds(save(tmp_path / f"tagged.{FORMATS[name].suffix}", tagged)) == whole_s


def test_wav_with_chunks_and_zeros_behind_its_samples(tmp_path: Path) -> None:
    data = encode("wav", 0.8, RATE_HZ, 1)
    chunks = b"smpl" + struct.pack("<I", 36) + b"\1" * 36 + b"LIST" + struct.pack("<I", 2) + b"xx"
    assert seconds(save(tmp_path / "chunks.wav", data + chunks)) == 0.8
    assert seconds(save(tmp_path / "card.wav", data + b"\0" * 100_000)) == 0.8


def test_noise_behind_a_whole_wav_is_noted_and_not_used(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    samples, notes = read(save(tmp_path / "a.wav", encode("wav", 0.8, RATE_HZ, 1) + noise))
    assert len(samples) / RATE_HZ == 0.8
    assert notes == ["not all of it can be read: 0.80 s read; 59 % of the file's bytes were not"]


def test_mp3_in_wav_has_no_false_note(tmp_path: Path) -> None:
    path = tmp_path / "mp3.wav"
    with av.open(str(path), "w", format="wav") as output:
        stream = output.add_stream("libmp3lame", rate=RATE_HZ)
        frame = av.AudioFrame.from_ndarray(
            tone(300, 0.8, RATE_HZ)[None].astype(np.float32), "fltp", "mono"
        )
        frame.sample_rate = RATE_HZ
        output.mux(stream.encode(frame))  # type: ignore[attr-defined]
        output.mux(stream.encode(None))  # type: ignore[attr-defined]
    assert seconds(path) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("bytes_behind", [5_000, 300_000])
def test_mp3_with_a_large_tag_at_its_end(tmp_path: Path, bytes_behind: int) -> None:
    data = encode("mp3", 3.0, RATE_HZ, 1)
    tagged = save(tmp_path / "tagged.mp3", data + ape_tag(bytes_behind))
    assert seconds(tagged) == pytest.approx(3.0, abs=0.06)
    random_tail = np.random.default_rng(0).bytes(bytes_behind)
    samples, notes = read(save(tmp_path / "junk.mp3", data + random_tail))
    assert len(samples) / RATE_HZ == pytest.approx(3.0, abs=0.3)
    (note,) = notes
    assert note.startswith("not all of it can be read: 3.")


@pytest.mark.parametrize("name", ["mp3", "vorbis", "flac", "aac", "adts", "wma", "wavpack"])
def test_a_spoilt_middle_loses_no_end(tmp_path: Path, name: str) -> None:
    data = bytearray(encode(name, 3.0, RATE_HZ, 1))
    middle = len(data) // 2
    data[middle : middle + 2_000] = b"\0" * 2_000
    samples, notes = read(save(tmp_path / f"spoilt.{FORMATS[name].suffix}", bytes(data)))
    lost_s = 3.0 - len(samples) / RATE_HZ
    assert lost_s < 1.1
    assert notes or lost_s < 0.1


@pytest.mark.parametrize("name", ["aac", "alac", "wma", "wavpack", "tta", "matroska", "opus"])
def test_formats_that_libsndfile_does_not_read(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    rate_hz = form.rates_hz[-1]
    path = save(tmp_path / f"a.{form.suffix}", encode(name, 1.0, rate_hz, 2))
    with SoundReader(path) as reader:
        samples = np.concatenate(list(reader.blocks()))
        assert (reader.sample_rate_hz, reader.channels) == (rate_hz, 2)
    assert reader.notes == []
    first = samples[: rate_hz // 2, 0]
    expected = np.abs(np.fft.rfft(tone(300, 1.0, rate_hz)[: len(first)])).argmax()
    assert abs(int(np.abs(np.fft.rfft(first)).argmax()) - int(expected)) <= 1


def test_wrong_suffixes_do_not_matter(tmp_path: Path) -> None:
    for name in ("mp3", "flac", "aac", "vorbis", "aiff"):
        assert seconds(save(tmp_path / f"{name}.wav", encode(name, 1.0, RATE_HZ, 1))) > 0.99


def test_a_file_without_any_end_is_refused_in_plain_words(tmp_path: Path) -> None:
    data = encode("aac", 1.0, RATE_HZ, 1)  # its table of contents comes last
    with pytest.raises(UnusableError, match=r"unreadable: .*MP4") as error:
        read(save(tmp_path / "cut.m4a", data[: len(data) // 2]))
    assert "Errno" not in str(error.value)


def test_nothing_is_printed_past_distill(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(FORMATS):
        for mangle in MANGLES.values():
            data = mangle(encode(name, 0.3, FORMATS[name].rates_hz[-1], 1), Random(number))
            path = save(tmp_path / f"a.{FORMATS[name].suffix}", data)
            try:
                with SoundReader(path) as reader:
                    list(reader.blocks())
            except UnusableError:
                continue
    assert capfd.readouterr() == ("", "")


def test_a_note_has_its_kind(tmp_path: Path) -> None:
    data = encode("wav", 1.0, RATE_HZ, 1)
    with SoundReader(save(tmp_path / "cut.wav", data[: len(data) // 2])) as reader:
        list(reader.blocks())
    assert [note.note for note in reader.notes] == [Note.ENDS_EARLY]


def test_a_play_list_opens_no_other_file(tmp_path: Path) -> None:
    save(tmp_path / "a.mp3", encode("mp3", 1.0, RATE_HZ, 1))
    for name in ("list.m3u8", "list.mp3", "list.wav", "list"):
        text = "#EXTM3U\n#EXTINF:1,\na.mp3\n#EXT-X-ENDLIST\n"
        (tmp_path / name).write_text(text)
        with pytest.raises(UnusableError):
            read(tmp_path / name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_beginning_of_any_length_is_read_or_refused(tmp_path: Path, name: str) -> None:
    data = encode(name, 0.05, FORMATS[name].rates_hz[-1], 1)
    path = tmp_path / f"a.{FORMATS[name].suffix}"
    messages = set()
    for length in range(1, min(300, len(data))):
        path.write_bytes(data[:length])
        try:
            with SoundReader(path) as reader:
                list(reader.blocks())
        except UnusableError as error:
            messages.add(str(error))
    assert messages
    assert not any("\n" in message for message in messages)
