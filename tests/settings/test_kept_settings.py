"""The settings in the folder of a run that was moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import RunError
from distill.settings.compose import load_config, resume_config, settings_to_keep


def test_a_run_that_was_moved_finds_its_places_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old" / "sounds").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "old")
    run_dir = Path("outputs/multirun/sweep/0")
    run_dir.mkdir(parents=True)
    config = load_config([f"data.root={tmp_path}/old/sounds", f"library.dir={tmp_path}/shelf"])
    (run_dir / "config.yaml").write_text(settings_to_keep(config, run_dir))
    moved = (tmp_path / "old").rename(tmp_path / "new")
    for folder in (tmp_path, moved):
        monkeypatch.chdir(folder)
        saved = moved / run_dir / "config.yaml"
        with pytest.raises(RunError, match="old/sounds: the sounds of this run are not there any"):
            resume_config(saved, [])
        found = resume_config(saved, [f"data.root={moved}/sounds"])
        assert found.data.cache_dir == str(moved / "outputs" / "cache")
        assert found.library.dir == f"{moved}/outputs/library", "the shelf is not there"
        (tmp_path / "shelf").mkdir(exist_ok=True)
        found = resume_config(saved, [f"data.root={moved}/sounds"])
        assert found.library.dir == f"{tmp_path}/shelf"
        (tmp_path / "shelf").rmdir()
