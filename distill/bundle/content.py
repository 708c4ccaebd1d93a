"""the checked dictionary of a bundle → its content, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distill.codec.description import LevelHealth, LossCurves, Metadata
from distill.errors import BundleError
from distill.model.config import VQVAEConfig
from distill.model.mel import SpectrogramConfig
from distill.prior.state import PriorState
from distill.system.ranges import not_empty, parts, within
from distill.system.validation import InvalidError, instance_of
from distill.vocoder.state import VocoderState

MOST = 10**6
"""Upper limit of all sizes in a configuration; those of real networks are far smaller."""
FEWEST_HZ = 1000
"""Of a sample rate: at lower ones, the shortest sounds would have no samples."""
NETWORK = parts(
    codebook_dim=within(1, MOST),
    codebook_size=within(1, MOST),
    num_quantizers=within(1, 64),
    decay=within(0, 1),
    commitment_weight=within(0, MOST),
    threshold_ema_dead_code=within(0, MOST),
    kmeans_iters=within(1, MOST),
    dropout=within(0, 0.99),
    channels=within(1, MOST),
    stride=within(1, 256),
    residual_units=within(0, 64),
    low_levels=within(0, 64),
    low_codebook_size=within(0, MOST),
    quantizer=not_empty(),
)
FRONT_END = parts(
    sample_rate_hz=within(FEWEST_HZ, MOST),
    n_fft=within(1, MOST),
    hop_length=within(1, MOST),
    n_mels=within(1, MOST),
    floor=within(0, MOST, strictly_above=True),
    mean_db=within(-MOST, MOST),
    std_db=within(0, MOST, strictly_above=True),
)


@dataclass(frozen=True)
class BundleContent:
    """The content of a bundle; the fields are the keys of its dictionary."""

    format: str
    version: int
    model_type: str
    model_state_dict: dict[str, Any]
    """Weights and codebooks by name; empty if they were not read."""
    vqvae_config: VQVAEConfig = field(metadata=NETWORK)
    spectrogram_config: SpectrogramConfig = field(metadata=FRONT_END)
    training_config: dict[str, Any]
    """The resolved configuration of the run."""
    codebook_health_snapshot: dict[str, LevelHealth]
    """`level_0`, `level_1` ..., `low_0` ... → health of the level."""
    loss_curve_history: LossCurves
    metadata: Metadata
    codec_digest: str
    checksum: str
    vocoder_state: VocoderState | None = None
    prior_state: PriorState | None = None


def typed_content(plain: Mapping[str, Any]) -> BundleContent:
    """Turn the dictionary into a BundleContent; raises BundleError for a missing key or an invalid
    value.
    """
    try:
        return instance_of(BundleContent, plain)
    except InvalidError as error:
        raise BundleError(str(error)) from None
