"""what is known of sounds → codes (H, W, L) of new ones, drawn block by block from a prior.

The same seed gives the same sound, alone or with others: groups always have the same size, for
products of matrices can differ in the last digit with the number of rows, and a sound keeps its
place in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from distill.model.layout import NO_CODE
from distill.prior.conditions import Conditions
from distill.prior.network import PriorNetwork

GROUP = 16
"""Sounds that are drawn together."""


@dataclass(frozen=True)
class Draw:
    """How one new sound is drawn."""

    seed: int
    columns: int
    """W, its latent columns."""
    label: int
    """Number of its class, or UNKNOWN."""
    level_db: float
    """NaN where it does not matter."""
    temperature: float = 1.0
    beginning: Tensor | None = None
    """Codes (H, w, L) that it begins with."""
    target: Tensor | None = None
    """Vectors (H, W, D) that its own are drawn to, those of the codec's codebooks."""
    pull: float = 0.0
    """How strongly: of two codes of which one is nearer by the mean squared distance between two
    codes of a level, it is more likely by a factor of e to this power.
    """


@torch.inference_mode()
def draw(
    network: PriorNetwork,
    draws: Mapping[int, Draw],
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[int, Tensor]:
    """Places in a group, 0 to 15, and how a sound is drawn there → its codes (H, W, L) int64.

    `progress` is called with shares of the work that are done, 1 in all.
    """
    group = _Group(network, draws)
    for column in range(group.columns):
        for row in range(network.config.positions):
            group.draw_block(column * network.config.positions + row)
        progress(1 / group.columns)
    codes = network.codes(group.blocks)
    return {place: codes[place, :, : each.columns] for place, each in draws.items()}


class _Group:
    """Sounds that are drawn together; what is drawn at places that no sound has is thrown away."""

    def __init__(self, network: PriorNetwork, draws: Mapping[int, Draw]) -> None:
        config = network.config
        self.network, self.device = network, network.scale.device
        some = next(iter(draws.values()))
        sounds = [draws.get(place, some) for place in range(GROUP)]
        self.columns = max(-(-each.columns // config.block_columns) for each in draws.values())
        count = self.columns * config.positions
        shape = (count, config.block_codes)
        held = torch.tensor(network.config.held, device=self.device).repeat(self.columns, 1)
        self.blocks = torch.where(held, 0, NO_CODE).repeat(GROUP, 1, 1)
        self.conditions = Conditions(
            first=self._whole([0] * GROUP),
            columns=self._whole([-(-each.columns // config.block_columns) for each in sounds]),
            label=self._whole([each.label for each in sounds]),
            level_db=torch.tensor([each.level_db for each in sounds], device=self.device),
        )
        self.chances = torch.stack([_chances(each.seed, shape) for each in sounds])
        temperatures = [each.temperature for each in sounds]
        self.temperature = torch.tensor(temperatures, device=self.device)[:, None]
        self.given = torch.full((GROUP, *shape), -1, dtype=torch.int64, device=self.device)
        for place, each in draws.items():
            if each.beginning is not None:
                self._give(place, each.beginning.to(self.device).long())
        self.pull = torch.tensor([each.pull for each in sounds], device=self.device)
        self.targets = self._targets(draws)
        books = network.codebooks
        self._apart = torch.stack([2 * book.var(dim=0).sum() for book in books])
        self._seen, self._keys = network.remember_nothing(), network.keys()

    def draw_block(self, place: int) -> None:
        """Draw the codes of one position of all sounds."""
        network, positions = self.network, self.network.config.positions
        here = torch.tensor([place], device=self.device)
        before, left = self._cells(place - 1), self._cells(place - positions)
        x = network.trunk_input(before, left, here, self.conditions)
        turns = network.turns(here)
        for layer, seen in zip(network.trunk, self._seen, strict=True):
            x = layer(x, turns, seen)
        context = network.context(x, before, left, here)[:, 0]
        row, remembered = place % positions, network.begin_block()
        told: Tensor | None = None
        for number, has_code in enumerate(network.config.held[row]):
            if not has_code:
                continue
            place_in = {"row": row, "place": number}
            logits = network.next_logits(context, told, remembered, self._keys, **place_in)
            logits = logits / self.temperature
            if self.targets is not None:
                logits = logits + self._nearness(place, number)
            self._draw_code(place, number, logits)
            told = self.blocks[:, place, number]

    def _draw_code(self, place: int, number: int, logits: Tensor) -> None:
        """One random number in [0, 1) decides, by the sum of the likelihoods of codes before."""
        likelihoods = logits.double().softmax(dim=1).cumsum(dim=1).cpu()
        chance = self.chances[:, place, number, None] * likelihoods[:, -1:]
        code = torch.searchsorted(likelihoods, chance, right=True)[:, 0]
        code = code.clamp(max=likelihoods.shape[1] - 1).to(self.device)
        given = self.given[:, place, number]
        self.blocks[:, place, number] = torch.where(given >= 0, given, code)

    def _nearness(self, place: int, number: int) -> Tensor:
        """What is added to the logits (B, K) of one code, for sounds that are drawn to a target."""
        assert self.targets is not None
        cell, level = divmod(number, self.network.config.every_level)
        drawn = self.network.vectors(self.blocks[:, place])[:, cell, :level].sum(dim=1)
        missing = self.targets[:, place, cell] - drawn
        book = self.network.codebooks[level]
        distance = torch.cdist(missing[:, None], book[None].expand(len(missing), -1, -1))[:, 0]
        return -self.pull[:, None] * distance.square() / self._apart[level]

    def _cells(self, place: int) -> Tensor:
        """The cells (B, 1, cells, D) of a position; zeros before the first one."""
        vectors = self.network.vectors(self.blocks[:, max(0, place), None]).sum(dim=3)
        return vectors if place >= 0 else torch.zeros_like(vectors)

    def _give(self, place: int, beginning: Tensor) -> None:
        """Keep a sound's beginning (H, w, L) as it is; of its last block, only what is there."""
        network = self.network
        blocks = network.blocks(beginning[None])[0]
        width = beginning.shape[1]
        real = network.blocks(torch.ones_like(beginning[None]))[0].bool()
        count = min(len(blocks), len(self.given[place]))
        self.given[place, :count] = blocks.where(real, torch.tensor(-1))[:count]
        assert width <= self.columns * network.config.block_columns

    def _targets(self, draws: Mapping[int, Draw]) -> Tensor | None:
        """The vectors (B, P, cells, D) that sounds are drawn to; None if none is."""
        if not any(each.target is not None for each in draws.values()):
            return None
        config = self.network.config
        cells = config.block_rows * config.block_columns
        shape = (GROUP, self.blocks.shape[1], cells, config.codebook_dim)
        targets = torch.zeros(shape, device=self.device)
        for place, each in draws.items():
            if each.target is not None:
                vectors = self.network.block_vectors(each.target.to(self.device))
                targets[place, : len(vectors)] = vectors
        return targets

    def _whole(self, values: list[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self.device)


def _chances(seed: int, shape: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)
