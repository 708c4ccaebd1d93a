"""a Mac's CPU and its GPU → the one that trains the codec faster, found by a few steps on each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import torch
from torch import nn

from distill import plugins
from distill.model.loss import loss_of
from distill.model.mel import LogMel
from distill.model.sizing import Choice
from distill.model.vqvae import ConvVQVAE
from distill.settings.schema import TrainConfig
from distill.training.codec.completion import network_config, spectrogram_config
from distill.training.steps.muon import Muon

TRIAL_S = 10.0
"""For both devices together. A step that has begun is finished."""
MOST_STEPS = 5
LEARNING_RATE = 0.001
ONE = ("auto", 1, "1")
"""What `trainer.devices` is where there is one device."""


class Trial(Protocol):
    """What does training steps on one device."""

    def step(self) -> None:
        """Do a step and wait for its end."""

    def close(self) -> None:
        """Give the device's memory back."""


def choose_device(config: TrainConfig) -> Choice[str] | None:
    """Choose `trainer.accelerator` in place, from settings that are complete, where it is `auto`
    and there is an Apple GPU; None where there is nothing to choose.
    """
    trainer = config.trainer
    has_gpu = torch.backends.mps.is_available()
    if trainer.accelerator != "auto" or trainer.devices not in ONE or not has_gpu:
        return None
    # the generator of the GPU is seeded before each step of a run
    with torch.random.fork_rng(devices=[]):
        choice = faster(partial(CodecTrial, config))
    trainer.accelerator = choice.value
    return choice


def faster(
    trial_on: Callable[[str], Trial], clock: Callable[[], float] = time.perf_counter
) -> Choice[str]:
    """Try `cpu` and `mps`, with a clock in seconds; a GPU that cannot do a step is the slower."""
    cpu_s = _step_s(trial_on, "cpu", clock)
    try:
        gpu_s = _step_s(trial_on, "mps", clock)
    except (RuntimeError, TypeError) as error:  # an operation, or a type, that it has not
        why = (str(error).splitlines() or [type(error).__name__])[0]
        return Choice("device", "cpu", f"the GPU cannot do a training step: {why}")
    reason = f"a training step takes {cpu_s:.2g} s on the CPU, {gpu_s:.2g} s on the GPU"
    return Choice("device", "mps" if gpu_s < cpu_s else "cpu", reason)


def _step_s(trial_on: Callable[[str], Trial], device: str, clock: Callable[[], float]) -> float:
    """The median time of a step; the first one, which makes codebooks and kernels, counts only
    where it takes all the time there is.
    """
    until = clock() + TRIAL_S / 2
    trial = trial_on(device)
    steps_s: list[float] = []
    try:
        while len(steps_s) <= MOST_STEPS:
            began = clock()
            likely_s = steps_s[-1] if len(steps_s) > 1 else 0.0
            if steps_s and began + likely_s >= until:
                break
            trial.step()
            steps_s.append(clock() - began)
    finally:
        trial.close()
    return statistics.median(steps_s[1:] or steps_s)


class CodecTrial:
    """Steps of the codec that a run is about to train, on noise in place of its sounds."""

    def __init__(self, config: TrainConfig, device: str) -> None:
        self.config, self.device = config, torch.device(device)
        samples = round(config.data.segment_s * config.mel.sample_rate_hz)
        self.waveform = torch.randn(config.data.batch_size, 1, samples) / 10
        self.spectrogram = LogMel(spectrogram_config(config)).to(self.device)
        self.model = ConvVQVAE(network_config(config)).to(self.device)
        own = config.optimizer
        self.optimizer = Muon(
            self.model.parameters(),
            lr=LEARNING_RATE,
            momentum=own.momentum,
            betas=(own.betas[0], own.betas[1]),
            weight_decay=0.1,
            no_layers=self.model.quantizer.parameters(),
        )

    def step(self) -> None:
        """From a batch's waveform to the network's next weights."""
        config = self.config
        with torch.no_grad():
            mel = self.spectrogram(self.waveform.to(self.device))
        sounding = torch.ones(len(mel), mel.shape[-1], dtype=torch.bool, device=self.device)
        output = self.model(mel, sounding)
        loss = loss_of(
            output.plain_mel,
            mel,
            output.commitment,
            commitment_weight=config.model.commitment_weight,
            penalty=output.penalty,
            kind=partial(plugins.load(plugins.LOSS, config.loss.type), **config.loss.options),
            frame_weights=sounding.float(),
            std_db=self.spectrogram.config.std_db,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.trainer.gradient_clip_val)
        self.optimizer.step()
        if self.device.type == "mps":
            torch.mps.synchronize()

    def close(self) -> None:
        """Let go of the network; what the GPU holds for it goes back to the system."""
        del self.model, self.optimizer
        if self.device.type == "mps":
            torch.mps.empty_cache()
