"""`python -m distill.train`: a folder of sounds → a trained, watched, saved model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from distill.cli.verb import verb_entry
from distill.system.terminal import outlive_readers
from distill.train.command import read_command
from distill.train.help import train_help


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the verb; exits 2 on a user's mistake, 130 or 143 when stopped by a signal."""
    with verb_entry(), outlive_readers():
        words = list(sys.argv[1:] if arguments is None else arguments)
        command = read_command(words)
        if command.help:
            print(train_help())
        elif command.for_hydra:
            _run_hydra(words, command.folders)
        else:
            from distill.train.running import train_alone, train_sweep  # Hydra: only now needed

            if code := (train_sweep if command.sweep else train_alone)(command):
                sys.exit(code)


def _run_hydra(words: Sequence[str], folders: Sequence[str]) -> None:
    from distill.settings.hydra_app import do_nothing, run_hydra
    from distill.settings.quoting import quote_folders, quote_text

    for_hydra = [quote_text(word) for word in words if word not in folders]
    run_hydra(do_nothing, [*for_hydra, *([quote_folders(folders)] if folders else [])])


if __name__ == "__main__":
    main()
