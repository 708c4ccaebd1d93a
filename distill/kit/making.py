"""a model and the options → a kit in a folder, with a line for each class."""

from __future__ import annotations

import argparse
from itertools import count

from distill.audio.delivery import Delivery
from distill.bundle.loaded import LoadedModel
from distill.cli.coding import out_folder
from distill.errors import GenerationError, LostError
from distill.generation.ranges import MOST_PADS
from distill.generation.request import NO_CLASSES, Request, label_of
from distill.kit.folder import KitFolder
from distill.kit.pads import in_order
from distill.kit.sounds import KitSounds
from distill.listen.seeds import Seeds
from distill.system import terminal
from distill.system.paths import from_here
from distill.system.stopping import raise_if_stopped
from distill.system.terminal import quantity, say, say_figures


def make_kit(model: LoadedModel, options: argparse.Namespace) -> None:
    """Make the sounds and write them, with a line for each class. Raises DistillError."""
    classes = _classes(model, options.classes)
    _check_keys(classes, options)
    seeds = Seeds(options.library, model.metadata.model_id)
    if options.seed is None:
        options.seed = next(seed for seed in count() if seed not in seeds.asked())
    request = Request(seed=options.seed, amount=options.amount, levels=options.levels).checked(
        model.codec, model.require_prior()
    )
    sounds = KitSounds(
        model,
        request,
        per_class=options.per_class,
        robins=options.round_robins,
        layers=options.layers,
    )
    with KitFolder(
        out_folder(options),
        model,
        seed=options.seed,
        delivery=Delivery(options.rate, options.bits),
        presets=options.to,
        layers=options.layers,
    ) as folder:
        folder.plan({name or model.metadata.name: options.per_class for name in classes})
        if not terminal.console.is_terminal:
            say(f"making {quantity(options.per_class * len(classes), 'sound')}")
        seeds.note(options.seed)
        try:
            _fill(folder, sounds, classes, model.metadata.name)
        finally:
            for path in folder.close():
                say(f"written: {from_here(path)}")
            if folder.sounds:
                say(f"{quantity(folder.files, 'sound file')}, seed {options.seed}")
        if not folder.sounds:
            raise GenerationError("no sound differs enough from what the model knows: no kit")
        if folder.lost:
            raise LostError(folder.folder, "sounds", folder.lost)


def _fill(folder: KitFolder, sounds: KitSounds, classes: list[str | None], model_name: str) -> None:
    """Make the sounds of all classes, with a bar."""
    with terminal.bar() as bar:
        task = bar.add_task("sounds of the kit", total=sounds.per_class * len(classes))
        for number, name in enumerate(classes):
            shown, found = name or model_name, 0
            for sound in sounds.of_class(name):
                raise_if_stopped()
                folder.add(shown, sound)
                found += 1
                bar.advance(task)
            bar.update(task, completed=sounds.per_class * (number + 1))
            say_figures(_told(shown, name, found, sounds))


def _told(shown: str, name: str | None, found: int, sounds: KitSounds) -> str:
    peak_db = sounds.peak_db(name)
    level = "" if peak_db is None else f", peaks at {peak_db:.1f} dBFS"
    if found == sounds.per_class:
        return f"{shown}: {quantity(found, 'sound')}{level}"
    return (
        f"{shown}: {found} of {quantity(sounds.per_class, 'sound')}{level}: others would be "
        f"copies; the model knows {quantity(sounds.known(name), 'sound')} of it, and it takes "
        f"about {sounds.enough(name, found)}"
    )


def _classes(model: LoadedModel, asked: list[str] | None) -> list[str | None]:
    """The classes of a kit, as they lie on the keys; None stands for all sounds of a model without
    classes. Raises GenerationError for a class that is not there.
    """
    prior = model.require_prior()
    names = list(prior.config.classes)
    if asked is None:
        return list(in_order(names)) or [None]
    chosen: dict[str, None] = {}
    for name in asked:
        label = label_of(name, prior)
        if label is None:
            known = f"this model knows {', '.join(names)}" if names else NO_CLASSES
            raise GenerationError(f"class {name!r}: no such class; {known}")
        chosen[names[label]] = None
    return list(in_order(list(chosen)))


def _check_keys(classes: list[str | None], options: argparse.Namespace) -> None:
    """Raise GenerationError for more pads than there are keys."""
    pads = len(classes) * options.per_class
    if pads > MOST_PADS and set(options.to) != {"folder"}:
        raise GenerationError(
            f"{quantity(pads, 'pad')}: from C1 on, there are {MOST_PADS} keys; ask for fewer with "
            "--class or --per-class, or only for the folder with --to folder"
        )
