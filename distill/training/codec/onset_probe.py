"""beginnings of held-out sounds + current weights → onset error and peak loss behind each lead."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from distill.codec.hearing import LEADS_S, onset_errors_db
from distill.data.datamodule import SegmentDataModule
from distill.model.mel import LogMel
from distill.model.vqvae import ConvVQVAE

MOST_SOUNDS = 24
"""With this number, each behind every lead, the probe takes about a hundredth of a default epoch.
"""
SOUND_S = 0.25
"""How much of each sound is coded: its onset, and what the network sees behind that."""


@dataclass(frozen=True)
class OnsetFigures:
    """Means over the sounds."""

    errors_db: dict[float, float]
    """Duration of the silence before the sounds → onset error."""
    peaks_db: dict[float, float]
    """The same for the peak loss."""

    @property
    def error_db(self) -> float:
        """Mean over all leads."""
        return sum(self.errors_db.values()) / len(self.errors_db)

    @property
    def peak_db(self) -> float:
        """Mean over all leads."""
        return sum(self.peaks_db.values()) / len(self.peaks_db)


class OnsetProbe:
    """Codes the same beginnings each time, each behind every lead; each rank has its share of the
    sounds. Their mels are computed once and kept on the CPU: 5 MiB at most.
    """

    def __init__(
        self,
        data: SegmentDataModule,
        spectrogram: LogMel,
        *,
        most_sounds: int = MOST_SOUNDS,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.spectrogram = spectrogram
        config = spectrogram.config
        beginnings = data.held_out_beginnings(
            most_sounds, samples=round(SOUND_S * config.sample_rate_hz), rank=rank, ranks=ranks
        )
        self.batches: list[tuple[int, Tensor]] = []
        """For each lead: the frame in which the sounds begin, and their mels (B, 1, M, F); empty
        without sounds.
        """
        for lead_s in LEADS_S if beginnings else ():
            start = round(lead_s * config.sample_rate_hz / config.hop_length)
            placed = nn.functional.pad(torch.stack(beginnings), (start * config.hop_length, 0))
            self.batches.append((start, spectrogram(placed[:, None])))

    def measure(self, model: ConvVQVAE, device: torch.device) -> Tensor:
        """Sums over this rank's sounds, (leads, 3) float64: onset error, peak loss, and the number
        of sounds. The model is in eval mode meanwhile; its mode is restored.
        """
        sums = torch.zeros(len(LEADS_S), 3, dtype=torch.float64)
        training = model.training
        model.eval()
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            for number, (start, mel) in enumerate(self.batches):
                decibels = self.spectrogram.to_decibels
                decoded = decibels(model(mel.to(device)).mel)
                errors, peaks = onset_errors_db(decibels(mel.to(device)), decoded, start=start)
                sums[number] = torch.tensor([float(errors.sum()), float(peaks.sum()), len(mel)])
        model.train(training)
        return sums


def onset_figures(sums: Tensor) -> OnsetFigures | None:
    """The sums of all ranks, (leads, 3) → means; None if there was no sound."""
    if not sums[:, 2].any():
        return None
    errors, peaks = (sums[:, :2] / sums[:, 2:]).T.tolist()
    return OnsetFigures(*(dict(zip(LEADS_S, each, strict=True)) for each in (errors, peaks)))
