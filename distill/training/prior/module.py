"""batches of draws → a trained prior, and the bits that it needs for held-out codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from distill.codec.codec import Codec
from distill.data.segments import Draw
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.settings.schema import AugmentConfig, OptimizerConfig
from distill.training.prior.stretches import Stretch, Stretches, collate, leave_out
from distill.training.stage_module import StageModule
from distill.training.steps.schedule import StageLimits

BETAS = (0.9, 0.95)
MEASURED_AT_ONCE = 16
LABEL_SMOOTHING = 0.05
"""Share of each step that says: any code may come. Otherwise a few sounds are soon known by heart.
"""


class PriorModule(StageModule):
    """Trains a PriorNetwork on the codes of one side."""

    stage = "prior"
    end_steps, closing_steps = 1.0, 6.0
    model: PriorNetwork
    terms = ("loss",)

    def __init__(
        self,
        network: PriorNetworkConfig,
        codec: Codec,
        stretches: Stretches,
        held_out: Sequence[tuple[Stretch, int]],
        *,
        frequency: Tensor,
        held_out_s: float,
        augment: AugmentConfig,
        limits: StageLimits,
        optimizer: OptimizerConfig,
        weight_decay: float,
        seed: int,
        start: Callable[[PriorNetwork], None] | None = None,
    ) -> None:
        """`frequency` are the logarithms of a unigram (H, L, K), which the training begins with;
        `held_out_s` is how long the sounds are that the held-out codes are of; `start` gives the
        network the weights that it begins with.
        """
        super().__init__(limits=limits, optimizer=optimizer, seed=seed)
        self.network_config, self.start = network, start
        self.stretches, self.held_out = stretches, held_out
        self.held_out_s, self.augment, self.weight_decay = held_out_s, augment, weight_decay
        self._apart = (codec, frequency)  # in a tuple, so that checkpoints do not hold them
        self._nats = torch.zeros(2, dtype=torch.float64)

    @property
    def codec(self) -> Codec:
        """The codec, on this module's device."""
        return self._apart[0].to(self.device)

    @property
    def identity(self) -> object:
        """Digest of the codec, and the network's configuration."""
        return self.codec.digest, self.network_config

    def build(self) -> PriorNetwork:
        """The network; before its first step, it knows how frequent each code is."""
        codec, frequency = self._apart
        network = PriorNetwork(self.network_config, codec.network.codebooks)
        with torch.no_grad():
            network.frequency[: len(frequency)] = frequency
        if self.start is not None:
            self.start(network)
        return network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW: Muon, tried for a minute, needed 10 % more bits."""
        lr = self.optimizer_config.lr
        assert lr is not None
        matrices = [each for each in self.model.parameters() if each.ndim > 1]
        others = [each for each in self.model.parameters() if each.ndim < 2]
        return torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=lr,
            betas=BETAS,
        )

    def transfer_batch_to_device(self, batch: Any, device: torch.device, index: int) -> Any:
        """Batches are numbers; their codes are moved when they are there."""
        return batch

    def losses(self, batch: Sequence[Draw]) -> tuple[dict[str, Tensor], int]:
        """Draws → the mean loss of a code, and how many sounds they are."""
        align = self.network_config.block_columns
        drawn = [self.stretches.draw(draw, self.augment, align=align) for draw in batch]
        nats, counted = self._nats_of(drawn, smoothing=LABEL_SMOOTHING, complete=False)
        return {"loss": nats.sum() / counted.sum()}, len(drawn)

    def add_held_out(self, batch: Sequence[int]) -> None:
        """Numbers of held-out stretches: add what their codes cost."""
        if not len(batch):
            return
        chosen = [self.held_out[number] for number in batch]
        nats, counted = self._nats_of([stretch for stretch, _ in chosen], complete=True)
        columns = torch.arange(nats.shape[1], device=nats.device)
        known = torch.tensor([known for _, known in chosen], device=nats.device)
        new = (columns >= known[:, None]) & (counted > 0)
        sums = torch.stack([nats.where(new, 0.0).sum(), counted.where(new, 0).sum()])
        self._nats = self._nats.to(sums.device) + sums.double()

    def _nats_of(
        self, stretches: Sequence[Stretch], *, complete: bool, smoothing: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Stretches → what the codes of each column cost (B, W'), and how many they are; columns
        that hold none cost nothing. Conditions are left out now and then, unless `complete`.
        """
        config = self.network_config
        codes, conditions, valid = collate(stretches, config, self.device)
        if not complete:
            conditions = leave_out(conditions)
        logits = self.model(codes, conditions, valid)
        used, real = self.model.block_mask(valid), self.model.code_mask(valid)
        blocks = self.model.blocks(codes)[used]
        with torch.autocast(self.device.type, enabled=False):
            nats = _nats(logits.float(), blocks, real, config.layout.sizes, smoothing)
        by_cell = (config.block_columns, config.block_rows * config.every_level)
        shape = (*used.shape, *by_cell)
        costs = torch.zeros(shape, device=nats.device)
        costs[used] = nats.unflatten(1, by_cell)
        number = torch.zeros(shape, device=nats.device)
        number[used] = real.float().unflatten(1, by_cell)
        return _by_column(costs, config), _by_column(number, config)

    def close_held_out(self) -> dict[str, float]:
        """Return the mean loss of a held-out code, and bits for each second of sound."""
        nats, codes = self.over_ranks(self._nats).tolist()
        self._nats = torch.zeros(2, dtype=torch.float64)
        if not codes:
            return {}
        bits = nats / math.log(2)
        return {"val/loss": nats / codes, "val/bits_per_s": bits / self.held_out_s}

    @torch.inference_mode()
    def measure(self) -> float:
        """Bits for each second of held-out sound, by the weights as they are, in this process."""
        self.eval()
        numbers = range(len(self.held_out))
        for first in numbers[::MEASURED_AT_ONCE]:
            self.add_held_out(numbers[first : first + MEASURED_AT_ONCE])
        nats, _ = self._nats.tolist()
        self._nats = torch.zeros(2, dtype=torch.float64)
        return float(nats) / math.log(2) / self.held_out_s

    def bundle_fields(self) -> dict[str, Any]:
        """What a checkpoint says of the codec that it belongs to."""
        return {"codec_digest": self.codec.digest}


def _nats(
    logits: Tensor, blocks: Tensor, real: Tensor, sizes: Sequence[int], smoothing: float
) -> Tensor:
    """Logits (N, S, K) of blocks (N, S), of which some codes are real (N, S), for levels with these
    numbers of codes → what each code costs (N, S); 0 where there is none.
    """
    nats = torch.zeros(blocks.shape, device=logits.device)
    for level, size in enumerate(sizes):
        mine = slice(level, None, len(sizes))
        there = real[:, mine]
        nats[:, mine][there] = nn.functional.cross_entropy(
            logits[:, mine, :size][there],
            blocks[:, mine][there],
            reduction="none",
            label_smoothing=smoothing,
        )
    return nats


def _by_column(values: Tensor, config: PriorNetworkConfig) -> Tensor:
    """Values of cells (B, P, columns of a block, ...) → their sums by column of cells (B, W')."""
    grid = values.sum(dim=-1).unflatten(1, (-1, config.positions)).sum(dim=2)
    result: Tensor = grid.flatten(1)
    return result
