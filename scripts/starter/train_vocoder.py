"""endless synthesised sounds → the vocoder's starter weights in `distill/vocoder/starter.pt`.

    python scripts/starter/train_vocoder.py --minutes 30

As `train_starter.py` for the codec: nothing recorded goes in. Half of the crops come as their own
mels, half as a codec decodes them; that codec is the starter weights with codebooks of its own. The
weights in the package come from 36 minutes on one of two cores, beside other work, and 75 more with
`--go-on`: 5,841 steps on 82,533 sounds. Those that read onsets are trained alone, with `--onsets`:
six minutes, 4,872 steps of 32 stretches of half a second, of 1,100 sounds.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from ring import Ring, add_ring_arguments, open_ring
from torch import Tensor, nn
from train_codec import front_end, network

from distill.model.starter import start_from_starter
from distill.model.vqvae import ConvVQVAE
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.phase_loss import PhaseLoss, band_weights, phase_loss
from distill.vocoder.phase_network import PhaseNetwork, PhaseNetworkConfig
from distill.vocoder.starter import FILE, starter_fields
from distill.vocoder.starter import start_from_starter as start_vocoder_from_starter

CODEBOOK_STEPS = 150
LR, LAST_LR, WARMUP_STEPS = 0.003, 0.00003, 100
LR_GOING_ON = 0.0015


def main() -> None:
    """Train for some minutes, print how it goes, write the file."""
    arguments = _arguments()
    torch.manual_seed(arguments.seed)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with open_ring(arguments, device) as (ring, held_out):
        training = Training(ring, device, going_on=arguments.go_on or arguments.onsets)
        training.run(held_out[:64], arguments)
    torch.save(starter_fields(training.network.cpu(), training.spectrogram.config), arguments.out)
    print(f"wrote {arguments.out}, {arguments.out.stat().st_size / 1e6:.1f} MB")


class Training:
    """The network, and what makes its batches."""

    def __init__(self, ring: Ring, device: torch.device, *, going_on: bool) -> None:
        self.ring, self.device = ring, device
        self.spectrogram = front_end(ring.draw(256)).to(device)
        self.codec = self._codec()
        mel = self.spectrogram.config
        bins = mel.n_fft // 2 + 1
        self.network = PhaseNetwork(
            PhaseNetworkConfig(mel.n_mels, bins, channels=256, hidden=768, blocks=4)
        ).to(device)
        self.lr = LR
        if going_on:
            start_vocoder_from_starter(self.network)
            self.lr = LR_GOING_ON
        self.inverse = MelInverse(self.spectrogram.filters)
        self.weights = band_weights(bins, sample_rate_hz=mel.sample_rate_hz).to(device)
        self.window = torch.hann_window(mel.n_fft, device=device)

    def run(self, held_out: Tensor, arguments: argparse.Namespace) -> None:
        """Train; print a line now and then."""
        trained = self.network.onsets if arguments.onsets else self.network
        optimizer = torch.optim.AdamW(
            trained.parameters(), lr=self.lr, betas=(0.8, 0.99), weight_decay=0.01
        )
        start = told = time.monotonic()
        step, progress = 0, 0.0
        while progress < 1:
            progress = (time.monotonic() - start) / (60 * arguments.minutes)
            rate = LAST_LR + (self.lr - LAST_LR) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / WARMUP_STEPS)
            loss = self.loss(self.ring.draw(arguments.batch_size), decoded=True)
            optimizer.zero_grad()
            (loss.onset if arguments.onsets else loss.total).backward()
            nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
            optimizer.step()
            step += 1
            self.ring.take_ready()
            if time.monotonic() - told > 30 or progress >= 1:
                told = time.monotonic()
                with torch.no_grad():
                    found = self.loss(held_out[:, None, 72_000:120_000], decoded=False)
                print(
                    f"{told - start:5.0f} s  step {step:6,}  sounds {self.ring.count:6,}  "
                    f"loss {loss.total.item():.3f}  held out, true mels: magnitude "
                    f"{found.magnitude.item():.3f}, in time {found.in_time.item():.3f}, "
                    f"in frequency {found.in_frequency.item():.3f}, onset {found.onset.item():.3f}",
                    flush=True,
                )

    def loss(self, waveform: Tensor, *, decoded: bool) -> PhaseLoss:
        """Crops (B, 1, T) → loss, half of them with decoded mels if `decoded`."""
        mel = self.spectrogram.config
        with torch.no_grad():
            spectrum = torch.stft(
                waveform[:, 0], mel.n_fft, mel.hop_length, window=self.window, return_complex=True
            )
            magnitude = self.inverse.mel(spectrum.abs())
            if decoded:
                half = len(waveform) // 2
                said = self.codec(self.spectrogram.normalise(magnitude[:half, None])).mel
                magnitude[:half] = self.spectrogram.to_magnitude(said)[:, 0]
            inverted = self.inverse.magnitude(magnitude)
        return phase_loss(
            self.network(self.spectrogram.decibels(magnitude)),
            inverted,
            spectrum,
            waveform[:, 0],
            weights=self.weights,
            config=mel,
        )

    @torch.no_grad()
    def _codec(self) -> ConvVQVAE:
        """The codec's starter weights, with codebooks that have seen some crops."""
        codec = ConvVQVAE(network()).to(self.device)
        start_from_starter(codec, self.spectrogram.config)
        for _ in range(CODEBOOK_STEPS):
            codec(self.spectrogram(self.ring.draw(8)))
        return codec.eval()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="of training")
    parser.add_argument("--out", type=Path, default=Path("distill/vocoder") / FILE)
    parser.add_argument("--go-on", action="store_true", help="from the weights in the package")
    parser.add_argument("--onsets", action="store_true", help="train only what reads onsets")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, help="of the training; null: torch's own choice")
    add_ring_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
