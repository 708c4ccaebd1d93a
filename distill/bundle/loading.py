"""a `.distillgan` file → a model ready to encode and decode, rebuilt from the file alone."""

from __future__ import annotations

from pathlib import Path

import torch

from distill.bundle.content import BundleContent
from distill.bundle.reader import read_bundle
from distill.bundle.rebuild import rebuild_front_end, rebuild_network, rebuild_vocoder
from distill.bundle.rebuild_prior import rebuild_prior
from distill.codec.loaded import LoadedModel
from distill.errors import BundleError
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE
from distill.prior.prior import Prior
from distill.vocoder.kinds import VocoderNetwork, vocoder_of
from distill.vocoder.vocoder import default_vocoder


def load_bundle(
    path: str | Path, *, device: str | torch.device = "cpu", own_vocoder: bool = True
) -> LoadedModel:
    """Rebuild a model in eval mode from the file alone. Without `own_vocoder`, its sound is made by
    the default one even if it has its own.

    Raises BundleError, with a different message for each case: an old `.distill` file, another or a
    newer format, a truncated, altered or hostile file, weights of the wrong shape, a missing key.
    """
    content, network, spectrogram, of_vocoder, prior = _rebuild(Path(path), own_vocoder)
    if prior is not None:
        prior.network.to(device).eval()
    vocoder = vocoder_of(of_vocoder, spectrogram) if of_vocoder else default_vocoder(spectrogram)
    return LoadedModel(
        model=network.to(device).eval(),
        spectrogram=spectrogram.to(device),
        vocoder=vocoder,
        metadata=content.metadata,
        health=content.codebook_health_snapshot,
        history=content.loss_curve_history,
        training_config=content.training_config,
        vocoder_state=content.vocoder_state,
        prior_state=content.prior_state,
        prior=prior,
        codec_digest=content.codec_digest,
        checksum=content.checksum,
    )


def check_bundle(path: Path) -> None:
    """Raise BundleError for a file that `load_bundle` could not load."""
    _rebuild(path, True)


def _rebuild(
    path: Path, own_vocoder: bool
) -> tuple[BundleContent, ConvVQVAE, LogMel, VocoderNetwork | None, Prior | None]:
    content = read_bundle(path)
    try:
        network, spectrogram = rebuild_network(content), rebuild_front_end(content)
        of_vocoder = rebuild_vocoder(content) if own_vocoder else None
        return content, network, spectrogram, of_vocoder, rebuild_prior(content, network)
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}") from error
