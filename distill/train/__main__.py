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
            print(train_help(command.config_dirs))
        elif command.show:
            from distill.train.showing import show  # Hydra: only now needed

            show(command)
        else:
            from distill.train.running import train_alone, train_sweep

            if code := (train_sweep if command.sweep else train_alone)(command):
                sys.exit(code)


if __name__ == "__main__":
    main()
