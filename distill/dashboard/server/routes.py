"""the addresses that the page asks for, beside Gradio's own: what is on disk, sounds, a zip."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from distill.dashboard.server.model_files import model_routes
from distill.dashboard.state import kept, kits, new_sounds
from distill.dashboard.state.demo_sounds import demo_rows
from distill.dashboard.state.known_sounds import KnownSounds
from distill.dashboard.state.models import Models
from distill.dashboard.state.places import Places
from distill.dashboard.state.runs import Runs
from distill.dashboard.state.sounds import ADDRESS, TYPES, may_be_served, served_file
from distill.dashboard.state.survey import Surveys
from distill.errors import DistillError
from distill.system.json_values import without_nan

Handler = Callable[[Request], Awaitable[Response]]


def routes(
    places: Places, runs: Runs, models: Models, surveys: Surveys, known: KnownSounds
) -> list[Route]:
    """All of them."""

    def get_runs(asked: dict[str, str]) -> Any:
        return runs.show(asked.get("run") or None, asked.get("seen", ""))

    def get_models(asked: dict[str, str]) -> Any:
        return models.show(asked.get("seen", ""))

    def get_model_sounds(asked: dict[str, str]) -> Any:
        return {"rows": models.sounds(asked.get("file", ""))}

    def get_new_sounds(asked: dict[str, str]) -> Any:
        return new_sounds.show(models, asked.get("seen", ""))

    def get_demo(asked: dict[str, str]) -> Any:
        return {"rows": demo_rows(places)}

    def survey(asked: dict[str, str]) -> Any:
        again = asked.get("again") == "yes"
        return surveys.look(asked["folder"], page=asked.get("page", ""), again=again)

    return [
        _reads("/api/runs", get_runs),
        _reads("/api/models", get_models),
        _reads("/api/model_sounds", get_model_sounds),
        _reads("/api/new_sounds", get_new_sounds),
        _reads("/api/demo", get_demo),
        _does("/api/survey", survey),
        _does("/api/stop", lambda asked: runs.stop(asked["run"])),
        _does("/api/go_on", lambda asked: runs.go_on(asked["run"], asked.get("folder", ""))),
        _does("/api/cancel", lambda asked: new_sounds.cancel(places, asked["call"])),
        _does("/api/keep", lambda asked: kept.keep(places, asked["source"])),
        _does("/api/drop", lambda asked: kept.drop(places, asked["source"])),
        _does("/api/rename", lambda asked: models.rename(asked["file"], asked["name"])),
        _does("/api/delete", lambda asked: models.delete(asked["file"])),
        *model_routes(models),
        Route("/api/known_sound", _known_sound(models, known)),
        Route(f"{ADDRESS}{{path:path}}", _sound(places)),
        Route("/kept.zip", _kept_zip(places)),
        Route("/api/kit.zip", _kit_zip(places)),
    ]


def _reads(path: str, answer: Callable[[dict[str, str]], Any]) -> Route:
    """A route that changes nothing; 204 if there is nothing new."""

    async def handle(request: Request) -> Response:
        asked = dict(request.query_params)
        return await _answer(answer, asked)

    return Route(path, handle, methods=["GET"])


def _does(path: str, answer: Callable[[dict[str, str]], Any]) -> Route:
    """A route that does something: a JSON object of texts comes in, and JSON goes out."""

    async def handle(request: Request) -> Response:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not all(isinstance(each, str) for each in asked.values()):
            return _error("send a JSON object of which all values are texts", 400)
        return await _answer(answer, asked)

    return Route(path, handle, methods=["POST"])


async def _answer(answer: Callable[[dict[str, str]], Any], asked: dict[str, str]) -> Response:
    try:
        value = await asyncio.to_thread(answer, asked)
    except DistillError as error:
        return _error(str(error), 200)  # a console complains of other answers
    except OSError as error:  # the disk is full, or a file was deleted a moment ago
        return _error(f"{error.filename}: {error.strerror}", 200)
    except KeyError as missing:
        return _error(f"{missing.args[0]} is missing", 400)
    return Response(status_code=204) if value is None else _json(value)


def _json(value: Any, status: int = 200) -> Response:
    """Any values as JSON of ASCII: what is no number is null, what is no text is escaped."""
    content = json.dumps(without_nan(value), ensure_ascii=True, allow_nan=False)
    return Response(content, status_code=status, media_type="application/json")


def _error(message: str, status: int) -> Response:
    return _json({"error": message}, status)


def _sound(places: Places) -> Handler:
    async def handle(request: Request) -> Response:
        address = request.path_params["path"]
        path = served_file(places, address)
        if path is None:
            is_gone = may_be_served(address) and not os.path.lexists(places.outputs / address)
            return _error("there is no such sound", 404 if is_gone else 403)
        as_download = "attachment" if "download" in request.query_params else "inline"
        return FileResponse(
            path,
            media_type=TYPES[path.suffix.lower()],
            filename=path.name,
            content_disposition_type=as_download,
            headers={"cache-control": "private, max-age=3600"},
        )

    return handle


def _known_sound(models: Models, known: KnownSounds) -> Handler:
    def find(asked: Mapping[str, str]) -> Path:
        return known.file_of(models.find(asked.get("file", "")), asked.get("source", ""))

    async def handle(request: Request) -> Response:
        try:
            path = await asyncio.to_thread(find, dict(request.query_params))
        except DistillError as error:
            return _error(str(error), 404)
        return FileResponse(path, media_type=TYPES[path.suffix.lower()])

    return handle


def _kept_zip(places: Places) -> Handler:
    async def handle(request: Request) -> Response:
        return _zip(kept.zip_kept(places), "kept.zip")

    return handle


def _kit_zip(places: Places) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            folder = kits.kit_folder(places, request.query_params.get("call", ""))
        except DistillError as error:
            return _error(str(error), 404)
        return _zip(kits.zip_kit(folder), kits.zip_name(folder))

    return handle


def _zip(content: Iterator[bytes], name: str) -> Response:
    as_download = f"attachment; filename*=UTF-8''{quote(name)}"
    headers = {"content-disposition": as_download}
    return StreamingResponse(content, media_type="application/zip", headers=headers)
