"""the addresses by which a model's file leaves the library, and comes into it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from distill.dashboard.server.guard import ADD_MODEL
from distill.dashboard.state import handing
from distill.dashboard.state.models import Models
from distill.errors import DistillError

Handler = Callable[[Request], Awaitable[Response]]


def model_routes(models: Models) -> list[Route]:
    """All of them."""
    return [
        Route("/api/model_file", _download(models), methods=["GET"]),
        Route(ADD_MODEL, _add(models), methods=["POST"]),
    ]


def _download(models: Models) -> Handler:
    async def handle(request: Request) -> Response:
        file = request.query_params.get("file", "")
        try:
            if request.query_params.get("sounds") != "no":
                return _attached(handing.file_to_download(models, file))
            bare = await asyncio.to_thread(handing.file_without_sounds, models, file)
        except DistillError as error:
            return _json({"error": str(error)}, 404)
        return _attached(bare, BackgroundTask(handing.forget, bare))

    return handle


def _attached(path: Path, after: BackgroundTask | None = None) -> Response:
    return FileResponse(
        path, media_type="application/octet-stream", filename=path.name, background=after
    )


def _add(models: Models) -> Handler:
    """The body is the file, the parameter `name` its name."""

    async def handle(request: Request) -> Response:
        try:
            with handing.coming_file(models, request.query_params.get("name", "")) as path:
                with path.open("wb") as file:
                    async for block in request.stream():
                        await asyncio.to_thread(file.write, block)
                return _json({"said": await asyncio.to_thread(handing.add, models, path)})
        except DistillError as error:
            return _json({"error": str(error)})
        except OSError as error:  # the disk is full
            return _json({"error": f"the file cannot be written: {error.strerror}"})

    return handle


def _json(value: dict[str, str], status: int = 200) -> Response:
    return Response(json.dumps(value), status_code=status, media_type="application/json")
