"""collections of made-up sounds as codes → the starter weights in `distill/prior/starter.pt`.

    python scripts/starter/train_prior.py CODED --minutes 50

CODED is what collections_of_codes.py writes; collections that come while this runs are used, too.
Each step has another collection, with codebooks that are turned a little, so that the network
learns what vectors say and no codebook by heart. The first three collections are held out: what
their codes cost, over what their frequencies alone would, is printed now and then. The weights in
the package come from 50 minutes on one core, 3,720 steps on 24 collections: 0.80 of these bits,
which still fell a little.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from collections_of_codes import Collection, read
from torch import Tensor, nn

from distill.model.config import VQVAEConfig
from distill.prior.conditions import UNKNOWN
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.starter import FILE, starter_fields
from distill.training.prior.baseline import measure_baseline
from distill.training.prior.sizes import choose_size, network_config
from distill.training.prior.stretches import Stretch, collate, leave_out

LR, LAST_LR, WARMUP_STEPS, WEIGHT_DECAY, DROPOUT = 0.0015, 0.00003, 100, 0.05, 0.05
BETAS = (0.9, 0.95)
HELD_OUT, ASKED = 3, 24
"""Collections, and sounds of each."""
TURNED = 0.12
"""How far the vectors of codebooks are moved, by a random matrix, over their size."""
CODES = 500_000
"""In a collection for whose size the network is made; see choose_size."""


class Coded:
    """A collection by one of its codecs."""

    def __init__(self, collection: Collection, codec: int) -> None:
        self.books = collection.books[codec]
        self.sounds, self.levels_db = collection.codes[codec], collection.levels_db
        layout = config_of(self).layout
        first = [versions[0].long() for versions in self.sounds]
        self.baseline = measure_baseline(first, first[:ASKED], layout)

    def stretch(self, index: int, rng: np.random.Generator, *, window: int) -> Stretch:
        """A part of a sound that the network can see at once, in one of its versions."""
        versions = self.sounds[index]
        codes = versions[int(rng.integers(len(versions)))]
        columns, first = codes.shape[1], 0
        if columns > window:
            first = int(rng.integers(-window // 2, columns - window // 2))
            first = min(max(0, first), columns - window)
            first -= first % 2
        part = codes[:, first : first + window]
        return Stretch(part, first, columns, UNKNOWN, self.levels_db[index])


def config_of(coded: Coded) -> PriorNetworkConfig:
    """The sizes of the network for these codebooks."""
    size, low = len(coded.books[0]), len(coded.books[-1])
    codec = VQVAEConfig(
        128, size, 3, 0.9, 0.25, 0.2, 10, 0.0, 128, 8, 4, low_levels=4, low_codebook_size=low
    )
    return network_config(choose_size(CODES), codec, rows=16, classes=0)


def network_of(coded: Coded) -> PriorNetwork:
    """A network for a collection, with random weights."""
    return PriorNetwork(config_of(coded), coded.books)


def costs(network: PriorNetwork, stretches: Sequence[Stretch], *, complete: bool) -> Tensor:
    """The nats of each code of some stretches (n,)."""
    codes, conditions, valid = collate(stretches, network.config, torch.device("cpu"))
    logits = network(codes, conditions if complete else leave_out(conditions), valid)
    real = network.code_mask(valid)
    blocks = network.blocks(codes)[network.block_mask(valid)]
    sizes, found = network.config.layout.sizes, []
    for level, size in enumerate(sizes):
        mine = slice(level, None, len(sizes))
        there = real[:, mine]
        wanted = blocks[:, mine][there]
        found.append(
            nn.functional.cross_entropy(logits[:, mine, :size][there], wanted, reduction="none")
        )
    return torch.cat(found)


def turned(books: Sequence[Tensor]) -> list[Tensor]:
    """Codebooks whose vectors are moved, all by the same random matrix."""
    dim = books[0].shape[1]
    moved = TURNED * torch.randn(dim, dim) / math.sqrt(dim)
    return [book + book @ moved for book in books]


@torch.no_grad()
def held_out_share(weights: PriorNetwork, held_out: Sequence[Coded]) -> float:
    """What held-out codes cost over what their frequencies alone would, the mean."""
    shares = []
    for coded in held_out:
        network = fitted(weights, coded, coded.books).eval()
        rng = np.random.default_rng(0)
        bits = frequencies = 0.0
        for index in range(min(ASKED, len(coded.sounds))):
            stretch = coded.stretch(index, rng, window=48)
            bits += float(costs(network, [stretch], complete=True).sum()) / math.log(2)
            frequencies += _by_frequency(stretch.codes.long(), coded)
        shares.append(bits / frequencies)
    return float(np.mean(shares))


def _by_frequency(codes: Tensor, coded: Coded) -> float:
    """Bits of codes (H, W, L) by how frequent each is."""
    table = coded.baseline.frequency[:, None].expand(-1, codes.shape[1], -1, -1)
    logs = table.gather(3, codes.clamp(min=0)[..., None])[..., 0]
    return -float(logs[codes >= 0].sum()) / math.log(2)


def fitted(weights: PriorNetwork, coded: Coded, books: Sequence[Tensor]) -> PriorNetwork:
    """A network for this collection that shares the weights that belong to none."""
    network = PriorNetwork(config_of(coded), books)
    for name, module in weights.named_children():
        setattr(network, name, module)
    for name in ("nothing_before", "nothing_left", "no_level"):
        setattr(network, name, getattr(weights, name))
    with torch.no_grad():
        network.frequency[: len(coded.baseline.frequency)] = coded.baseline.frequency
    network.frequency.requires_grad_(False)
    return network.train(weights.training)


def load(folder: Path, known: dict[Path, list[Coded]]) -> list[list[Coded]]:
    """The collections of a folder, in their order; new ones are read."""
    for path in sorted(folder.glob("*.pt")):
        if path not in known:
            collection = read(path)
            known[path] = [Coded(collection, codec) for codec in range(len(collection.books))]
    return [known[path] for path in sorted(known)]


def main() -> None:
    """Train for some minutes, print how it goes, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("coded", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every-s", type=float, default=300.0)
    parser.add_argument("--out", type=Path, default=Path("distill/prior") / FILE)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    rng, known = np.random.default_rng(0), dict[Path, list[Coded]]()
    collections = load(arguments.coded, known)
    held_out = [codecs[0] for codecs in collections[:HELD_OUT]]
    weights = network_of(held_out[0])
    matrices = [each for each in weights.parameters() if each.ndim > 1]
    others = [each for each in weights.parameters() if each.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=BETAS)
    for layer in weights.modules():
        if isinstance(layer, nn.Dropout) and layer.p:
            layer.p = DROPOUT
    window = weights.config.window * weights.config.block_columns
    begun = told = time.monotonic()
    step, progress, losses = 0, 0.0, list[float]()
    while progress < 1:
        progress = (time.monotonic() - begun) / (60 * arguments.minutes)
        rate = LAST_LR + (LR - LAST_LR) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARMUP_STEPS)
        codecs = collections[HELD_OUT + int(rng.integers(len(collections) - HELD_OUT))]
        coded = codecs[int(rng.integers(len(codecs)))]
        network = fitted(weights, coded, turned(coded.books))
        count = min(arguments.batch_size, len(coded.sounds))
        chosen = rng.choice(len(coded.sounds), count, replace=False)
        stretches = [coded.stretch(int(index), rng, window=window) for index in chosen]
        loss = costs(network, stretches, complete=False).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        step += 1
        if time.monotonic() - told > arguments.every_s or progress >= 1:
            collections = load(arguments.coded, known)
            weights.eval()
            share = held_out_share(weights, held_out)
            weights.train()
            told = time.monotonic()
            mean = float(np.mean(losses[-200:]))
            print(
                f"{told - begun:5.0f} s  step {step:6,}  collections {len(collections)}  "
                f"loss {mean:.3f}  held out {share:.3f} of the frequencies' bits",
                flush=True,
            )
            torch.save(starter_fields(weights), arguments.out)
    print(f"wrote {arguments.out}, {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
