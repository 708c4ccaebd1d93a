"""settings and mel → the sizes of a vocoder's network, or why there is none."""

from __future__ import annotations

import torch

from distill.errors import RunError
from distill.model.mel import SpectrogramConfig
from distill.settings.vocoders import (
    HifiGanVocoderConfig,
    PhaseVocoderConfig,
    PluginVocoderConfig,
    VocoderConfig,
)
from distill.vocoder.hifigan_network import (
    KERNELS,
    LARGEST_FACTOR,
    HifiGanConfig,
    HifiGanNetwork,
    upsampling,
)
from distill.vocoder.phase_network import PhaseNetworkConfig
from distill.vocoder.trained import TrainedVocoderConfig

HIDDEN = 3
"""Channels within the blocks of a PhaseNetwork, over those between them."""


def network_config(
    settings: VocoderConfig, mel: SpectrogramConfig
) -> PhaseNetworkConfig | HifiGanConfig | TrainedVocoderConfig:
    """The sizes of the network; raises RunError where there is none for such mels."""
    if isinstance(settings, PluginVocoderConfig):
        return TrainedVocoderConfig(settings.type, {**settings.options}, mel)
    if isinstance(settings, PhaseVocoderConfig):
        return PhaseNetworkConfig(
            n_mels=mel.n_mels,
            bins=mel.n_fft // 2 + 1,
            channels=settings.channels,
            hidden=HIDDEN * settings.channels,
            blocks=settings.blocks,
        )
    assert isinstance(settings, HifiGanVocoderConfig)
    factors = upsampling(mel.hop_length)
    if factors is None:
        raise RunError(
            f"vocoder={settings.type}: it upsamples by factors of 2 to {LARGEST_FACTOR}, and "
            f"mel.hop_length={mel.hop_length} is no product of them; "
            "use mel.hop_length=512, or vocoder=phase_gradient"
        )
    blocks = min(settings.blocks, len(KERNELS))
    return HifiGanConfig(mel.n_mels, settings.channels, blocks, factors)


def require_one_device(devices: object) -> None:
    """Raise RunError for settings of HiFi-GAN that ask for several devices."""
    several = (isinstance(devices, int) and devices > 1) or (
        isinstance(devices, list) and len(devices) > 1
    )
    if several or (devices in ("auto", -1) and torch.cuda.device_count() > 1):
        raise RunError(
            f"vocoder={HifiGanNetwork.kind} is trained on one device; type trainer.devices=1, and "
            "train the codec on several in a run of its own, with stages=[codec]"
        )
