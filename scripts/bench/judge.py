"""A model with a prior and its folder → whether its new sounds can be told from real ones.

    python scripts/bench/judge.py MODEL FOLDER [FOLDER ...] [-n 200] [--seeds 3] [--sheet FILE]

Everything is judged by its mel as the codec decodes it, real sounds too, so that neither the codec
nor the vocoder counts. Both sides are prepared alike: level, beginning and end, 1.5 s, 45 dB.
  told     balanced accuracy with which a set is told from the real sounds: 0.5 if nobody can, 1 if
           all are told; the larger one of two ways:
           false     by a judge that learnt to find hand-made false sounds among real ones
           directly  by one that learnt this very set
  jump     the largest mean change between neighbouring 50 ms, dB, median
  begins, rise, sharp
           of the sounds by the vocoder: when a hit begins, how long it rises to 70 %, medians, and
           the share that rises within 2 ms
for the new sounds, at the default amount and at others; for opponents: new sounds that the prior
draws, real sounds moved in pitch and filtered, and held-out real sounds; and for controls, real
sounds of which it is known how well they must be told. Where a control is out of its bounds, the
judge is not to be trusted, and the output says so. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch
from judge_attack import beginnings
from judge_controls import CONTROLS
from judge_mels import DEPTH_DB, check_mels, largest_jumps
from judge_sets import Real, SoundSet
from judge_views import PARTS, Judged, Judges, Side, told_as_false, told_directly
from torch import Tensor

import distill
from distill.errors import DistillError
from distill.listen.contact_sheet import Tile, draw_contact_sheet
from distill.system.terminal import bar

HALVES = "one half of real ones against the other"
HALVINGS = 8
HALF_BOUNDS = (0.45, 0.55)
ON_SHEET = 24
AMOUNTS = (0.1, 0.6, 1.0)
DRAWN_TEMPERATURE = 0.95
"""Near 1, where the prior does not draw."""


@dataclass
class Row:
    """What is found of one set of sounds."""

    name: str
    false: float
    directly: float
    sounds: int
    jump_db: float | None = None
    bounds: tuple[float, float] | None = None
    attack: dict[str, float] = field(default_factory=dict)

    @property
    def told(self) -> float:
        """The larger accuracy."""
        return max(self.false, self.directly)

    @property
    def is_within(self) -> bool:
        """Whether it is what a control must be, to the second decimal."""
        low, high = self.bounds or (0.0, 1.0)
        return low <= round(self.told, 2) <= high

    def __str__(self) -> str:
        words = [f"{self.name}: told {self.told:.2f}"]
        words.append(f"false {self.false:.2f}, directly {self.directly:.2f}, {self.sounds} sounds")
        if self.jump_db is not None:
            words.append(f"jump {self.jump_db:.1f} dB")
        if self.attack:
            words.append(
                f"begins {self.attack['begin_ms']:.1f} ms, rise {self.attack['rise_ms']:.1f} ms, "
                f"{self.attack['sharp']:.0%} within 2 ms"
            )
        if self.bounds is not None:
            said = "as it must be" if self.is_within else "OUT OF ITS BOUNDS"
            words.append(f"{said}: {self.bounds[0]:g} to {self.bounds[1]:g}")
        return "; ".join(words)

    def figures(self) -> dict[str, object]:
        """For JSON."""
        found: dict[str, object] = {"told": self.told, "false": self.false}
        found |= {"directly": self.directly, "sounds": self.sounds, **self.attack}
        if self.jump_db is not None:
            found["jump_db"] = self.jump_db
        if self.bounds is not None:
            found |= {"bounds": self.bounds, "within": self.is_within}
        return found


class Panel:
    """The judges of both ways, and the real sounds that they compare with."""

    def __init__(self, real: Real, *, seeds: int) -> None:
        self.real = real
        with bar() as progress:
            task = progress.add_task("teaching judges", total=seeds * PARTS)
            self.judges = Judges(
                real.magnitudes(),
                real.parts,
                seeds=seeds,
                progress=lambda: progress.advance(task),
            )
        self.seen = self.judges.look_at(real.side)

    def row(self, name: str, found: SoundSet, **more: tuple[float, float]) -> Row:
        """A set against all real sounds, or, if it is of these, against the others."""
        return self._row(name, self.seen, found, self.judges.look_at(found.side), **more)

    def held_out(self) -> Row:
        """The held-out sounds against the training sounds."""
        which, waveforms = self.real.is_held_out, self.real.waveforms
        sounds = [torch.from_numpy(waveforms[n]) for n in which.nonzero()[:, 0]]
        side = Side(self.real.side.mels[which], self.real.parts[which])
        found = SoundSet(side, self.real.through_model(sounds))
        return self._row("held-out real sounds", self.seen[~which], found, self.seen[which])

    def halves(self) -> Row:
        """Real sounds against real ones: the mean of several halvings."""
        count, random = len(self.seen), torch.Generator().manual_seed(0)
        false, directly = [], []
        for _ in range(HALVINGS):
            half = torch.rand(count, generator=random).argsort() < count // 2
            false.append(told_as_false(self.seen[half], self.seen[~half]))
            directly.append(told_directly(self.seen[half], self.seen[~half]))
        return Row(HALVES, fmean(false), fmean(directly), count // 2, bounds=HALF_BOUNDS)

    def _row(
        self,
        name: str,
        real: Judged,
        found: SoundSet,
        seen: Judged,
        bounds: tuple[float, float] | None = None,
    ) -> Row:
        rate_hz = self.real.model.sample_rate_hz
        return Row(
            name,
            told_as_false(real, seen),
            told_directly(real, seen),
            len(seen),
            jump_db=float(largest_jumps(found.side.mels).median()),
            bounds=bounds,
            attack=beginnings(found.waveforms, rate_hz),
        )


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-n", "--count", type=int, default=200, help="new sounds")
    parser.add_argument("--seeds", type=int, default=3, help="judges for each part of the sounds")
    parser.add_argument("--seed", type=int, default=0, help="of the new sounds")
    parser.add_argument("--sheet", type=Path, help="a picture of some new and real sounds")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    try:
        model = distill.load(options.model)
        check_mels(model)
        real = Real(model, options.folders)
        new = real.new(options.count, options.seed)
        others = {
            amount: real.new(options.count, options.seed, amount=amount) for amount in AMOUNTS
        }
        drawn = real.new(options.count // 2, options.seed, temperature=DRAWN_TEMPERATURE)
    except DistillError as error:
        sys.exit(f"bench_judge: {error}")
    panel = Panel(real, seeds=options.seeds)
    print(describe_real(real), flush=True)
    rows = {}

    def say(key: str, row: Row) -> None:
        rows[key] = row
        print(row, flush=True)

    say("new", panel.row("new sounds", new))
    for amount, found in others.items():
        say(f"amount {amount:g}", panel.row(f"new sounds at amount {amount:g}", found))
    controls = {name: real.control(name) for name in CONTROLS}
    augmented = controls["augmented"]
    heard = real.through_model(augmented.waveforms)
    say("opponent augmented", panel.row("augmented real sounds", SoundSet(augmented.side, heard)))
    say("opponent drawn", panel.row("drawn by the prior", drawn))
    say("opponent held-out", panel.held_out())
    say("control halves", panel.halves())
    for name, control in CONTROLS.items():
        found = SoundSet(controls[name].side)
        say(f"control {name}", panel.row(name, found, bounds=(control.least, control.most)))
    wrong = [row.name for row in rows.values() if not row.is_within]
    if wrong:
        print(f"DO NOT TRUST these figures: out of bounds are {', '.join(wrong)}")
    if options.sheet:
        write_sheet(options.sheet, panel, new.side)
    said = {key: row.figures() for key, row in rows.items()}
    print(json.dumps({"model": model.metadata.model_id, "trusted": not wrong, "sets": said}))


def describe_real(real: Real) -> str:
    """Figures of the real sounds alone."""
    sounds = [torch.from_numpy(sound) for sound in real.waveforms]
    attack = beginnings(real.through_model(sounds), real.model.sample_rate_hz)
    jump = float(largest_jumps(real.side.mels).median())
    words = f"{len(real.side)} real sounds: jump {jump:.1f} dB"
    if attack:
        words += (
            f"; begins {attack['begin_ms']:.1f} ms, rise {attack['rise_ms']:.1f} ms, "
            f"{attack['sharp']:.0%} within 2 ms"
        )
    return words


def write_sheet(path: Path, panel: Panel, new: Side) -> None:
    """A picture of new sounds, those that look falsest first, and of real ones in the same order;
    above each, how false it looks to the judges.
    """
    tiles = []
    for name, side in (("new", new), ("real", panel.real.side)):
        scores = panel.judges.look_at(side).falseness
        order = scores.argsort(descending=True)
        step = max(1, math.ceil(len(order) / ON_SHEET))
        for number in order[::step].tolist():
            tiles.append(Tile(f"{name} {scores[number]:+.1f}", _heard(side.mels[number])))
    picture = draw_contact_sheet(tiles, floor=10 ** (-DEPTH_DB / 20))
    picture.save(path, format="PNG")


def _heard(mel: Tensor) -> Tensor:
    (frames,) = (mel > -DEPTH_DB).any(dim=0).nonzero(as_tuple=True)
    return mel[:, : int(frames[-1]) + 1]


if __name__ == "__main__":
    main()
