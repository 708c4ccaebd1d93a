"""batches of segments → a trained HiFi-GAN generator: on a spectral loss, then against
discriminators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from distill.data.segments import Segment
from distill.model.quantizer import NonFiniteError, require_finite
from distill.training.vocoder.discriminators import (
    Discriminators,
    discriminator_loss,
    feature_loss,
    generator_loss,
)
from distill.training.vocoder.module import BETAS, VocoderModule
from distill.vocoder.hifigan_network import HifiGanNetwork

CROP_FRAMES = 32
"""Frames in a row, at a random place of each segment, that are made into sound."""
MEL_WEIGHT, FEATURE_WEIGHT = 45.0, 2.0
"""As in the paper; the mel loss is in nepers."""
DECIBELS_A_NEPER = 8.685889638
WINDOWS = (512, 1024, 2048)
"""Of the spectral loss, besides the mels."""
QUIETEST = 1e-5
CRITICS = "critics."


class HifiGanModule(VocoderModule):
    """Trains a HifiGanNetwork as in arXiv:2010.05646, from mels of which some are decoded.

    `loss` is the mel error of its sounds in dB; what is minimised holds the other terms, too.
    """

    model: HifiGanNetwork
    end_steps, closing_steps = 2.0, 3.0  # of its steps, which have discriminators
    terms = ("loss", "spectral", "features", "adversarial", "discriminator")
    automatic_optimization = False

    def __init__(
        self, *args: Any, spectral_steps: int, discriminator_channels: int, **options: Any
    ) -> None:
        """Other options as for VocoderModule; the discriminators begin after `spectral_steps`
        steps.
        """
        super().__init__(*args, **options)
        self.spectral_steps = spectral_steps
        self.discriminator_channels = discriminator_channels

    def build(self) -> HifiGanNetwork:
        """The generator, with normalised weights while it is trained."""
        network = HifiGanNetwork(self.network_config)
        if self.start is not None:
            self.start(network)
        for layer in network.modules():
            if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d):
                weight_norm(layer)
        return network

    def configure_model(self) -> None:
        """Build the generator and the discriminators."""
        super().configure_model()
        if not hasattr(self, "critics"):
            self.critics = Discriminators(self.discriminator_channels)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One for the generator, one for the discriminators."""
        return [
            torch.optim.AdamW(
                network.parameters(), lr=self.lr, betas=BETAS, weight_decay=self.weight_decay
            )
            for network in (self.model, self.critics)
        ]

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        """A batch of segments → the terms of the generator's loss, and `total`; before that, the
        discriminators learn from it.
        """
        true, made = self._crops(batch["waveform"])
        of_generator, of_critics = self.optimizers()  # type: ignore[attr-defined]
        mel = self._mel_error(true, made)
        zero = mel.new_zeros(())
        terms = dict.fromkeys(self.terms, zero) | {"loss": mel.detach() * DECIBELS_A_NEPER}
        if self.step < self.spectral_steps:
            terms["spectral"] = spectral_loss(true, made)
            terms["total"] = MEL_WEIGHT * mel + terms["spectral"]
        else:
            against = discriminator_loss(self.critics(true), self.critics(made.detach()))
            self._update(of_critics, against, self.critics.parameters())
            terms["discriminator"] = against.detach()
            self.critics.requires_grad_(False)
            of_true, of_made = self.critics(true), self.critics(made)
            self.critics.requires_grad_(True)
            terms["features"] = feature_loss(of_true, of_made)
            terms["adversarial"] = generator_loss(of_made)
            terms["total"] = (
                MEL_WEIGHT * mel + FEATURE_WEIGHT * terms["features"] + terms["adversarial"]
            )
        self._update(of_generator, terms.pop("total"), self.model.parameters())
        return {name: value.detach() for name, value in terms.items()}, len(true)

    def _update(self, optimizer: Any, loss: Tensor, parameters: Iterable[nn.Parameter]) -> None:
        """A step of one optimizer. Raises NonFiniteError, and changes nothing, where the loss or
        its gradient is not finite.
        """
        require_finite(loss, "the loss is NaN or infinite", on_all_ranks=False)
        optimizer.zero_grad()
        self.manual_backward(loss)
        norm = nn.utils.clip_grad_norm_(parameters, self.limits.gradient_clip_val)
        if not torch.isfinite(norm):
            optimizer.zero_grad()
            raise NonFiniteError("the gradient is NaN or infinite")
        optimizer.step()

    def held_out(self, waveform: Tensor) -> dict[str, Tensor]:
        """Waveforms (B, 1, T) → the mel error of their sounds in dB."""
        mel = self.decibels(waveform, decoded=len(waveform))
        made = self.model(mel)[:, : waveform.shape[-1]]
        true = waveform[:, 0, : made.shape[-1]]
        return {"loss": self._mel_error(true, made) * DECIBELS_A_NEPER}

    def _crops(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (B, 1, T) → a random piece of each, true and made, (B, t)."""
        hop = self.codec.spectrogram.config.hop_length
        mel = self.decibels(waveform, decoded=self.decoded_of(waveform))
        whole = waveform.shape[-1] // hop
        frames = min(CROP_FRAMES, whole)
        first = torch.randint(whole - frames + 1, (len(waveform),)).tolist()
        crops = torch.stack([each[:, f : f + frames] for each, f in zip(mel, first, strict=True)])
        true = [
            each[f * hop : (f + frames) * hop]
            for each, f in zip(waveform[:, 0], first, strict=True)
        ]
        return torch.stack(true), self.model(crops)

    def _mel_error(self, true: Tensor, made: Tensor) -> Tensor:
        """Waveforms (B, t) → mean absolute difference of their mels, in nepers."""
        spectrogram = self.codec.spectrogram
        with torch.autocast(self.device.type, enabled=False):
            mels = [
                spectrogram.magnitude(each[:, None].float()).clamp(min=spectrogram.config.floor)
                for each in (true, made)
            ]
        return (mels[0].log() - mels[1].log()).abs().mean()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor | None:
        """One batch; skipped if something in it is not finite."""
        loss = super().training_step(batch, batch_idx)
        if loss is not None:
            self._skipped_in_a_row = 0
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out the discriminators while they have learnt nothing: they are large."""
        super().on_save_checkpoint(checkpoint)
        if self.step < self.spectral_steps:
            weights = checkpoint["state_dict"]
            for name in [name for name in weights if name.startswith(CRITICS)]:
                del weights[name]

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load weights; discriminators that were left out stay as they were built."""
        own = {name: value for name, value in self.state_dict().items() if name.startswith(CRITICS)}
        return super().load_state_dict({**own, **state_dict}, strict, assign)


def spectral_loss(true: Tensor, made: Tensor) -> Tensor:
    """Waveforms (B, t) → spectral convergence and error of log-magnitudes, over several windows
    (arXiv:1910.11480).
    """
    losses = []
    for size in WINDOWS:
        window = torch.hann_window(size, device=true.device)
        one, other = (
            torch.stft(each.float(), size, size // 4, window=window, return_complex=True).abs()
            for each in (true, made)
        )
        apart = (one - other).norm() / one.norm().clamp(min=QUIETEST)
        logs = [each.clamp(min=QUIETEST).log() for each in (one, other)]
        losses.append(apart + (logs[0] - logs[1]).abs().mean())
    return torch.stack(losses).mean()
