"""the model that a run trains again → the weights that its stages begin with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from distill.bundle.content import BundleContent
from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_network, rebuild_vocoder
from distill.bundle.rebuild_prior import rebuild_prior
from distill.errors import BundleError
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.prior import Prior
from distill.runs.folder import BASE
from distill.settings.schema import TrainConfig
from distill.vocoder.kinds import VocoderNetwork

OF_CLASSES, FREQUENCY = "label.weight", "frequency"
"""Weights of a prior: one with a row for each class and one for none, and how frequent each code
is, which the codes of a codec that was trained again say best.
"""


def has_base(config: TrainConfig, run_dir: Path) -> bool:
    """Whether the run trains a model again, of which its folder has a copy."""
    return config.base is not None and (run_dir / BASE).is_file()


def base_of(config: TrainConfig, run_dir: Path) -> BundleContent | None:
    """The model that the run trains again; None for other runs. Raises BundleError."""
    return read_bundle(run_dir / BASE) if has_base(config, run_dir) else None


def base_vocoder(content: BundleContent) -> VocoderNetwork | None:
    """The network of its own vocoder; None if it has none that this version of distill knows."""
    try:
        return rebuild_vocoder(content)
    except BundleError:
        return None


def base_prior(content: BundleContent) -> Prior | None:
    """The same of its prior."""
    try:
        return rebuild_prior(content, rebuild_network(content))
    except BundleError:
        return None


def start_from(network: nn.Module, *, weights: Mapping[str, Tensor]) -> None:
    """Give a network these weights, in place."""
    network.load_state_dict(weights)


@torch.no_grad()
def start_from_prior(network: PriorNetwork, *, classes: tuple[str, ...], base: Prior) -> None:
    """Give a prior the weights of another one, in place, where their shapes fit, but for how
    frequent each code is; those of a class go to the class of the same name.
    """
    own, given = network.state_dict(), base.network.state_dict()
    apart = (OF_CLASSES, FREQUENCY)
    for name, weight in given.items():
        if name in own and own[name].shape == weight.shape and name not in apart:
            own[name].copy_(weight)
    labels, known = own[OF_CLASSES], given[OF_CLASSES]
    if labels.shape[1:] == known.shape[1:]:
        labels[-1] = known[-1]
        for number, name in enumerate(classes):
            if (before := base.label(name)) is not None:
                labels[number] = known[before]


def fits_prior(network: PriorNetworkConfig, base: PriorNetworkConfig) -> bool:
    """Whether a prior is as wide and as deep as another one."""
    sizes = ("width", "layers", "depth_width", "depth_layers")
    return all(getattr(network, size) == getattr(base, size) for size in sizes)
