"""distill's own network, loss, batches and optimizer in a loop with nothing around it."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from distill.data.datamodule import SoundDataModule
from distill.data.segments import MovingDraws, Segment, shift_mel_bins
from distill.model.loss import loss_of
from distill.model.mel import LogMel
from distill.model.starter import start_from_starter
from distill.model.vqvae import ConvVQVAE
from distill.settings.compose import load_config
from distill.settings.schema import TrainConfig
from distill.system.terminal import console
from distill.training.codec.completion import complete, network_config, spectrogram_config
from distill.training.sounds import collect
from distill.training.steps.muon import Muon


def prepared(folder: Path, *overrides: str) -> tuple[TrainConfig, SoundDataModule, LogMel]:
    """What a default run on the folder starts with."""
    config = load_config([f"data.root='{folder}'", *overrides])
    console.quiet = True
    try:
        collection, split = collect(config)
        rate_hz = config.mel.sample_rate_hz
        data = SoundDataModule(split, config.data, sample_rate_hz=rate_hz, seed=config.seed)
        complete(config, collection, data)
    finally:
        console.quiet = False
    return config, data, LogMel(spectrogram_config(config))


class BareLoop:
    """Trains epoch by epoch."""

    def __init__(self, config: TrainConfig, data: SoundDataModule, spectrogram: LogMel) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        mixed = config.trainer.precision == "bf16-mixed"
        self.dtype = torch.bfloat16 if mixed else torch.float32
        self.spectrogram = spectrogram.to(self.device)
        self.model = ConvVQVAE(network_config(config))
        if config.model.starter is not None:
            start_from_starter(self.model, spectrogram.config)
        self.model.to(self.device)
        settings = config.optimizer
        assert settings.lr is not None
        assert settings.weight_decay is not None
        self.optimizer = Muon(
            self.model.parameters(),
            lr=settings.lr,
            momentum=settings.momentum,
            betas=(settings.betas[0], settings.betas[1]),
            weight_decay=settings.weight_decay,
            to_start=config.model.starter is not None,
        )
        draws = MovingDraws(
            len(data.train),
            draws=data.epoch_segments,
            batch_size=config.data.batch_size,
            seed=config.seed,
        )
        self.segments = len(draws)
        self.segment_s = config.data.segment_s
        self._loader = DataLoader(data.train, sampler=draws, batch_size=config.data.batch_size)
        self.parts_s: dict[str, float] = defaultdict(float)

    def epoch(self) -> float:
        """Train one epoch; returns seconds of audio a second."""
        start = self._last = time.perf_counter()
        for batch in self._loader:
            self._took("data")
            self._step(batch)
        return self.segments * self.segment_s / (time.perf_counter() - start)

    def operations(self) -> tuple[float, float]:
        """Floating-point operations of a step's matrix products: the network's, the optimizer's."""
        batch = next(iter(self._loader))
        with FlopCounterMode(display=False) as whole:
            self._step(batch)
        with FlopCounterMode(display=False) as last:
            self.optimizer.step()
        return whole.get_total_flops() - last.get_total_flops(), last.get_total_flops()

    def _step(self, batch: Segment) -> None:
        mel, sounding = self._mel(batch)
        self._took("mel")
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.model(mel, sounding)
        weights = torch.where(sounding, 1.0, self.config.model.padding_weight)
        loss = loss_of(
            output.plain_mel,
            mel,
            output.commitment,
            commitment_weight=self.config.model.commitment_weight,
            frame_weights=weights,
            std_db=self.spectrogram.config.std_db,
        )
        self._took("forward")
        self.optimizer.zero_grad()
        loss.total.backward()
        self._took("backward")
        nn.utils.clip_grad_norm_(self.model.parameters(), self.config.trainer.gradient_clip_val)
        self.optimizer.step()
        self._took("optimizer")

    @torch.no_grad()
    def _mel(self, batch: Segment) -> tuple[Tensor, Tensor]:
        mel = self.spectrogram(batch["waveform"].to(self.device))
        begins, ends = (
            torch.as_tensor(batch[key]).to(self.device) for key in ("sound_begin", "sound_end")
        )
        shifted = shift_mel_bins(mel, torch.as_tensor(batch["shift_bins"]).to(self.device))
        return shifted, self.spectrogram.sounding_frames(begins, ends, frames=mel.shape[-1])

    def _took(self, part: str) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.parts_s[part] += now - self._last
        self._last = now
