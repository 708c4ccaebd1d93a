"""a bundle's `prior_state` → the prior, or an error."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from distill.bundle.content import MOST, BundleContent
from distill.bundle.rebuild import LONGEST_TYPE, check_weights
from distill.errors import BundleError
from distill.model.held import are_codes
from distill.model.vqvae import ConvVQVAE
from distill.prior.conditions import UNKNOWN
from distill.prior.network import PriorNetwork
from distill.prior.prior import SOUNDS, Prior, PriorConfig, code_type
from distill.prior.state import PriorState
from distill.system.ranges import any_float, or_null, parts, within
from distill.system.validation import InvalidError, instance_of

NETWORK = parts(
    rows=within(1, MOST),
    levels=within(1, 64),
    codebook_size=within(1, MOST),
    codebook_dim=within(1, MOST),
    block_rows=within(1, 64),
    block_columns=within(1, 64),
    width=within(1, MOST),
    layers=within(1, 256),
    heads=within(1, MOST),
    depth_width=within(1, MOST),
    depth_layers=within(1, 64),
    depth_heads=within(1, MOST),
    window=within(1, 4096),
    classes=within(0, MOST),
    dropout=within(0, 0.99),
    low_levels=within(0, 64),
    low_codebook_size=within(0, MOST),
)
MOST_BITS = 1e12
SOUND = parts(
    label=within(UNKNOWN, MOST),
    samples=within(1, 1 << 40),
    level_db=within(-1000, 1000),
    peak_db=within(-1000, 1000) | or_null(),
    columns=within(1, MOST),
)


@dataclass(frozen=True)
class _State:
    config: PriorConfig = field(
        metadata=parts(
            network=NETWORK,
            sounds=SOUND,
            unigram_bits_per_s=within(0, MOST_BITS),
            bigram_bits_per_s=within(0, MOST_BITS),
            held_out_db=any_float(),
        )
    )


def rebuild_prior(content: BundleContent, codec: ConvVQVAE) -> Prior | None:
    """Make the model's prior, for the codes of its codec; None if it has none.

    Raises BundleError for a type that this version does not know, an impossible configuration, and
    weights or kept sounds that do not fit it.
    """
    state = content.prior_state
    if state is None:
        return None
    config = prior_config(state)
    _check_config(config, content)
    kept = state.state_dict.get(SOUNDS)
    weights = {name: value for name, value in state.state_dict.items() if name != SOUNDS}
    codebooks = codec.codebooks
    with torch.device("meta"):  # without memory, to check the shapes first
        network = PriorNetwork(config.network, [book.to("meta") for book in codebooks])
    expected = {name: tensor.half() for name, tensor in network.state_dict().items()}
    check_weights(weights, expected, config="prior_state.config")
    codes = _check_kept(kept, config)
    network = PriorNetwork(config.network, codebooks)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    return Prior(config, network, codes, state.training_metadata.final_bits_per_s)


def prior_config(state: PriorState) -> PriorConfig:
    """Everything in a prior but tensors; raises BundleError for a type that this version does not
    know, and values of the wrong types or out of their ranges.
    """
    if state.type != PriorNetwork.kind:
        raise BundleError(
            f"its prior is of the type {state.type[:LONGEST_TYPE]!r}, which this version of "
            "distill does not know"
        )
    try:
        return instance_of(_State, {"config": state.config}).config
    except InvalidError as error:
        raise BundleError(str(error.inside("prior_state"))) from None


def _check_config(config: PriorConfig, content: BundleContent) -> None:
    """Raise BundleError for a network that is not for the codes of this model."""
    network, codec = config.network, content.vqvae_config
    layout = codec.layout(content.spectrogram_config.n_mels)
    if network.layout != layout or network.codebook_dim != codec.vector_dim:
        raise BundleError("prior_state.config does not fit vqvae_config")
    sizes = ((network.width, network.heads, 2), (network.depth_width, network.depth_heads, 1))
    if any(width % (heads * even) for width, heads, even in sizes):
        raise BundleError("prior_state.config has a width that its heads cannot share")
    if network.classes != len(config.classes):
        raise BundleError("prior_state.config has another number of classes than names of them")
    if any(sound.label >= network.classes for sound in config.sounds):
        raise BundleError("prior_state.config has a sound of a class that is not there")


def _check_kept(kept: object, config: PriorConfig) -> Tensor:
    """The codes of the known sounds; raises BundleError for others."""
    network = config.network
    columns = sum(sound.columns for sound in config.sounds)
    shape = (network.rows, columns, network.every_level)
    kind = code_type(max(network.layout.sizes))
    if not isinstance(kept, Tensor) or kept.dtype != kind or tuple(kept.shape) != shape:
        raise BundleError("the codes of the prior's sounds do not fit prior_state.config")
    if not are_codes(kept, network.layout):
        raise BundleError("the codes of the prior's sounds are outside the codebook")
    return kept
