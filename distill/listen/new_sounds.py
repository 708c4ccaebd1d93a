"""new sounds → a folder with their files, a page to listen, a contact sheet and `generate.json`."""

from __future__ import annotations

import json
import logging
import math
import os
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Self

from filelock import Timeout
from torch import Tensor

from distill.audio.delivery import AS_MADE, Delivery, normalised
from distill.audio.riff import Loop
from distill.audio.writer import write_sound
from distill.bundle.loaded import LoadedModel
from distill.codec.codes import Codes
from distill.errors import DistillError, SoundError, WriteError
from distill.generation.finishing import fit, level_db
from distill.generation.making import NewSound
from distill.listen.call_list import VERSION, earlier_calls, facts_of, seeds_in
from distill.listen.contact_sheet import Tile, draw_contact_sheet
from distill.listen.folder import PAGE, ListeningPage, hold_folder
from distill.listen.picture import write_mels
from distill.listen.rows import Row, Take
from distill.listen.seeds import Seeds
from distill.listen.sound_words import caption, describe, loop_samples
from distill.system.atomic import write_free, write_text
from distill.system.locks import hold
from distill.system.names import file_part

LIST, SHEET = "generate.json", "generate.png"
MOST_SHEET = 400
LONGEST_NAME = 60
NOT_COMPARED = (
    "It was shared without the sounds that it was trained on, so they are compared with none"
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """The files beside the sounds; None for what could not be written, which are the `lost`."""

    sheet: Path | None = None
    page: Path | None = None
    pictured: str = "them"
    """Which of the sounds are on the sheet, in words."""
    note: str = ""
    """What the page does not show, in words."""
    lost: tuple[str, ...] = ()


class NewSounds:
    """A folder for new sounds of a model. What earlier calls and other processes leave in it stays;
    until the end of a `with` statement, no other process takes the same seed by itself.
    """

    def __init__(
        self,
        folder: Path,
        model: LoadedModel,
        *,
        seed: int | None = None,
        suffix: str = ".wav",
        delivery: Delivery = AS_MADE,
        beginning: str = "",
        settings: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        seeds: Seeds | None = None,
    ) -> None:
        """Without a seed, it is the first that `seeds` do not know, and of which no sound is in the
        folder. Names of files begin with `beginning`, or else with the class of the sound.
        `settings` are what the user asked for, plain values; null for what was left open. Raises
        WriteError, and SoundError for a delivery that such files cannot have.
        """
        delivery.check_format(suffix)
        self.folder, self.model, self._suffix, self._delivery = folder, model, suffix, delivery
        self._beginning = beginning
        self._overwrite = overwrite
        self._stem = file_part(model.metadata.name, gap="-", longest=LONGEST_NAME, empty="model")
        self._held = ExitStack()
        self._seeds = seeds
        self.seed = self._take_seed(seeds) if seed is None else seed
        asked = {key: value for key, value in (settings or {}).items() if value is not None}
        self.settings = {"seed": self.seed, **asked}
        self._done: list[tuple[Path, NewSound]] = []
        self._lost: list[str] = []
        self._nearest: dict[str, Tensor] = {}
        """Training sounds (T,) as the model decodes them, by their names."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        if not self._done:
            with suppress(OSError):
                self.folder.rmdir()  # fails, as it should, if it is not empty

    def path(self, number: int, class_name: str) -> Path:
        """Where the sound with this number, of a class or of none, goes."""
        first = file_part(self._beginning or class_name, gap="-", longest=LONGEST_NAME, empty="")
        bpm = self.settings.get("bpm")
        stem = f"{self._stem}_{self.seed}_{number:03d}" + (f"_{bpm:g}bpm" if bpm else "")
        return self.folder / f"{first}{'_' if first else ''}{stem}{self._suffix}"

    def add(self, sound: NewSound) -> tuple[Path, NewSound]:
        """Write a sound, and return its path and the sound as it is written, but for the rate.
        Raises WriteError, or SoundError, also if such a file is there and not to be replaced.
        """
        path = self.path(sound.number, sound.class_name)
        if self._seeds and not self._done:
            self._seeds.note(self.seed)
        if self._delivery.normalise:
            louder = normalised(sound.waveform)
            sound = replace(sound, waveform=louder, level_db=level_db(louder))
        rate_hz = self._delivery.rate_of(self.model.sample_rate_hz)
        waveform = self._delivery.apply(
            sound.waveform[None], self.model.sample_rate_hz, is_loop=sound.is_loop
        )
        self._make_folder()
        self._done.append((path, sound))  # first, so that a stop just after the writing loses none
        try:
            write_sound(
                path,
                [waveform],
                sample_rate_hz=rate_hz,
                channels=1,
                samples=loop_samples(sound, rate_hz) or waveform.shape[1],
                model=self._tag(sound.number),
                bits=self._delivery.bits,
                loop=Loop(sound.bpm, sound.beats) if sound.is_loop else None,
                replace=self._overwrite,
            )
        except FileExistsError:
            self._done.pop()
            raise _taken(path) from None
        except BaseException:
            if self._overwrite or not path.exists():
                self._done.pop()
            raise
        return path, sound

    def check_free(self, classes: Mapping[int, str]) -> None:
        """Raise SoundError if there is a sound where one of these numbers and classes is to go."""
        for number, name in classes.items():
            if not self._overwrite and (path := self.path(number, name)).exists():
                raise _taken(path)

    def close(self) -> Written:
        """Write list, contact sheet and page; what cannot be written is warned of, and named."""
        if not self._done:
            return Written()
        self._unless_it_fails(self._write_list, self.folder / LIST)
        page = ListeningPage(self.folder)
        return Written(
            sheet=self._unless_it_fails(self._write_sheet, self.folder / SHEET),
            page=self._unless_it_fails(lambda: self._write_page(page), self.folder / PAGE),
            pictured=f"the first {MOST_SHEET} of them" if len(self._done) > MOST_SHEET else "them",
            note=page.note,
            lost=tuple(self._lost),
        )

    def _tag(self, number: int) -> str:
        return f"{self.model.signature} {self._settings_text()} number={number}"

    def _settings_text(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.settings.items())

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WriteError(self.folder, error) from error

    def _take_seed(self, seeds: Seeds | None) -> int:
        """The first that no sound has, and that no other process has taken for those it makes."""
        self._make_folder()
        try:
            used = self._used_seeds() | (seeds.asked() if seeds else set())
            for seed in (number for number in count() if number not in used):
                lock = self.folder / f".{self._stem}_{seed}.lock"
                with suppress(Timeout):
                    self._held.enter_context(hold(lock, timeout_s=0, keep=False))
                    used |= self._used_seeds()  # with those of processes that have just ended
                    if seed not in used:
                        return seed
                    self._held.close()
        except OSError as error:
            raise WriteError(self.folder, error) from error
        raise AssertionError("there is always another number")

    def _used_seeds(self) -> set[int]:
        names = set(os.listdir(self.folder))
        sound = re.compile(rf"(?:.*_)?{re.escape(self._stem)}_(\d{{1,19}})_\d+[._]")
        found = (int(match[1]) for match in map(sound.match, names) if match)
        return seeds_in(self.folder / LIST, self.model.metadata.model_id, names) | set(found)

    def _write_list(self) -> Path:
        with hold_folder(self.folder):
            return self._extend_list(self.folder / LIST)

    def _extend_list(self, path: Path) -> Path:
        earlier = earlier_calls(path)
        call = {
            "call": 1 + len(earlier),
            "model": self.model.metadata.name,
            "model_id": self.model.metadata.model_id,
            "vocoder": self.model.vocoder.name,
            "settings": self.settings,
            "sounds": [facts_of(file.name, sound) for file, sound in self._done],
        }
        value = {"version": VERSION, "calls": [*earlier, call]}
        write_text(path, json.dumps(value, indent=1, ensure_ascii=False))
        return path

    def _write_sheet(self) -> Path:
        names = (SHEET if n == 1 else SHEET.replace(".", f"-{n}.") for n in count(1))
        tiles = [Tile(caption(sound), sound.mel) for _, sound in self._done[:MOST_SHEET]]
        sheet = draw_contact_sheet(tiles, floor=self.model.codec.spectrogram.config.floor)
        return write_free(
            (self.folder / name for name in names), lambda path: sheet.save(path, format="PNG")
        )

    def _write_page(self, page: ListeningPage) -> Path | None:
        page.make_files_folder()
        for path, sound in self._done:
            if page.takes(path.name, {}):
                page.add(self._row(page, path, sound))
        usual_db = self.model.prior.config.held_out_db if self.model.prior else math.inf
        if self.model.prior and not self.model.prior.config.sounds:
            return page.write([f"New sounds by the model. {NOT_COMPARED}."])
        return page.write(
            [
                "New sounds by the model, and beside each the training sound that is most "
                "like it, as the model decodes it.",
                f"Sounds that were held out from the training are {usual_db:.1f} dB from the "
                "nearest training sound, in the median.",
            ]
        )

    def _row(self, page: ListeningPage, path: Path, sound: NewSound) -> Row:
        model, samples = self.model, len(sound.waveform)
        takes, waveforms = [Take("new", path.name)], [sound.waveform]
        if sound.nearest_codes is not None:
            nearest = fit(self._decoded(sound.nearest, sound.nearest_codes), samples)
            takes.append(Take("nearest", page.name(path.name, "nearest", ".wav")))
            waveforms.append(nearest)
            write_sound(
                self.folder / takes[1].path,
                [nearest[None]],
                sample_rate_hz=model.sample_rate_hz,
                channels=1,
                samples=samples,
                model=model.signature,
            )
        spectrogram = model.codec.spectrogram
        mels = [
            spectrogram.decibels(spectrogram.magnitude(each[None, None].to(model.codec.device)))[
                0, 0
            ]
            for each in waveforms
        ]
        picture = page.name(path.name, "mels", ".png")
        write_mels(self.folder / picture, *(m.cpu() for m in mels), floor=spectrogram.config.floor)
        return Row(
            name=path.name,
            takes=tuple(takes),
            seconds=samples / model.sample_rate_hz,
            file=path.name,
            model=model.metadata.name,
            note=f"{describe(sound)}; {', '.join(f'{k} {v}' for k, v in self.settings.items())}",
            picture=picture,
        )

    def _unless_it_fails(self, write: Callable[[], Path | None], path: Path) -> Path | None:
        try:
            return write()
        except (OSError, DistillError) as error:
            log.warning("%s is not written: %s", path, getattr(error, "strerror", None) or error)
            self._lost.append(path.name)
            return None

    def _decoded(self, name: str, codes: Codes) -> Tensor:
        """A training sound, or its beginning; decoded once, if that is long enough."""
        if len(self._nearest.get(name, ())) < codes.samples:
            self._nearest[name] = self.model.decode(codes)[0].cpu()
        return self._nearest[name]


def _taken(path: Path) -> SoundError:
    return SoundError(f"{path}: already exists; add --overwrite, or choose another --seed or -o")
