"""a `.distillgan` file → a model ready to encode and decode, rebuilt from the file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from distill.bundle.content import BundleContent, typed_content
from distill.bundle.loaded import LoadedModel
from distill.bundle.reader import read_content
from distill.bundle.rebuild import rebuild_codec, rebuild_vocoder
from distill.bundle.rebuild_prior import rebuild_prior
from distill.codec.codec import Codec
from distill.codec.digest import WEIGHTS
from distill.errors import BundleError
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
    with torch.random.fork_rng(devices=[]):  # networks are made with random weights at first
        plain, content, codec, network, prior = _rebuild(Path(path), own_vocoder)
    codec.to(torch.device(device))
    if prior is not None:
        prior.network.to(device).eval()
    mel = codec.spectrogram
    return LoadedModel(
        codec=codec,
        vocoder=vocoder_of(network, mel) if network else default_vocoder(mel),
        prior=prior,
        metadata=content.metadata,
        health=content.codebook_health_snapshot,
        history=content.loss_curve_history,
        training_config=content.training_config,
        vocoder_state=content.vocoder_state,
        prior_state=content.prior_state,
        checksum=content.checksum,
        kept={key: value for key, value in plain.items() if key != WEIGHTS},
    )


def check_bundle(path: Path) -> None:
    """Raise BundleError for a file that `load_bundle` could not load."""
    _rebuild(path, True)


def _rebuild(
    path: Path, own_vocoder: bool
) -> tuple[dict[str, Any], BundleContent, Codec, VocoderNetwork | None, Prior | None]:
    plain = read_content(path)
    content = typed_content(plain)
    try:
        codec = rebuild_codec(content)
        vocoder = rebuild_vocoder(content) if own_vocoder else None
        return plain, content, codec, vocoder, rebuild_prior(content, codec.network)
    except BundleError as error:
        raise BundleError(f"{path.name}: {error}") from error
