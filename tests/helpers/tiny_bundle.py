"""The smallest model that is one, and all that a bundle says about it."""

from __future__ import annotations

import copy
import hashlib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.bundle.loaded import LoadedModel
from distill.bundle.loading import load_bundle
from distill.codec.digest import checksum_of, codec_digest_of
from distill.errors import BundleError
from distill.model.config import VQVAEConfig
from distill.model.mel import SpectrogramConfig
from distill.model.vqvae import ConvVQVAE
from distill.prior.config import PriorNetworkConfig
from distill.prior.network import PriorNetwork
from distill.prior.prior import KnownSound, Prior, PriorConfig
from distill.vocoder.hifigan_network import HifiGanConfig, HifiGanNetwork
from distill.vocoder.kinds import state_of
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig

Content = dict[str, Any]
CONFIG = VQVAEConfig(
    codebook_dim=4,
    codebook_size=8,
    num_quantizers=2,
    decay=0.8,
    commitment_weight=0.25,
    threshold_ema_dead_code=2,
    kmeans_iters=5,
    dropout=0.0,
    channels=4,
    stride=16,
    residual_units=1,
)
SPECTROGRAM = SpectrogramConfig(
    sample_rate_hz=16_000,
    n_fft=512,
    hop_length=128,
    n_mels=32,
    floor=1e-3,
    mean_db=-30.0,
    std_db=15.0,
)


def tiny_model(seed: int = 0) -> ConvVQVAE:
    """In eval mode, with filled codebooks."""
    torch.manual_seed(seed)
    model = ConvVQVAE(CONFIG)
    for _ in range(3):
        model(torch.randn(4, 1, 32, 64))
    return model.eval()


def fields_of(model: ConvVQVAE) -> dict[str, Any]:
    """What `write_bundle` is given."""
    level = {"utilization": 0.875, "perplexity": 6.5, "dead_codes": 1}
    return {
        "model_state_dict": model.state_dict(),
        "vqvae_config": asdict(CONFIG),
        "spectrogram_config": asdict(SPECTROGRAM),
        "training_config": {
            "name": None,
            "seed": 0,
            "data": {"root": ["/sounds/Geräusche", "b c"], "val_fraction": 0.1},
            "trainer": {"max_minutes": None, "devices": "auto"},
        },
        "codebook_health_snapshot": {"level_0": level, "level_1": {**level, "dead_codes": 0}},
        "loss_curve_history": {
            "train_losses": [1.0, 0.5],
            "val_losses": [1.25, 0.75],
            "recon_losses": [0.875, 0.375],
            "commit_losses": [0.5, 0.5],
            "val_mel_db": [20.0, 10.0],
            "val_onset_db": [18.0, 9.0],
            "val_peak_db": [6.0, 2.0],
            "val_level_db": [-4.0, -1.5],
        },
        "metadata": {
            "model_id": "0123456789abcdef",
            "name": "Tiny – 🥁",
            "description": "",
            "dataset_name": "none",
            "dataset_file_count": 3,
            "dataset_total_duration_s": 1.5,
            "dataset_fingerprint": "ab" * 32,
            "training_date": "2025-01-01T00:00:00+0000",
            "save_date": "2025-01-01T00:01:00+0000",
            "training_epochs": 2,
            "final_train_loss": 0.5,
            "final_val_loss": None,
            "tags": ["test"],
            "distill_version": "0.1.0",
            "torch_version": "2.11.0",
            "packages": [],
        },
    }


SOUNDS = {"dataset_name": "none", "dataset_fingerprint": "ab" * 32}


def vocoder_state() -> dict[str, Any]:
    """A vocoder's part of a bundle; it runs, for the tiny model's mels."""
    network = HifiGanNetwork(HifiGanConfig(SPECTROGRAM.n_mels, 4, blocks=1, upsample=(8, 8, 2)))
    for number, weight in enumerate(network.parameters()):  # the same on every machine
        values = torch.arange(weight.numel(), dtype=torch.float64) + number
        weight.data = (0.2 * torch.sin(values**2)).float().reshape(weight.shape)
    training = {"epochs": 200, "final_loss": 0.5, "training_date": "2025-01-02", **SOUNDS}
    return {**state_of(network), "training_metadata": training}


