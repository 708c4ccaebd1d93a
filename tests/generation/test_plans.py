"""How new sounds are to be made: which known ones they come from, and what the prior draws."""

from __future__ import annotations

from collections import Counter

import numpy as np

from distill.bundle.loaded import LoadedModel
from distill.generation.known import KnownSounds
from distill.generation.making import ATTEMPTS
from distill.generation.plans import Plan, Planner
from distill.generation.request import Request


def test_sounds_are_coded_as_they_are_made_unless_a_temperature_is_asked_for(
    drummer: LoadedModel, unlearnt: LoadedModel
) -> None:
    pulls = {}
    for name, model, request in (
        ("usual", drummer, Request()),
        ("of little", unlearnt, Request(amount=0.6)),
        ("near", drummer, Request(amount=0.5)),
        ("far", drummer, Request(amount=0.65, temperature=0.5)),
        ("farthest", drummer, Request(amount=1.0)),
        ("wild", drummer, Request(temperature=1.5)),
    ):
        plan = plan_of(model, request)
        assert (plan.codes is None) == (name in ("far", "wild")), name
        assert plan.draw.label in (0, 1)
        pulls[name] = plan.draw.pull
    assert plan_of(unlearnt, Request(amount=1.0, temperature=2.0)).codes is not None
    assert pulls["wild"] == pulls["usual"] > pulls["near"] > pulls["far"] > pulls["farthest"] > 0


def test_after_each_attempt_a_sound_is_further_from_known_ones(drummer: LoadedModel) -> None:
    pulls = [plan_of(drummer, Request(), attempt).draw.pull for attempt in range(ATTEMPTS)]
    assert pulls == sorted(pulls, reverse=True)
    assert len(set(pulls)) == ATTEMPTS


def test_any_number_of_new_sounds_is_spread_over_the_known_ones(drummer: LoadedModel) -> None:
    """Drawn at random, some known sounds come three times before others come once."""
    assert drummer.prior is not None
    known = KnownSounds(drummer.codec, drummer.prior)
    planner = Planner(drummer.codec, known, Request(class_name="kick"), total=1)
    count = len(drummer.prior.sounds_of(planner.label))
    random = np.random.default_rng(0)
    chosen = Counter(planner.choose(number, 0, random) for number in range(1, 4 * count + 1))
    assert len(chosen) == count
    assert max(chosen.values()) <= 6


def plan_of(model: LoadedModel, request: Request, attempt: int = 0) -> Plan:
    assert model.prior is not None
    known = KnownSounds(model.codec, model.prior)
    return Planner(model.codec, known, request, total=1).plan(1, attempt)
