"""a model and a request → sounds in a folder, with a line for each."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from distill.audio.delivery import Delivery
from distill.bundle.loaded import LoadedModel
from distill.cli.coding import out_folder
from distill.errors import GenerationError, LostError
from distill.generate.given import beginning_of_names, request_of, settings_of
from distill.generation.making import Generation
from distill.generation.ranges import USUAL_TEMPERATURE
from distill.listen.folder import invitation
from distill.listen.new_sounds import NewSounds
from distill.listen.seeds import Seeds
from distill.listen.sound_words import describe
from distill.runs.at_work import coming_prior
from distill.runs.folder import RUNS
from distill.runs.of_model import runs_of
from distill.system import terminal
from distill.system.paths import from_here
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import quantity, say, say_figures


def make_sounds(model: LoadedModel, options: argparse.Namespace, path: Path) -> None:
    """Make the sounds and write them, with a line for each; `path` is the model's file. Raises
    DistillError.
    """
    if model.prior is None:
        _say_when_it_can(model, path)
    request = request_of(model, options)
    request.checked(model.codec, model.require_prior())
    numbers = range(1, options.count + 1)
    with NewSounds(
        out_folder(options),
        model,
        seed=options.seed,
        suffix=f".{options.format}",
        delivery=Delivery(options.rate, options.bits, options.normalise),
        beginning=beginning_of_names(model, options),
        settings=settings_of(model, options),
        overwrite=options.overwrite,
        seeds=Seeds(options.library, model.metadata.model_id),
    ) as target:
        generation = model.generation(replace(request, seed=target.seed), total=options.count)
        target.check_free({number: generation.class_of(number) for number in numbers})
        _say_what_is_made(model, options)
        lost: tuple[str, ...] = ()
        try:
            copies = _write_sounds(generation, numbers, target)
        finally:
            lost = _close(target)
    if copies:
        say_figures(f"{quantity(copies, 'sound')} as near to a training sound as a copy")
    if lost:
        raise LostError(target.folder, "sounds", lost)


def _say_when_it_can(model: LoadedModel, path: Path) -> None:
    """Raise GenerationError where a run is on its way to the prior of this model."""
    own, model_id = path.absolute().parent, model.metadata.model_id
    runs = [own, *runs_of(RUNS.parent, model_id), *runs_of(own.parent, model_id)]
    if coming := coming_prior(runs):
        raise GenerationError(f"{model.metadata.name} makes no new sounds yet: {coming}")


def _write_sounds(generation: Generation, numbers: Sequence[int], target: NewSounds) -> int:
    """Make and write the sounds of these numbers, with a bar; return how many are copies."""
    copies = 0
    with terminal.bar() as bar:
        task = bar.add_task("new sounds", total=2 * len(numbers))  # to draw, and to write

        def advance(sounds: float) -> None:
            raise_if_stopped()
            bar.advance(task, sounds)

        for sound in generation.sounds(numbers, advance):
            path, sound = target.add(sound)
            copies += sound.is_copy
            say_figures(f"{from_here(path)}: {describe(sound)}")
            advance(1)
    return copies


def _close(target: NewSounds) -> tuple[str, ...]:
    """Write what stands beside the sounds, and say where it is; return the names of what could not
    be written.
    """
    written = target.close()
    if written.sheet:
        say(f"picture of {written.pictured}: {from_here(written.sheet)}")
    if written.page:
        say(invitation(written.page, written.note))
    return written.lost


def _begins(options: argparse.Namespace) -> bool:
    """Whether sounds to begin with are given."""
    return bool(options.like or options.morph or options.beginning)


def _say_what_is_made(model: LoadedModel, options: argparse.Namespace) -> None:
    prior = model.require_prior()
    if not prior.config.sounds:
        say("the model was shared without its sounds, so the new ones are compared with none")
    elif prior.config.classes and options.class_name is None and not _begins(options):
        counts = Counter(sound.label for sound in prior.config.sounds)
        known = (f"{name} {counts[n]}" for n, name in enumerate(prior.config.classes))
        say_figures(f"classes, and how many sounds of each are known: {', '.join(known)}")
    if not terminal.console.is_terminal:
        say(f"making {quantity(options.count, 'sound')}")
    if options.temperature != USUAL_TEMPERATURE and not prior.is_learnt:
        say("the prior could learn nothing from so few sounds, so it draws none of these")
