"""`distill VERB ...` → the verb's own module."""

from __future__ import annotations

import signal
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from distill.system.encoding import escape_unknown
from distill.system.shell import COMMANDS
from distill.version import VERSION

VERBS = {
    "train": "train a model on a folder of sounds",
    "encode": "audio files → code files",
    "decode": "code files → audio files",
    "reconstruct": "encode and decode audio files, to listen and to measure the error",
    "generate": "new sounds from a model's prior",
    "kit": "a kit of new sounds for a sampler",
    "leaderboard": "rank the runs of a sweep, best first",
    "shard": "a folder of sounds → shards that a run streams from an object store",
    "library": "list, show, rename, delete, repair or add trained models",
    "dashboard": "all of this in the browser",
}
DEMO = "demo"
"""What to type first: `train` without a folder."""
LISTED = {DEMO: "try it: train on a small synthesised collection", **VERBS}
LINES = "\n".join(f"  {name:12s}{does}" for name, does in LISTED.items())
HELP = f"""\
usage: distill VERB ...

{LINES}

For more about a verb: distill VERB --help"""


def main() -> None:
    """Pass the rest of the command line to the verb's own module."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # while the verb is being imported, Ctrl-C ends it without a traceback
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    typed, module = COMMANDS
    begun = module if Path(sys.argv[0]).name == "__main__.py" else typed
    verb, *words = sys.argv[1:] or ["--help"]
    escape_unknown(sys.stdout)
    if verb in ("-h", "--help"):
        print(HELP)
    elif verb == "--version":
        print(VERSION)
    elif verb == DEMO and (own := [word for word in words if is_own_sounds(word)]):
        refuse(f"{own[0]}: {DEMO} has sounds of its own; for yours: {begun} train {own[0]}")
    elif verb in LISTED:
        verb = "train" if verb == DEMO else verb
        sys.argv = [f"{begun} {verb}", *words]
        verb_module(verb).main()
    else:
        near = get_close_matches(verb, LISTED, n=1)
        hint = f"did you mean {near[0]}? The" if near else "the"
        refuse(f"no verb {verb!r}; {hint} verbs are {', '.join(LISTED)}")


def is_own_sounds(word: str) -> bool:
    """Whether a word after `demo` names a folder of sounds."""
    return word.startswith("data.root=") or ("=" not in word and not word.startswith("-"))


def refuse(message: str) -> NoReturn:
    """Print a user's mistake as one line, and exit with 2."""
    print(f"distill: {message}", file=sys.stderr)
    sys.exit(2)


def verb_module(verb: str) -> ModuleType:
    """Where the verb's `main` is: in a file of its name, or in the folder's `__main__`."""
    module = import_module(f"distill.{verb}")
    return module if hasattr(module, "main") else import_module(f"distill.{verb}.__main__")


if __name__ == "__main__":
    main()
