"""the sounds of a kit → a folder: one for each class, presets beside them, and `kit.json`."""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Self

from filelock import Timeout

from distill.audio.delivery import Delivery
from distill.audio.writer import write_sound
from distill.bundle.loaded import LoadedModel
from distill.errors import DistillError, WriteError
from distill.generation.ranges import FIRST_KEY
from distill.kit import decentsampler, sfz
from distill.kit.pads import Pad, Zone, choked, velocities
from distill.kit.sounds import KitSound, Take
from distill.system.atomic import write_text
from distill.system.locks import hold
from distill.system.names import RESERVED, file_part

LIST, LOCK = "kit.json", ".kit.lock"
VERSION = 1
LONGEST_NAME = 40
log = logging.getLogger(__name__)


class KitFolder:
    """A folder for a kit. It takes none in which a kit or a folder of one of its classes is."""

    def __init__(
        self,
        folder: Path,
        model: LoadedModel,
        *,
        seed: int,
        delivery: Delivery,
        presets: Sequence[str],
        layers: int,
    ) -> None:
        self.folder, self.model, self.seed, self.presets = folder, model, seed, presets
        self.stem = sampler_name(model.metadata.name)
        self._delivery, self._spans = delivery, velocities(layers)
        self._names: dict[str, str] = {}
        self._wanted: dict[str, int] = {}
        self._choked: set[str] = set()
        self._pads: list[Pad] = []
        self._facts: list[dict[str, Any]] = []
        self._held = ExitStack()
        self.lost: list[str] = []
        """Names of the presets and lists that could not be written."""

    def __enter__(self) -> Self:
        """Take the folder; raises DistillError if it is in use, and WriteError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(hold(self.folder / LOCK, timeout_s=0, keep=False))
        except Timeout:
            raise DistillError(f"{self.folder}: another kit is being written there") from None
        except OSError as error:
            raise WriteError(self.folder, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        with suppress(OSError):
            self.folder.rmdir()  # fails, as it should, if it is not empty

    def plan(self, wanted: Mapping[str, int]) -> None:
        """Choose the names of the folders of these classes, with so many sounds each. Raises
        DistillError if something of a kit is there already.
        """
        taken: set[str] = set()
        for name in wanted:
            stem = plain = sampler_name(name)
            number = 1
            while stem.lower() in taken:
                number += 1
                stem = f"{plain}-{number}"
            taken.add(stem.lower())
            self._names[name] = stem
        self._wanted, self._choked = dict(wanted), choked(list(wanted))
        for path in (*map(Path, self._names.values()), Path(LIST), *self._preset_names()):
            if (self.folder / path).exists():
                raise DistillError(
                    f"{self.folder / path}: is there already; choose another folder with -o"
                )

    def add(self, class_name: str, sound: KitSound) -> None:
        """Write a sound with its takes. Raises WriteError; what is written before is whole."""
        number = 1 + sum(pad.class_name == class_name for pad in self._pads)
        stem = self._names[class_name]
        pad = Pad(
            class_name,
            f"{stem}_{number:02d}",
            FIRST_KEY + len(self._pads),
            class_name in self._choked,
        )
        for take in sound.takes:
            path = PurePosixPath(stem) / f"{pad.name}{_suffix_of(take)}.wav"
            self._write(Path(path), take)
            low, high = self._spans[take.layer]
            pad.zones.append(Zone(path, low, high, take.robin))
        self._pads.append(pad)
        self._facts.append(self._facts_of(pad, sound))

    @property
    def sounds(self) -> int:
        """How many are written."""
        return len(self._pads)

    @property
    def files(self) -> int:
        """How many files these are."""
        return sum(len(pad.zones) for pad in self._pads)

    def close(self) -> list[Path]:
        """Write the presets and the list, and return what could be written; warn of the rest."""
        if not self._pads:
            return []
        written = []
        for name, text in self._texts().items():
            path = self.folder / name
            try:
                write_text(path, text, replace=False)
                written.append(path)
            except OSError as error:
                log.warning("%s is not written: %s", path, error.strerror or error)
                self.lost.append(name)
        return written

    def _texts(self) -> dict[str, str]:
        """The files beside the folders of classes."""
        title = f"{self.model.metadata.name}: {len(self._pads)} new sounds, seed {self.seed}"
        title = "".join(letter if letter.isprintable() else " " for letter in title)
        texts = {}
        for name in self._preset_names():
            is_sfz = name.suffix == sfz.SUFFIX
            texts[str(name)] = (
                sfz.sfz_text(self._pads, title=title)
                if is_sfz
                else decentsampler.decentsampler_text(self._pads)
            )
        return {**texts, LIST: json.dumps(self._list(), indent=1, ensure_ascii=False)}

    def _list(self) -> dict[str, Any]:
        made = [pad.class_name for pad in self._pads]
        missing = {name: count - made.count(name) for name, count in self._wanted.items()}
        return {
            "version": VERSION,
            "model": self.model.metadata.name,
            "model_id": self.model.metadata.model_id,
            "seed": self.seed,
            "sounds": self._facts,
            "missing": {name: count for name, count in missing.items() if count},
        }

    def _facts_of(self, pad: Pad, sound: KitSound) -> dict[str, Any]:
        made, rate_hz = sound.sound, self.model.sample_rate_hz
        return {
            "name": pad.name,
            "class": pad.class_name,
            "key": pad.key,
            "files": [str(zone.path) for zone in pad.zones],
            "length_s": round(len(sound.takes[0].waveform) / rate_hz, 4),
            "peak": round(float(sound.takes[0].waveform.abs().max()), 4),
            "number": made.number,
            "nearest": made.nearest,
            "distance_db": round(made.distance_db, 3),
        }

    def _write(self, path: Path, take: Take) -> None:
        rate_hz = self.model.sample_rate_hz
        waveform = self._delivery.apply(take.waveform[None], rate_hz)
        target = self.folder / path
        try:
            target.parent.mkdir(exist_ok=True)
            write_sound(
                target,
                [waveform],
                sample_rate_hz=self._delivery.rate_of(rate_hz),
                channels=1,
                samples=waveform.shape[1],
                model=f"{self.model.signature} kit seed={self.seed}",
                bits=self._delivery.bits,
                replace=False,
            )
        except FileExistsError:
            raise DistillError(f"{target}: is there already; choose another -o") from None
        except OSError as error:
            raise WriteError(target, error) from error

    def _preset_names(self) -> list[Path]:
        suffixes = {"sfz": sfz.SUFFIX, "decentsampler": decentsampler.SUFFIX}
        return [Path(self.stem + suffixes[kind]) for kind in self.presets if kind in suffixes]


def sampler_name(name: str) -> str:
    """A name → letters without accents, digits, `-` and `_`: what every sampler reads, and no
    preset takes for something else.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    part = file_part(plain, gap="-", longest=LONGEST_NAME, signs="_-", empty="sounds")
    return f"{part}-" if RESERVED.fullmatch(part) else part


def _suffix_of(take: Take) -> str:
    layer = f"_soft{take.layer}" if take.layer else ""
    return layer + (f"_rr{take.robin}" if take.robin > 1 else "")
