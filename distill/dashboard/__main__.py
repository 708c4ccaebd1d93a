"""`python -m distill.dashboard`: train, listen and generate in the browser, on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from distill.cli.verb import Parser, add_library, verb_entry
from distill.dashboard.state.places import Places
from distill.errors import DistillError
from distill.system.paths import path_of
from distill.system.shell import command_of
from distill.system.terminal import say

PORT = 7860
MISSING = 'the dashboard needs Gradio, which is not installed here: pip install "gradio>=6.31,<7"'


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake."""
    with verb_entry():
        options = _parser().parse_args(arguments)
        if find_spec("gradio") is None:
            raise DistillError(MISSING)
        from distill.dashboard.server.app import HOST, make_app, open_port, serve
        from distill.dashboard.server.browser import open_browser
        from distill.dashboard.state.libraries import remember

        places = Places(options.outputs.absolute(), options.library.absolute())
        with open_port(options.port) as listening:
            port = listening.getsockname()[1]
            app = make_app(places, port)
            remember(places.library)
            url = f"http://{HOST}:{port}/"
            say(f"distill is in your browser: {url}   (Ctrl-C ends it; runs go on)")
            open_browser(url)
            serve(app, listening)


def _parser() -> Parser:
    parser = Parser(
        prog=command_of("dashboard"),
        description="A page in the browser to train, listen and generate. It is on this machine "
        "only and asks no other one for anything. Runs are processes of their own: they go on when "
        "the page or the dashboard is closed.",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=PORT,
        metavar="N",
        help=f"port on 127.0.0.1 (default: {PORT}; 0: any that is free)",
    )
    add_library(parser)
    parser.add_argument(
        "--outputs",
        type=path_of,
        default=Path("outputs"),
        metavar="DIR",
        help="folder for runs and new sounds (default: outputs)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not a port, 0 to 65535")
    return int(text)


if __name__ == "__main__":
    main()
