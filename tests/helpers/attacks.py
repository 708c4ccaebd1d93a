"""What others may send to the dashboard, and the status that it deserves: one table for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORM = "multipart/form-data; boundary=x"
UPLOAD = (
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="evil.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\nRIFF\r\n--x--\r\n"
)
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Attack:
    """One request; `OWN` in a header or path stands for the dashboard's host and port."""

    name: str
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 403


def headers_for(attack: Attack, own: str) -> dict[str, str]:
    """Its headers, with the dashboard's own host and port."""
    return {name: value.replace("OWN", own) for name, value in attack.headers.items()}


def _posts(name: str, headers: dict[str, str], **more: Any) -> list[Attack]:
    """The same headers on what would change something."""
    to = (
        ("/api/stop", b'{"run": "train/x"}', JSON),
        ("/api/delete", b'{"file": "kit.distillgan"}', JSON),
        ("/api/survey", b'{"folder": ""}', {"Content-Type": "text/plain"}),
        ("/gradio_api/upload", UPLOAD, {"Content-Type": FORM}),
        ("/gradio_api/run/predict", b'{"data": [], "fn_index": 0}', {"Content-Type": "text/plain"}),
        ("/gradio_api/queue/join", b'{"data": [], "fn_index": 0}', JSON),
    )
    return [
        Attack(f"{name}: {path}", path, "POST", {**headers, **kind}, body, **more)
        for path, body, kind in to
    ]


ATTACKS = [
    *(
        Attack(f"host {host}", path, headers={"Host": host}, status=400)
        for host in (
            "evil.example",
            "evil.example:PORT",
            "localhost.evil.example",
            "127.0.0.1.evil.example:1",
            "127.0.0.1:1:2",
            "127.0.0.1:x",
            "127.0.0.2:1",
            "[::1",
            "0.0.0.0",
            "",
            "OWN.evil.example",
            "OWN@evil.example",
        )
        for path in ("/", "/config", "/api/models", "/kept.zip")
    ),
    *_posts("host", {"Host": "evil.example"}, status=400),
    *(
        Attack(f"origin {origin}", "/api/runs", headers={"Origin": origin})
        for origin in (
            "http://evil.example",
            "null",
            "https://OWN",
            "http://OWN.evil.example",
            "http://localhost:1",
            "",
        )
    ),
    *_posts("origin", {"Origin": "http://evil.example"}),
    *_posts("another port of this machine", {"Host": "localhost:3000", "Origin": "http://OWN"}),
    *_posts("another name of this machine", {"Host": "localhost", "Origin": "http://127.0.0.1"}),
    *_posts("origin null", {"Origin": "null"}),
    *_posts("no origin", {}),
    *_posts("other port", {"Origin": "http://127.0.0.1:1"}),
    *_posts("cross-site", {"Sec-Fetch-Site": "cross-site"}),
    *_posts("same-site is another port", {"Sec-Fetch-Site": "same-site"}),
    *_posts("typed address", {"Sec-Fetch-Site": "none"}),
    *(
        Attack(f"fetched {site}", "/api/models", headers={"Sec-Fetch-Site": site})
        for site in ("cross-site", "same-site", "odd")
    ),
    *(
        Attack(f"referer {referer}", "/api/models", headers={"Referer": referer})
        for referer in (
            "http://evil.example/",
            "http://OWN.evil.example/",
            "http://OWN@evil.example/",
            "http://[",
        )
    ),
    *_posts("referer", {"Origin": "http://OWN", "Referer": "http://evil.example/"}),
    *(Attack(f"method {method}", "/", method) for method in ("PUT", "DELETE", "OPTIONS", "PATCH")),
    *(
        Attack(f"path {path}", path, status=400)
        for path in (
            "/sounds/../dashboard.log",
            "/sounds/%2e%2e/dashboard.log",
            "/sounds/train/..%2f..%2fdashboard.log",
            "/sounds/..%5cdashboard.log",
            "/sounds//etc/passwd",
            "/sounds/train/x%00.wav",
            "/gradio_api/file=//etc/passwd",
            "/gradio_api/file=http://evil.example/a.wav",
            "/gradio_api/proxy=http://evil.example",
            "/gradio_api/file=../../etc/passwd",
            "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd",
        )
    ),
    *(
        Attack(f"file {path}", path)
        for path in (
            "/gradio_api/file=/etc/passwd",
            "/sounds/train/x/config.yaml",
            "/sounds/train/x/progress.jsonl",
            "/sounds/train/x/previews/epoch_0001/.hidden.wav",
            "/sounds/train/x/previews/epoch_0001/page.html",
            "/sounds/train/x/previews/epoch_0001/page.svg",
            "/sounds/train/x/previews/epoch_0001/link.wav",
            "/sounds/train/link/previews/epoch_0001/real.wav",
            "/sounds/train/x/listen.html",
            "/sounds/library/kit.distillgan",
            "/sounds/dashboard/logs/a.wav",
            "/sounds/cache/a.wav",
            "/sounds/.wav",
            "/sounds/train/x/previews/epoch_0001/real.wav/",
            "/sounds/train/x/checkpoints/best.ckpt",
        )
    ),
    *(
        Attack(f"closed {path}", path)
        for path in (
            "/docs",
            "/openapi.json",
            "/gradio_api/openapi.json",
            "/monitoring",
            "/gradio_api/stream/a/b/c/playlist.m3u8",
            "/gradio_api/runs",
            "/gradio_api/vibe-code",
            "/login",
            "/token",
            "/gradio_api/mcp",
            "/gradio_api/deep_link",
            "/robots.txt",
            "/svelte/x",
        )
    ),
    Attack(
        "huge upload",
        "/gradio_api/upload",
        "POST",
        {"Origin": "http://OWN", "Content-Type": FORM, "Content-Length": str(10**12)},
        b"",
        413,
    ),
    Attack(
        "huge request",
        "/api/stop",
        "POST",
        {"Origin": "http://OWN", **JSON, "Content-Length": str(10**8)},
        b"",
        413,
    ),
    Attack(
        "length is no number",
        "/api/stop",
        "POST",
        {"Origin": "http://OWN", **JSON, "Content-Length": "-1"},
        b"",
        400,
    ),
]
