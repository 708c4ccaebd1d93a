"""`distill VERB ...` → the verb's own module."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from distill.system.encoding import escape_unknown
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
    "dashboard": "all of this in the browser; needs the extra `dashboard`",
}


def main() -> None:
    """Pass the rest of the command line to the verb's own module."""
    verb = sys.argv[1] if len(sys.argv) > 1 else "--help"
    escape_unknown(sys.stdout)
    if verb in ("-h", "--help"):
        print("usage: distill VERB ...\n")
        print("\n".join(f"  {name:12s}{does}" for name, does in VERBS.items()))
        print("\nFor more about a verb: distill VERB --help")
    elif verb == "--version":
        print(VERSION)
    elif verb in VERBS:
        sys.argv = [f"distill {verb}", *sys.argv[2:]]
        verb_module(verb).main()
    else:
        print(f"distill: no verb {verb!r}; the verbs are {', '.join(VERBS)}", file=sys.stderr)
        sys.exit(2)


def verb_module(verb: str) -> ModuleType:
    """Where the verb's `main` is: in a file of its name, or in the folder's `__main__`."""
    module = import_module(f"distill.{verb}")
    return module if hasattr(module, "main") else import_module(f"distill.{verb}.__main__")


if __name__ == "__main__":
    main()
