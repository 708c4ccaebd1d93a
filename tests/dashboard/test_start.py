"""How the dashboard starts, and what it says where it cannot."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from distill.dashboard import __main__ as verb
from distill.dashboard.server.browser import has_screen
from tests.helpers.runs import environment


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line on stderr of a start that fails."""
    with pytest.raises(SystemExit) as end:
        verb.main(list(words))
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_without_gradio_one_line_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "find_spec", lambda name: None)
    assert 'needs Gradio, which is not installed here: pip install "gradio' in said(
        capsys, "--port=0"
    )


@pytest.mark.parametrize("port", ["x", "-1", "65536", "1.5"])
def test_a_port_is_a_number(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert "is not a port, 0 to 65535" in said(capsys, f"--port={port}")


def test_a_port_in_use_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "find_spec", lambda name: object())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = said(capsys, f"--port={port}")
    assert f"--port={port}: cannot be used" in line
    assert "Choose another with --port" in line


@pytest.mark.parametrize(
    ("environment", "platform", "is_terminal", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "linux", True, False),
        ({"DISPLAY": ":0"}, "linux", False, False),
        ({"DISPLAY": "localhost:10", "SSH_CONNECTION": "..."}, "linux", True, False),
        ({}, "darwin", True, True),
        ({"SSH_CONNECTION": "..."}, "darwin", True, False),
    ],
)
def test_a_browser_is_opened_where_somebody_would_see_it(
    environment: dict[str, str], platform: str, is_terminal: bool, opens: bool
) -> None:
    assert has_screen(environment, platform, is_terminal=is_terminal) == opens


@pytest.mark.slow
def test_it_starts_without_torch(tmp_path: Path) -> None:
    probe = (
        "import sys; from pathlib import Path; from distill.dashboard.state.places import Places; "
        "from distill.dashboard.server.app import make_app; "
        "make_app(Places(Path('outputs').absolute(), Path('library').absolute()), 7860); "
        "print(sorted({'torch', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_list_takes_what_an_open_page_sends_to_a_new_dashboard() -> None:
    """It knows none of the choices yet."""
    from distill.dashboard.pages.widgets import disk_choices

    assert disk_choices("Model").preprocess("kit.distillgan") == "kit.distillgan"
