"""batches of segments → steps, epoch figures, codebook health: the LightningModule."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

import lightning
import torch
from torch import Tensor

from distill.data.datamodule import SegmentDataModule
from distill.data.segments import Segment, shift_mel_bins
from distill.errors import RunError
from distill.model.loss import Loss, loss_of
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.quantizer import NonFiniteError, require_finite
from distill.model.vqvae import ConvVQVAE, VQVAEConfig
from distill.settings.schema import HealthConfig, OptimizerConfig, TrainerConfig
from distill.training.codec.content import content_of
from distill.training.codec.health import SideHealth, count_codes, health_of
from distill.training.codec.probe import CodebookProbe
from distill.training.finite import require_finite_weights
from distill.training.history import LossHistory, LossMean, MelErrorMean
from distill.training.muon import Muon
from distill.training.ranks.agreement import agree_on_time, no_loss, require_same, summed
from distill.training.schedule import RunClock, learning_rate
from distill.training.seeding import seed_generators

log = logging.getLogger(__name__)


class DistillModule(lightning.LightningModule):
    """Trains a ConvVQVAE. All randomness of a step is a function of (seed, step), so a resumed run
    repeats it.
    """

    model: ConvVQVAE

    def __init__(
        self,
        vqvae: VQVAEConfig,
        spectrogram: SpectrogramConfig,
        *,
        optimizer: OptimizerConfig,
        trainer: TrainerConfig,
        health: HealthConfig,
        padding_weight: float,
        seed: int,
        bundle_fields: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.vqvae_config = vqvae
        self.spectrogram = LogMel(spectrogram)
        self.optimizer_config = optimizer
        self.limits = trainer
        self.clock = RunClock(trainer)
        self.health_config = health
        self.padding_weight = padding_weight
        self.seed = seed
        self.bundle_fields = bundle_fields
        """What a bundle says of the run and its collection; weights and figures are added when it
        is written.
        """
        self.history = LossHistory()
        self.train_health: SideHealth | None = None
        self.val_health: SideHealth | None = None
        self.train_counts: Tensor | None = None
        """(L, K) on the CPU: how often each code is used, behind `train_health`."""
        self.skipped_steps = 0
        self._skipped_in_a_row = 0
        self._skipping = False
        self._train_loss = LossMean()
        self._val_loss = LossMean()
        self._mel_error = MelErrorMean()
        self._val_counts: Tensor | None = None
        self._probe: CodebookProbe | None = None
        self._health_step = -1
        self._stepped = False
        self.saved_content: dict[str, Any] = {}

    def configure_model(self) -> None:
        """Build the network when the process group exists, so that codebooks know whether to
        synchronise.
        """
        if not hasattr(self, "model"):
            torch.manual_seed(self.seed)
            self.model = ConvVQVAE(self.vqvae_config, sync_codebook=self.trainer.world_size > 1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Muon; its learning rate is set before each step by `schedule.learning_rate`."""
        config = self.optimizer_config
        return Muon(
            self.model.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            betas=(config.betas[0], config.betas[1]),
            weight_decay=config.weight_decay,
        )

    @property
    def step(self) -> int:
        """The step that is under way, skipped ones counted too, from 0."""
        return self.trainer.fit_loop.epoch_loop.total_batch_idx

    @property
    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        return self.clock.progress(self.step + 1, int(self.trainer.num_training_batches))

    @property
    def _several_ranks(self) -> bool:
        return bool(self.trainer.world_size > 1)

    def on_fit_start(self) -> None:
        """Start the clock."""
        self.clock.start()
        sounds = self.bundle_fields["metadata"]["dataset_fingerprint"]
        require_same(self.trainer, (sounds, self.vqvae_config))

    def on_train_batch_start(self, batch: Segment, batch_idx: int) -> None:
        """Set the step's random state and learning rate."""
        agree_on_time(self.trainer, self.clock)
        seed_generators((self.seed * 1_000_003 + self.step) % 2**63, self.device)
        rate = learning_rate(self.optimizer_config, step=self.step, progress=self.progress)
        for group in self.optimizers(use_pl_optimizer=False).param_groups:  # type: ignore[union-attr]
            group["lr"] = rate

    def training_step(self, batch: Segment, batch_idx: int) -> Tensor | None:
        """Loss of one batch, or None if it is skipped because something in it is not finite."""
        self._skipping = False
        with torch.no_grad():
            mel = self.spectrogram.normalise(self._magnitude(batch["waveform"]))
            mel = shift_mel_bins(mel, cast(Tensor, batch["shift_bins"]))
        several = self._several_ranks
        try:
            require_finite(mel, "the batch holds NaN or infinity", on_all_ranks=several)
            loss = self._loss(mel, self._sounding(batch, mel))[0]
            require_finite(loss.total, "the loss is NaN or infinite", on_all_ranks=several)
        except NonFiniteError as error:
            self._skip(str(error))
            return no_loss(self.model) if several else None
        self._train_loss.add(loss, len(mel))
        return loss.total

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient's norm; drop a gradient that is not finite, so that the step changes
        nothing.
        """
        if self._skipping:  # there is no gradient to judge, and the weights stay as they are
            optimizer.zero_grad(set_to_none=True)
            return
        norm = torch.nn.utils.clip_grad_norm_(
            self.model.parameters(), self.limits.gradient_clip_val
        )
        if not torch.isfinite(norm):
            optimizer.zero_grad(set_to_none=True)
            self._skip("the gradient is NaN or infinite")
        else:
            self._skipped_in_a_row = 0

    def on_train_batch_end(self, outputs: Any, batch: Segment, batch_idx: int) -> None:
        """End the run when its time is up; the epoch is closed with what it has."""
        if not self._stepped:
            self._stepped = True
            log.info("first step done")
        if self.clock.time_is_up:
            self.trainer.should_stop = True

    def _skip(self, reason: str) -> None:
        self._skipping = True
        self.skipped_steps += 1
        self._skipped_in_a_row += 1
        log.warning("step %d skipped: %s", self.step, reason)
        require_finite_weights(self.model)
        if self._skipped_in_a_row >= self.limits.max_bad_steps:
            raise RunError(
                f"training stopped: {self._skipped_in_a_row} steps in a row were not finite, "
                f"last: {reason}; "
                "try a lower optimizer.lr, and go on from the last good checkpoint with resume="
            )

    def on_validation_start(self) -> None:
        """Measure no empty codebooks, and nothing that the last step spoilt."""
        if not self.model.quantizer.initialised:
            raise RunError("no step of the first epoch was finite: the codebooks are still empty")
        require_finite_weights(self.model)

    def validation_step(self, batch: Segment, batch_idx: int) -> None:
        """Add a batch to the epoch's held-out figures."""
        magnitude = self._magnitude(batch["waveform"])
        sounding = self._sounding(batch, magnitude)
        with torch.autocast(self.device.type, enabled=False):  # as precise as the saved model is
            loss, decoded, indices = self._loss(self.spectrogram.normalise(magnitude), sounding)
        sounds = int(cast(Tensor, batch["sounding"]).count_nonzero())
        self._val_loss.add(loss, sounds)
        self._mel_error.add(
            self.spectrogram.decibels(magnitude),
            self.spectrogram.to_decibels(decoded),
            sounding,
        )
        counts = count_codes(
            indices,
            sounding,
            stride=self.model.stride,
            codebook_size=self.vqvae_config.codebook_size,
        )
        self._val_counts = counts if self._val_counts is None else self._val_counts + counts

    def on_validation_epoch_end(self) -> None:
        """Close the epoch: history, health, and the figures that checkpoints watch."""
        mel_db = self._mel_error.take(self._over_ranks)
        val = self._val_loss.take(self._over_ranks)
        counts, self._val_counts = self._val_counts, None
        if self.trainer.sanity_checking or counts is None:
            return
        self.val_health = health_of(self._over_ranks(counts))
        self.measure_health()
        self.history.close_epoch(self._train_loss.take(self._over_ranks), val, mel_db)
        self.log_dict(self.history.epoch_metrics(), logger=False, sync_dist=True)
        agree_on_time(self.trainer, self.clock)
        if self.clock.time_is_nearly_up:
            self.trainer.should_stop = True

    def measure_health(self) -> SideHealth:
        """Health of the current weights in eval mode over fixed training segments.

        Measured once a step, so that the display, the charts and the bundle tell the same.
        """
        step = self.trainer.global_step
        if self.train_health is None or self._health_step != step:
            if self._probe is None:
                self._probe = CodebookProbe(
                    cast(SegmentDataModule, self.trainer.datamodule),  # type: ignore[attr-defined]
                    LogMel(self.spectrogram.config),
                    stride=self.model.stride,
                    positions=self.health_config.positions_per_code
                    * self.vqvae_config.codebook_size,
                    rank=self.trainer.global_rank,
                    ranks=self.trainer.world_size,
                )
            counts = self._probe.count(self.model, self.device)
            self.train_counts = self._over_ranks(counts).cpu()
            self.train_health = health_of(self.train_counts)
            self._health_step = step
        return self.train_health

    def _loss(self, mel: Tensor, sounding: Tensor) -> tuple[Loss, Tensor, Tensor]:
        """Mel (B, 1, M, F) and sounding frames (B, F) → loss, decoded mel of the first's shape,
        codes (B, H, W, L).
        """
        output = self.model(mel, sounding)
        loss = loss_of(
            output.mel,
            mel,
            output.commitment,
            commitment_weight=self.vqvae_config.commitment_weight,
            frame_weights=torch.where(sounding, 1.0, self.padding_weight),
        )
        return loss, output.mel, output.indices.unflatten(1, self.model.grid_shape(*mel.shape[-2:]))

    def _magnitude(self, waveform: Tensor) -> Tensor:
        with torch.autocast(waveform.device.type, enabled=False):
            return self.spectrogram.magnitude(waveform.float())

    def _sounding(self, batch: Segment, mel: Tensor) -> Tensor:
        return self.spectrogram.sounding(cast(Tensor, batch["sounding"]), frames=mel.shape[-1])

    def _over_ranks(self, values: Tensor) -> Tensor:
        return summed(self.trainer, values)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what resuming and turning the checkpoint into a bundle need, plain values only."""
        self.saved_content = content_of(self)
        checkpoint["distill"] = {
            "bundle": self.saved_content,
            "elapsed_s": self.clock.elapsed_s,
            "train_loss": self._train_loss.state_dict(self._over_ranks),
            "skipped_steps": self.skipped_steps,
            "skipped_in_a_row": self._skipped_in_a_row,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was made."""
        state = checkpoint["distill"]
        self.bundle_fields = {**self.bundle_fields, "metadata": state["bundle"]["metadata"]}
        self.history = LossHistory(**state["bundle"]["loss_curve_history"])
        self.clock.elapsed_before_s = state["elapsed_s"]
        if self.trainer.is_global_zero:  # it is that of all ranks
            self._train_loss.load_state_dict(state["train_loss"])
        self.skipped_steps = state["skipped_steps"]
        self._skipped_in_a_row = state["skipped_in_a_row"]
