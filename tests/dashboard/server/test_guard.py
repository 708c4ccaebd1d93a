"""Who may ask the dashboard for something: the rules, without a server."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest

from distill.dashboard.server.guard import LARGEST_REQUEST, Guard, Refusal
from tests.helpers.attacks import ATTACKS, Attack, headers_for

PORT = 7860
OWN = f"127.0.0.1:{PORT}"
REFUSED = [
    attack for attack in ATTACKS if attack.status != 403 or not attack.path.startswith("/sounds/")
]
"""Which of the sounds may be served is decided by their route."""


async def nothing(*_: object) -> None:
    """An app that answers nothing."""


def guard(app: Any = nothing) -> Guard:
    return Guard(app, may_serve=lambda file: False)


def scope(path: str, method: str, headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "headers": raw,
    }


def status_of(attack: Attack) -> int:
    headers = {"Host": OWN, **headers_for(attack, OWN)}
    try:
        guard().check(scope(attack.path, attack.method, headers))
    except Refusal as refusal:
        return refusal.status
    return 200


@pytest.mark.parametrize("attack", REFUSED, ids=lambda attack: attack.name)
def test_others_are_refused(attack: Attack) -> None:
    assert status_of(attack) == attack.status


@pytest.mark.parametrize(
    "host",
    [OWN, f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}", "127.0.0.1:8888", "localhost"],
)
@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {"Sec-Fetch-Site": "none"}),
        ("/", "GET", {}),
        ("/config", "GET", {"Sec-Fetch-Site": "same-origin", "Referer": "http://HOST/"}),
        ("/assets/index-1.js", "GET", {"Sec-Fetch-Site": "same-origin"}),
        ("/api/runs", "GET", {"Sec-Fetch-Site": "same-origin"}),
        ("/api/stop", "POST", {"Origin": "http://HOST", "Sec-Fetch-Site": "same-origin"}),
        ("/gradio_api/upload", "POST", {"Origin": "http://HOST", "Content-Length": str(90 << 20)}),
        ("/gradio_api/run/begin", "POST", {"Origin": "http://HOST"}),
        ("/sounds/train/a b/previews/epoch_0001/1_kick%20(2)_result.wav", "GET", {}),
    ],
)
def test_the_page_itself_is_let_through(
    host: str, path: str, method: str, headers: dict[str, str]
) -> None:
    own = {name: value.replace("HOST", host) for name, value in headers.items()}
    assert guard().check(scope(path, method, {"Host": host, **own})) > 0


def test_a_header_given_twice_is_refused() -> None:
    asked = scope("/", "GET", {"Host": OWN})
    asked["headers"].append((b"host", b"evil.example"))
    with pytest.raises(Refusal):
        guard().check(asked)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Host": "sounds.example"}, "localhost and 127.0.0.1 alone$"),
        (
            {"Host": "sounds.example", "X-Forwarded-For": "1.2.3.4"},
            r"alone; it came through a proxy \(x-forwarded-for\): use a tunnel, such as ssh -L",
        ),
        (
            {"Host": OWN, "Origin": "https://sounds.example", "Via": "1.1 nginx"},
            r"this does not come from the page itself; it came through a proxy \(via\)",
        ),
    ],
)
def test_a_proxy_is_named(headers: dict[str, str], told: str) -> None:
    with pytest.raises(Refusal, match=told):
        guard().check(scope("/", "GET", headers))


async def read_all(scope: Any, receive: Any, send: Any) -> None:
    """An app that reads what it is sent."""
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOW")]}
    )
    await send({"type": "http.response.body", "body": b"read"})


def answer_to(body: bytes, blocks: int) -> list[dict[str, Any]]:
    """What is sent back for this many equal blocks, without a length given before."""
    left = [blocks]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        left[0] -= 1
        return {"type": "http.request", "body": body, "more_body": left[0] > 0}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asked = scope("/api/stop", "POST", {"Host": OWN, "Origin": f"http://{OWN}"})
    asyncio.run(guard(read_all)(asked, receive, send))
    return sent


def test_a_body_without_a_length_is_counted() -> None:
    block = b"x" * (LARGEST_REQUEST // 4)
    assert answer_to(block, 4)[0]["status"] == 200
    assert answer_to(block, 5)[0]["status"] == 413


def test_answers_forbid_what_a_page_does_not_need() -> None:
    headers = dict(answer_to(b"", 1)[0]["headers"])
    assert headers[b"x-frame-options"] == b"DENY"
    assert b"connect-src 'self'" in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"


def test_web_sockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(read_all)({"type": "websocket", "path": "/"}, nothing, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
