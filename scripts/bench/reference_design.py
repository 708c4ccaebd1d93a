"""The usual design, as a yardstick: a plain convolutional RVQ-VAE in a bare loop.

    python scripts/bench/reference_design.py FOLDER --seconds 60 180 600 [--seed 0] [--first OTHER]

Trains on the segments of a default run and prints, as JSON, where it stands after each time. With
--first, it has trained on another folder before, for the first of these times.

Four strided convolutions with BatchNorm and dropout each way, log1p magnitude mels made once, mean
squared error at three scales, commitment weighed inside and outside the quantizer, AdamW at 1e-3,
batches of 32.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from vector_quantize_pytorch import ResidualVQ

from distill.data.segments import Segments
from distill.model.mel import LogMel
from distill.training.records.means import MelErrorMean

BATCH = 32
LEVELS = 3
CODES = 128


@dataclass(frozen=True)
class Point:
    """Where the training stands after some time."""

    seconds: float
    mel_db: float
    audio_s_per_s: float


class Reference(nn.Module):
    """log1p mel (B, 1, M, F) → decoded mel of that shape and the commitment loss."""

    def __init__(self, levels: int, codes: int, dim: int = 128, dropout: float = 0.2) -> None:
        super().__init__()

        def down(width_in: int, width: int) -> list[nn.Module]:
            convolution = nn.Conv2d(width_in, width, 3, 2, 1)
            return [convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout2d(dropout)]

        def up(width_in: int, width: int) -> list[nn.Module]:
            convolution = nn.ConvTranspose2d(width_in, width, 3, 2, 1, 1)
            return [convolution, nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout2d(dropout)]

        self.encoder = nn.Sequential(
            *down(1, 32), *down(32, 64), *down(64, 128), *down(128, 256), nn.Conv2d(256, dim, 1)
        )
        self.rvq = ResidualVQ(
            dim=dim,
            num_quantizers=levels,
            codebook_size=codes,
            decay=0.9,
            commitment_weight=0.25,
            threshold_ema_dead_code=2,
            kmeans_init=True,
            kmeans_iters=10,
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(dim, 256, 1),
            *up(256, 128),
            *up(128, 64),
            *up(64, 32),
            nn.ConvTranspose2d(32, 1, 3, 2, 1, 1),
            nn.Softplus(),
        )

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Decoded mel, and the sum of the levels' commitment losses."""
        height, width = mel.shape[2:]
        latent = self.encoder(F.pad(mel, (0, -width % 16, 0, -height % 16)))
        quantized, _, commitment = self.rvq(latent.flatten(2).transpose(1, 2))
        decoded = self.decoder(quantized.transpose(1, 2).reshape(latent.shape))
        return decoded[..., :height, :width], commitment.sum()


def train_reference(
    train: Segments,
    val: Segments,
    spectrogram: LogMel,
    *,
    codes: int,
    levels: int,
    marks_s: Sequence[float],
    seed: int,
    model: Reference | None = None,
) -> list[Point]:
    """Train until the last mark, a new model or the one given; the held-out error at the end of the
    epoch after each mark.

    The time of the measurements does not count.
    """
    torch.manual_seed(seed)
    inputs = torch.cat([mel for mel, _ in _magnitudes(train, spectrogram)]).log1p()
    model = model or Reference(levels, codes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    points: list[Point] = []
    start, measuring_s, trained = time.perf_counter(), 0.0, 0
    while len(points) < len(marks_s):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            mel = inputs[batch]
            decoded, commitment = model(mel)
            optimizer.zero_grad()
            (_loss(decoded, mel) + 0.25 * commitment).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            trained += len(batch)
        elapsed_s = time.perf_counter() - start - measuring_s
        if elapsed_s >= marks_s[len(points)]:
            pause = time.perf_counter()
            speed = trained * train.segment_samples / train.sample_rate_hz / elapsed_s
            points.append(Point(elapsed_s, _held_out(model, val, spectrogram), speed))
            measuring_s += time.perf_counter() - pause
    return points


def main() -> None:
    """Train on a folder."""
    from bare_loop import prepared  # takes all of distill

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 180, 600])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=Path)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    sizes: dict[str, Any] = {"levels": LEVELS, "codes": CODES, "seed": options.seed}
    model = Reference(LEVELS, CODES)
    if options.first is not None:
        _, data, spectrogram = prepared(options.first.absolute(), f"seed={options.seed}")
        marks_s = options.seconds[:1]
        train_reference(data.train, data.val, spectrogram, marks_s=marks_s, model=model, **sizes)
    _, data, spectrogram = prepared(options.folder.absolute(), f"seed={options.seed}")
    points = train_reference(
        data.train, data.val, spectrogram, marks_s=options.seconds, model=model, **sizes
    )
    print(json.dumps([asdict(point) for point in points]))


def _loss(decoded: Tensor, mel: Tensor) -> Tensor:
    loss = F.mse_loss(decoded, mel)
    for scale in (2, 4):
        loss = loss + F.mse_loss(F.avg_pool2d(decoded, scale), F.avg_pool2d(mel, scale))
    return loss / 3


@torch.no_grad()
def _held_out(model: Reference, val: Segments, spectrogram: LogMel) -> float:
    error = MelErrorMean()
    model.eval()
    for magnitude, sounding in _magnitudes(val, spectrogram):
        decoded = model(magnitude.log1p())[0].expm1()
        error.add(spectrogram.decibels(magnitude), spectrogram.decibels(decoded), sounding)
    model.train()
    return error.take()


def _magnitudes(segments: Segments, spectrogram: LogMel) -> list[tuple[Tensor, Tensor]]:
    """Magnitude mels (B, 1, M, F) of the fixed segments, and which of their frames sound (B, F)."""
    batches = []
    for first in range(0, len(segments), BATCH):
        items = [segments[i] for i in range(first, min(first + BATCH, len(segments)))]
        magnitude = spectrogram.magnitude(torch.stack([item["waveform"] for item in items]))
        begins, ends = (
            torch.tensor([item[key] for item in items]) for key in ("sound_begin", "sound_end")
        )
        batches.append(
            (magnitude, spectrogram.sounding_frames(begins, ends, frames=magnitude.shape[-1]))
        )
    return batches


if __name__ == "__main__":
    main()
