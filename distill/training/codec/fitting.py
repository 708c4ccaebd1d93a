"""settings + training side → the codebook size that fits, before anything is trained."""

from __future__ import annotations

from distill.data.segments import FixedSegments
from distill.model import sizing
from distill.settings.schema import TrainConfig


def training_vectors(config: TrainConfig, train: FixedSegments) -> int:
    """How many latent vectors the sounds of the training side have."""
    mel, stride = config.mel, config.model.stride
    rows = -(-mel.n_mels // stride)
    return int(train.sounding_samples() / (mel.hop_length * stride) * rows)


def fitting_codebook_size(config: TrainConfig, files: int, vectors: int) -> sizing.Choice[int]:
    """The number of codes of each level, with the reason."""
    mel = config.mel
    return sizing.codebook_size(
        files,
        training_vectors=vectors,
        positions_per_s=sizing.positions_per_s(
            sample_rate_hz=mel.sample_rate_hz,
            hop_length=mel.hop_length,
            n_mels=mel.n_mels,
            stride=config.model.stride,
        ),
    )
