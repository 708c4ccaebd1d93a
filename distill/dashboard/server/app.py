"""places and a port → the dashboard, served on this machine until it is stopped."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from distill.dashboard.server.guard import LARGEST_UPLOAD, Guard
from distill.dashboard.state.known_sounds import KnownSounds
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.dashboard.state.survey import Surveys
from distill.errors import RunError, WriteError

HOST = "127.0.0.1"
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".aif", ".aiff", ".m4a", ".opus", ".webm"}
"""Uploads that the page may have back, by the end of their names."""


def make_app(places: Places, port: int) -> Any:
    """The ASGI application, guarded; raises WriteError if the folder for uploads cannot be made."""
    try:
        places.uploads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(places.uploads, error) from error
    # read by Gradio when it is imported, or when it serves; nothing here leaves the machine
    os.environ.update(
        GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(places.uploads), HF_HUB_OFFLINE="1"
    )
    import gradio as gr
    from fastapi import FastAPI

    from distill.dashboard.pages.look import head, style, theme
    from distill.dashboard.pages.page import build_page
    from distill.dashboard.server.routes import routes

    runs, models, surveys = Runs(places), Models(places), Surveys(places)
    known = KnownSounds(places)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        surveys.close()

    app = FastAPI(
        openapi_url=None, lifespan=lifespan, routes=[*routes(places, runs, models, surveys, known)]
    )
    gr.mount_gradio_app(
        app,
        build_page(runs, models, known),
        path="/",
        server_name=HOST,
        server_port=port,
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=True,
        max_file_size=LARGEST_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        theme=theme(),
        css=style(),
        head=head(),
    )
    return Guard(app, may_serve=lambda file: _is_upload(places, file))


def _is_upload(places: Places, file: str) -> bool:
    """Whether a file is a sound that came through the page."""
    path = Path("/", file)
    try:
        below = path.resolve(strict=True).relative_to(places.uploads.resolve())
    except (OSError, ValueError, RuntimeError):  # no such file, not a name, not in there
        return False
    is_hidden = any(part.startswith(".") for part in below.parts)
    return path.suffix.lower() in SOUNDS and not is_hidden and not path.is_symlink()


def open_port(port: int) -> socket.socket:
    """A socket that listens on this machine only; port 0 is any free one. Raises RunError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise RunError(
            f"--port={port}: cannot be used: {error.strerror}; is the dashboard open already, at "
            f"http://{HOST}:{port}/ ? Choose another with --port"
        ) from error
    return listening


def serve(app: Any, listening: socket.socket) -> None:
    """Answer until the process is asked to end."""
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listening])
