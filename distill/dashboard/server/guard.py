"""a request → answered only if it comes from the page itself: no other site, no other name for this
machine, nothing too large. As ASGI middleware (https://asgi.readthedocs.io/en/latest/specs/www.html).

A page of another site can make a browser send requests to 127.0.0.1. It can also give 127.0.0.1 a
name of its own (DNS rebinding), and then even read the answers. What it cannot do is to change the
headers `Host`, `Origin` and `Sec-Fetch-Site`. A name that always means this machine may have any
port: a tunnel (`ssh -L 8888:127.0.0.1:7860`) ends at one of its own choice.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from distill.bundle.archive import LARGEST_MODEL

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
READING = ("GET", "HEAD")
LARGEST_UPLOAD = 100 * 2**20
LARGEST_REQUEST = 2**20
UPLOAD = "/gradio_api/upload"
ADD_MODEL = "/api/add_model"
MOST_BYTES = {UPLOAD: LARGEST_UPLOAD, ADD_MODEL: LARGEST_MODEL}
"""Of a request to these addresses; LARGEST_REQUEST to all others."""
PAGE_PATHS = re.compile(
    r"/|/favicon\.ico|/(assets|static)/.+|/config/?|/theme\.css|/manifest\.json"
    r"|/gradio_api/(upload|upload_progress|queue/join|queue/data|run/[\w-]+|component_server/?"
    r"|heartbeat/[\w-]+|info/?|startup-events|app_id/?|theme\.css|cancel|reset/?|file=.+)"
    r"|/(api|sounds)/.+|/kept\.zip"
)
"""What the page asks for; everything else that Gradio offers is closed."""
HEADERS = {
    "content-security-policy": "default-src 'self'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
"""The browser itself asks no other machine for anything, and shows the page in no other one."""


class Refusal(Exception):
    """A request that is not answered, with its HTTP status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Guard:
    """Lets through what the page sends, and adds HEADERS to the answers."""

    def __init__(self, app: App, *, may_serve: Callable[[str], bool]) -> None:
        """`may_serve` decides on the files that Gradio is asked for."""
        self._app = app
        self._may_serve = may_serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            most = self.check(scope)
            await self._app(scope, _limit_body(receive, most), _with_headers(send))
        except Refusal as refusal:
            await _refuse(refusal, send)

    def check(self, scope: Scope) -> int:
        """How many bytes the request may have; raises Refusal."""
        headers = _Headers(scope.get("headers", ()))
        method, path = str(scope["method"]), str(scope["path"])
        host = (headers.only("host") or "").lower()
        proxy = headers.first_of(OF_PROXIES)
        hint = f"; it came through a proxy ({proxy}): use a tunnel, such as ssh -L" if proxy else ""
        if not OWN_HOST.fullmatch(host):
            raise Refusal(400, f"the dashboard answers to localhost and 127.0.0.1 alone{hint}")
        if not _is_own(headers, host, is_reading=method in READING):
            raise Refusal(403, f"this does not come from the page itself{hint}")
        if method not in (*READING, "POST"):
            raise Refusal(403, "only GET and POST")
        raw = scope.get("raw_path") or path.encode()
        if _is_odd(path) or _is_odd(unquote(bytes(raw).decode("latin-1"))):
            raise Refusal(400, "this is not a path")
        if not PAGE_PATHS.fullmatch(path):
            raise Refusal(403, "the page does not need this")
        if path.startswith("/gradio_api/file=") and not self._may_serve(path.partition("=")[2]):
            raise Refusal(403, "this file is not for the page")
        most = MOST_BYTES.get(path, LARGEST_REQUEST)
        length = headers.only("content-length") or "0"
        if not length.isdecimal():
            raise Refusal(400, "content-length is no number")
        if int(length) > most:
            raise Refusal(413, f"larger than {most >> 20} MB")
        return most


class _Headers:
    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._pairs = [
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs
        ]

    def only(self, wanted: str) -> str | None:
        """The value of a header; None without it. Raises Refusal if it is there twice."""
        values = [value.strip() for name, value in self._pairs if name == wanted]
        if len(values) > 1:
            raise Refusal(400, f"{wanted} is given twice")
        return values[0] if values else None

    def first_of(self, names: Sequence[str]) -> str:
        """The first of these headers that is there; empty without any."""
        return next((name for name, _ in self._pairs if name in names), "")


def _is_own(headers: _Headers, host: str, *, is_reading: bool) -> bool:
    """Whether the page itself sent this, or a person typed the address. Raises Refusal."""
    origin, site = headers.only("origin"), headers.only("sec-fetch-site")
    referer = headers.only("referer")
    if origin is not None and origin.lower() != f"http://{host}":
        return False
    if site is not None and site not in ("same-origin", *(("none",) if is_reading else ())):
        return False
    if referer is not None and _origin_of(referer) != f"http://{host}":
        return False
    return is_reading or origin is not None or site is not None


def _is_odd(path: str) -> bool:
    """Whether a path climbs, hides something, or is written in a way that no browser does."""
    parts = re.split(r"[/=\\]", path)
    return (
        "\\" in path
        or any(ord(letter) < 32 or ord(letter) == 127 for letter in path)
        or any(part in (".", "..") for part in parts)
        or "//" in path.removeprefix("/gradio_api/file=")
    )


def _origin_of(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()


def _limit_body(receive: Receive, most: int) -> Receive:
    """The same messages, as long as they have at most `most` bytes together."""
    received = 0

    async def receive_more() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise Refusal(413, f"larger than {most >> 20} MB")
        return message

    return receive_more


def _with_headers(send: Send) -> Send:
    """Adds HEADERS to an answer, in place of those of the same names."""
    own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [
                pair
                for pair in message.get("headers", ())
                if pair[0].decode().lower() not in HEADERS
            ]
            message = {**message, "headers": [*others, *own]}
        await send(message)

    return with_headers


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = f"{refusal}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    try:
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    except RuntimeError:  # the answer had begun
        return
