"""The page of a folder, call after call."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from distill.audio.walk import walk
from distill.listen import folder as listen_folder
from distill.listen.folder import ListeningPage
from tests.helpers.listening import make_row, read_page, rows_on_record


def add(folder: Path, *names: str, is_new: bool = False, mel_db: float = 1.0) -> Path:
    """A call that makes results of these names."""
    page = ListeningPage(folder, is_new=is_new)
    for name in names:
        page.add(make_row(page, name, mel_db=mel_db))
    path = page.write([])
    assert path is not None
    return path


def test_a_second_call_keeps_the_rows_of_the_first(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", "b.wav")
    assert read_page(add(tmp_path, "c.wav", mel_db=2.0)).names == ["c.wav", "a.wav", "b.wav"]


def test_a_result_that_is_made_again_has_one_row(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", "b.wav")
    shown = read_page(add(tmp_path, "b.wav", mel_db=3.0))
    assert shown.names == ["b.wav", "a.wav"]
    assert "mel error 3.00 dB" in shown.text


def test_a_result_that_was_deleted_leaves_the_page_with_its_files(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", "b.wav")
    (tmp_path / "a.wav").unlink()
    assert read_page(add(tmp_path, "c.wav")).names == ["b.wav", "c.wav"]
    files = list((tmp_path / "listen_files").iterdir())
    assert sum(path.name.startswith("take-") for path in files) == 2 * 2
    left = {path.name.partition("-")[0] for path in files} - {"take"}
    assert left == {"b", "c", "distill_listen.json"}


def test_a_new_page_has_new_rows_only(tmp_path: Path) -> None:
    add(tmp_path, "a.wav", "b.wav")
    assert read_page(add(tmp_path, "c.wav", is_new=True)).names == ["c.wav"]
    assert len(list((tmp_path / "listen_files").glob("*_original.wav"))) == 1
    assert (tmp_path / "a.wav").exists(), "a result is never deleted"


def test_of_very_many_results_the_worst_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_folder, "MOST_ROWS", 3)
    page = ListeningPage(tmp_path)
    for number in (5, 1, 4, 2, 3):
        if page.takes(f"{number}.wav", {"mel_db": number}):
            page.add(make_row(page, f"{number}.wav", mel_db=number))
    path = page.write([])
    assert path is not None
    assert read_page(path).names == ["5.wav", "4.wav", "3.wav"]
    assert page.note == "with the worst 3 of 5 sounds; the others are beside it"
    assert not page.takes("0.wav", {"mel_db": 0})
    assert page.takes("5.wav", {"mel_db": 4.5}), "in place of its own row"
    pictures = sorted((tmp_path / "listen_files").glob("*.png"))
    assert [path.name[0] for path in pictures] == ["3", "4", "5"]


def test_of_very_many_new_sounds_the_newest_are_shown_and_the_others_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the seeds; seeds and numbers in their order."""
    monkeypatch.setattr(listen_folder, "MOST_ROWS", 4)
    shown, notes = [], []
    for seed, count in ((10, 2), (9, 3), (11, 6), (1, 1)):
        page = ListeningPage(tmp_path)
        for name in (f"kit_{seed}_{number}.wav" for number in (10, 9, 11, 8, 7, 6)[:count]):
            if page.takes(name, {}):
                page.add(make_row(page, name))
            else:
                (tmp_path / name).touch()
        path = page.write([])
        assert path is not None
        shown.append(read_page(path))
        notes.append(page.note)
    assert [each.names for each in shown] == [
        ["kit_10_9.wav", "kit_10_10.wav"],
        ["kit_9_9.wav", "kit_9_10.wav", "kit_9_11.wav", "kit_10_9.wav"],
        ["kit_11_8.wav", "kit_11_9.wav", "kit_11_10.wav", "kit_11_11.wav"],
        ["kit_1_10.wav", "kit_11_8.wav", "kit_11_9.wav", "kit_11_10.wav"],
    ]
    assert notes[0] == ""
    assert notes[3] == "with the newest 4 of 12 sounds; the others are beside it"
    told = "The newest 4 of 12 sounds, those of the newest call first. The others are beside this"
    assert told in shown[3].text
    assert len(list((tmp_path / "listen_files").glob("*.png"))) == 4


def test_a_row_goes_when_its_result_is_made_anew_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_folder, "MOST_ROWS", 2)
    for name, mel_db in (("a.wav", 5.0), ("b.wav", 4.0), ("c.wav", 3.0)):
        path = add(tmp_path, name, mel_db=mel_db)
    page = ListeningPage(tmp_path)
    page.add(make_row(page, "c.wav", mel_db=4.5))
    assert not page.takes("b.wav", {"mel_db": 1.0})
    page.write([])
    assert read_page(path).names == ["a.wav", "c.wav"]