def phase_vocoder(mel: SpectrogramConfig = SPECTROGRAM) -> dict[str, Any]:
    """The same of the other type."""
    torch.manual_seed(0)
    sizes = PhaseNetworkConfig(mel.n_mels, mel.n_fft // 2 + 1, 8, 16, blocks=1)
    training = vocoder_state()["training_metadata"]
    return {**state_of(PhaseNetwork(sizes)), "training_metadata": training}


def tiny_prior() -> Prior:
    """A prior for the tiny model: it knows two classes of three sounds each, of half a second."""
    sizes = PriorNetworkConfig(
        rows=SPECTROGRAM.n_mels // CONFIG.stride,
        levels=CONFIG.num_quantizers,
        codebook_size=CONFIG.codebook_size,
        codebook_dim=CONFIG.codebook_dim,
        block_rows=2,
        block_columns=2,
        width=16,
        layers=1,
        heads=2,
        depth_width=8,
        depth_layers=1,
        depth_heads=2,
        window=6,
        classes=2,
        dropout=0.0,
    )
    network = PriorNetwork(sizes, torch.ones(sizes.levels, sizes.codebook_size, 4))
    for number, weight in enumerate(network.parameters()):  # the same on every machine
        values = torch.arange(weight.numel(), dtype=torch.float64) + number
        weight.data = (0.5 * torch.sin(values**2)).float().reshape(weight.shape)
    columns = 6
    sounds = tuple(
        KnownSound(
            f"{name}/{number}.wav",
            label,
            8_000 + 500 * number,
            -20.0 - number,
            columns,
            -6.0 - number,
        )
        for label, name in enumerate(("kick", "snare"))
        for number in range(3)
    )
    shape = (sizes.rows, columns * len(sounds), sizes.levels)
    codes = torch.arange(sizes.rows * shape[1] * sizes.levels).reshape(shape) ** 2 % 7
    config = PriorConfig(
        sizes,
        ("kick", "snare"),
        sounds,
        unigram_bits_per_s=900.0,
        bigram_bits_per_s=850.0,
        held_out_db=5.0,
    )
    return Prior(config, network, codes.to(torch.int16), 812.5)


def prior_state() -> dict[str, Any]:
    """A prior's part of a bundle."""
    training = {"epochs": 30, "final_bits_per_s": 812.5, "training_date": "2025-01-03", **SOUNDS}
    return {**tiny_prior().state(), "training_metadata": training}


def mel(frames: int = 80) -> torch.Tensor:
    """(1, 1, 32, frames), the same on every machine: no random numbers in it."""
    position = torch.arange(32 * frames, dtype=torch.float64)
    return (2 * torch.sin(position**2 / 97)).float().reshape(1, 1, 32, frames)


def save(path: Path, content: Any, *, honest: bool = True) -> Path:
    """Write as an attacker could: any content under a seal, with digests that fit if they can be
    had.
    """
    if honest:
        if len(str(content.get("codec_digest"))) == 64:  # else it is what the test spoilt
            with suppress(KeyError, TypeError):
                content = {**content, "codec_digest": codec_digest_of(content)}
        content = {**content, "checksum": checksum_of(content)}
    torch.save(content, path)
    path.write_bytes(reseal(path.read_bytes()))
    return path


def reseal(archive: bytes) -> bytes:
    """An archive, sealed or not, under a seal that fits."""
    body = archive[: archive.rindex(b"PK\x05\x06") + 20] + (64).to_bytes(2, "little")
    return body + hashlib.sha256(body).hexdigest().encode()


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def change_content(content: Content, change: Callable[[Content], object]) -> Content:
    """A copy, changed."""
    other = copy.deepcopy(content)
    change(other)
    return other


def outcome(path: Path, good: LoadedModel) -> str:
    """`refused`, or `same` if all of the model came back; anything else is an error."""
    try:
        loaded = load_bundle(path)
    except BundleError:
        return "refused"
    weights = good.codec.network.state_dict()
    assert all(
        torch.equal(w, weights[name]) for name, w in loaded.codec.network.state_dict().items()
    )
    assert (loaded.metadata, loaded.health) == (good.metadata, good.health)
    assert (loaded.history, loaded.training_config) == (good.history, good.training_config)
    assert loaded.codec.network.config == good.codec.network.config
    assert loaded.codec.spectrogram.config == good.codec.spectrogram.config
    assert loaded.vocoder_state == good.vocoder_state
    assert (loaded.prior is None) == (good.prior is None)
    return "same"


def repack(
    source: Path,
    target: Path,
    edit: Callable[[str, bytes], bytes],
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """The same archive with its entries edited, under a seal that fits."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, edit(entry.filename, old.read(entry)))
    target.write_bytes(reseal(target.read_bytes()))
    return target
