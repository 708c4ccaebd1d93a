"""endless synthesised sounds → the starter weights in `distill/model/starter.pt`.

    python scripts/starter/train_codec.py --minutes 8

Every sound comes from `starter_sounds.py`; nothing recorded goes in, so the weights can be given
away like the rest of distill. A GPU makes much more of the time; the sounds are made on all cores
beside it. Two runs give weights that are equally good, but not equal: how many sounds are ready
when depends on the machine. The weights in the package come from eight minutes on an H200, 19,237
steps on 68,816 sounds, with a loss that compared means over cells where today's compares power.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from ring import RATE_HZ, SEGMENT_S, Ring, add_ring_arguments, open_ring
from torch import Tensor, nn

from distill.model.config import VQVAEConfig
from distill.model.loss import mel_loss
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.starter import FILE, starter_fields
from distill.model.vqvae import ConvVQVAE
from distill.training.steps.muon import Muon

LR, LAST_LR, WARMUP_STEPS = 0.004, 0.00004, 200


def main() -> None:
    """Train for some minutes, print how it goes, write the file."""
    arguments = _arguments()
    torch.manual_seed(arguments.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with open_ring(arguments, device) as (ring, held_out):
        spectrogram = front_end(ring.draw(256)).to(device)
        model = ConvVQVAE(network()).to(device)
        train(model, spectrogram, ring, held_out, arguments)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(starter_fields(model.cpu(), spectrogram.config), arguments.out)
    print(f"wrote {arguments.out}, {arguments.out.stat().st_size / 1e6:.1f} MB")


def train(
    model: ConvVQVAE,
    spectrogram: LogMel,
    ring: Ring,
    held_out: Tensor,
    arguments: argparse.Namespace,
) -> None:
    """Train the network, with its loss and optimizer as in a run; print a line now and then."""
    optimizer = Muon(model.parameters(), lr=LR, momentum=0.95, betas=(0.9, 0.99), weight_decay=0.05)
    start = told = time.monotonic()
    step, progress = 0, 0.0
    while progress < 1:
        progress = (time.monotonic() - start) / (60 * arguments.minutes)
        rate = LAST_LR + (LR - LAST_LR) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARMUP_STEPS)
        loss = _loss(model, spectrogram, ring.draw(arguments.batch_size))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        ring.take_ready()
        if time.monotonic() - told > 20 or progress >= 1:
            told = time.monotonic()
            figures = _errors_db(model, spectrogram, held_out)
            print(
                f"{told - start:5.0f} s  step {step:6,}  sounds {ring.count:6,}  "
                f"loss {loss.item():.3f}  held out {figures[0]:.2f} dB, level {figures[1]:+.2f} dB",
                flush=True,
            )


def _loss(model: ConvVQVAE, spectrogram: LogMel, waveform: Tensor) -> Tensor:
    with torch.no_grad():
        mel = spectrogram(waveform)
    on_gpu = mel.device.type == "cuda"
    with torch.autocast(mel.device.type, torch.bfloat16, enabled=on_gpu):
        output = model(mel)
    everywhere = torch.ones_like(mel[:, 0, 0])
    spectral = mel_loss(output.plain_mel, mel, everywhere, std_db=spectrogram.config.std_db)
    return spectral + 0.25 * output.commitment


@torch.no_grad()
def _errors_db(model: ConvVQVAE, spectrogram: LogMel, waveforms: Tensor) -> tuple[float, float]:
    """Mean absolute error and mean difference in dB of cells above the floor."""
    model.eval()
    begin, samples = round(1.5 * RATE_HZ), round(SEGMENT_S * RATE_HZ)
    mel = spectrogram(waveforms[:, None, begin : begin + samples])
    decoded = torch.cat([model(part).mel for part in mel.split(64)])
    model.train()
    want, got = spectrogram.to_decibels(mel), spectrogram.to_decibels(decoded)
    heard = torch.maximum(want, got) > -59.9
    differences = (got - want)[heard]
    return float(differences.abs().mean()), float(differences.mean())


def front_end(waveform: Tensor) -> LogMel:
    """The default mels, normalised by the mean and deviation of some crops."""
    settings = {
        "sample_rate_hz": RATE_HZ,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
        "floor": 1e-3,
    }
    plain = LogMel(SpectrogramConfig(**settings, mean_db=0.0, std_db=1.0))
    decibels = plain.to(waveform.device)(waveform)
    mean_db, std_db = float(decibels.mean()), float(decibels.std())
    return LogMel(SpectrogramConfig(**settings, mean_db=mean_db, std_db=std_db))


def network() -> VQVAEConfig:
    """The default network."""
    return VQVAEConfig(
        codebook_dim=128,
        codebook_size=256,
        num_quantizers=3,
        decay=0.97,
        commitment_weight=0.25,
        threshold_ema_dead_code=1.0,
        kmeans_iters=10,
        dropout=0.0,
        channels=128,
        stride=8,
        residual_units=4,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="of training")
    parser.add_argument("--out", type=Path, default=Path("distill/model") / FILE)
    parser.add_argument("--batch-size", type=int, default=64)
    add_ring_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