def test_all_that_is_not_shown_is_counted_though_its_names_take_too_much_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen_folder, "MOST_ROWS", 1)
    monkeypatch.setattr(listen_folder, "LARGEST_BYTES", 2_000)
    for number in range(25, 0, -1):
        add(tmp_path, f"{'音' * 20} {number}.wav", mel_db=number)
    told = "The worst 1 of 25 sounds, the worst beginning first. The others are beside this page."
    assert told in read_page(tmp_path / "listen.html").text


def test_a_page_has_what_another_process_added_in_the_meantime(tmp_path: Path) -> None:
    pages = [ListeningPage(tmp_path) for _ in range(2)]
    for page, name in zip(pages, ("a.wav", "b.wav"), strict=True):
        page.add(make_row(page, name))
    for page in pages:
        path = page.write([])
    assert path is not None
    assert read_page(path).names == ["b.wav", "a.wav"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.wav",
        "b.wav",
        "listen.html",
        "listen_files",
    ]


def test_a_file_of_the_user_is_not_overwritten(tmp_path: Path) -> None:
    own = tmp_path / "listen.html"
    own.write_text("<!DOCTYPE html><p>mine")
    (tmp_path / "listen-2.html").mkdir()
    for _ in range(2):
        assert add(tmp_path, "a.wav").name == "listen-3.html"
    assert own.read_text() == "<!DOCTYPE html><p>mine"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b"{}",
        b'{"version": 1, "rows": [1]}',
        b'{"version": 1, "rows": [{"name": "a", "takes": [], "seconds": 1, "file": "a.wav"}]}',
    ],
    ids=lambda damage: str(damage[:30]),
)
def test_a_damaged_record_of_rows_begins_anew(tmp_path: Path, damage: bytes) -> None:
    add(tmp_path, "a.wav")
    (tmp_path / "listen_files" / "distill_listen.json").write_bytes(damage)
    assert read_page(add(tmp_path, "b.wav")).names == ["b.wav"]


@pytest.mark.parametrize("path", ["/etc/hostname", "../secret.wav", "//host/a.wav", "a\0.wav"])
def test_a_record_names_nothing_outside_the_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.wav").touch()
    out = tmp_path / "out"
    out.mkdir()
    add(out, "a.wav", "b.wav")
    record = out / "listen_files" / "distill_listen.json"
    values = json.loads(record.read_text())
    values["rows"][0]["takes"][0]["path"] = path
    record.write_text(json.dumps(values))
    assert read_page(add(out, "c.wav")).names == ["b.wav", "c.wav"]
    assert (tmp_path / "secret.wav").exists()


def test_nothing_but_the_pages_own_files_is_ever_deleted(tmp_path: Path) -> None:
    add(tmp_path, "a.wav")
    record = tmp_path / "listen_files" / "distill_listen.json"
    values = json.loads(record.read_text())
    (tmp_path / "listen_files" / "my notes.txt").touch()
    values["rows"][0]["picture"] = "listen_files/my notes.txt"
    record.write_text(json.dumps(values))
    add(tmp_path, "b.wav", is_new=True)
    assert (tmp_path / "listen_files" / "my notes.txt").exists()


def test_names_of_files_are_short_and_the_same_every_time(tmp_path: Path) -> None:
    page = ListeningPage(tmp_path)
    names = [f"{'x' * 250}.wav", "a/kick.wav", "b/kick.wav", "a/kick.flac", "\udcff.wav", "..wav"]
    made = [page.name(name, "original", ".wav") for name in names]
    assert len(set(made)) == len(names)
    assert max(map(len, made)) < 100
    assert page.name("大鼓.wav", "original", ".wav").startswith("listen_files/大鼓-")
    assert made == [page.name(name, "original", ".wav") for name in names]


def test_without_a_row_there_is_no_page(tmp_path: Path) -> None:
    page = ListeningPage(tmp_path)
    assert page.write([]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = add(tmp_path, "a.wav")
    before = path.read_bytes()

    def fail(path: Path, text: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    page = ListeningPage(tmp_path)
    page.add(make_row(page, "b.wav"))
    monkeypatch.setattr(listen_folder, "write_text", fail)
    with pytest.raises(OSError, match="No space"):
        page.write([])
    assert path.read_bytes() == before
    assert len(rows_on_record(tmp_path)) == 1


def test_the_folder_of_files_is_known_by_its_mark_from_the_start(tmp_path: Path) -> None:
    page = ListeningPage(tmp_path)
    page.make_files_folder()
    (page.files / "kick.png").touch()
    (found,) = walk([tmp_path])
    assert found.path == page.files
    assert found.detail == "the sounds of a page to listen, not searched"
