"""batches of segments → losses, held-out figures and codebook health: the codec's module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.level_health import SideHealth
from distill.codec.yardstick import held_out_figures, rate
from distill.data.datamodule import SegmentDataModule
from distill.data.segments import Segment, shift_mel_bins
from distill.errors import RunError
from distill.model.config import VQVAEConfig
from distill.model.layout import CodeLayout
from distill.model.loss import Loss, MelLoss, loss_of, mel_loss
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.quantizer import Quantizer, require_finite
from distill.model.vqvae import ConvVQVAE
from distill.plugins import QUANTIZER, load
from distill.runs.rows import EpochRow
from distill.settings.schema import HealthConfig, OptimizerConfig
from distill.training.codec.charts import codec_charts
from distill.training.codec.content import bundle_content
from distill.training.codec.health import count_codes, health_of
from distill.training.codec.onset_probe import OnsetProbe, onset_figures
from distill.training.codec.probe import CodebookProbe
from distill.training.records.means import LoudnessList, MelErrorMean, TermMeans
from distill.training.stage_module import StageModule
from distill.training.steps.muon import Muon
from distill.training.steps.schedule import StageLimits
from distill.vocoder.vocoder import Vocoder, default_vocoder


class CodecModule(StageModule):
    """Trains a ConvVQVAE."""

    stage = "codec"
    end_steps, closing_steps = 15.0, 6.0
    model: ConvVQVAE
    terms: tuple[str, ...] = ("loss", "reconstruction", "commitment")
    makes_bundles = True

    def __init__(
        self,
        vqvae: VQVAEConfig,
        spectrogram: SpectrogramConfig,
        *,
        limits: StageLimits,
        optimizer: OptimizerConfig,
        health: HealthConfig,
        padding_weight: float,
        start: Callable[[ConvVQVAE], None] | None,
        loss_kind: MelLoss = mel_loss,
        seed: int,
        origin: Mapping[str, Any],
    ) -> None:
        if load(QUANTIZER, vqvae.quantizer).penalty is not Quantizer.penalty:
            self.terms = (*self.terms, "penalty")
        super().__init__(limits=limits, optimizer=optimizer, seed=seed)
        self.vqvae_config = vqvae
        self.spectrogram = LogMel(spectrogram)
        self.health_config = health
        self.padding_weight = padding_weight
        self.loss_kind = loss_kind
        self.start = start
        """Gives the network the weights that it begins with; None for random ones."""
        self.origin = origin
        """What is known at the start of a bundle's `metadata` and `training_config`."""
        self.train_health: SideHealth | None = None
        self.val_health: SideHealth | None = None
        self.train_counts: Tensor | None = None
        """(L, K) on the CPU: how often each code is used; `train_health` is computed from it.
        Levels with fewer codes than others have zeros behind them.
        """
        self._val_loss = TermMeans(self.terms)
        self._mel_error = MelErrorMean()
        self._loudness = LoudnessList()
        self._val_counts: Tensor | None = None
        self._probe: CodebookProbe | None = None
        self._onset_probe: OnsetProbe | None = None
        self._health_step = -1

    def build(self) -> ConvVQVAE:
        """The network; with several ranks, they keep their codebooks equal."""
        model = ConvVQVAE(self.vqvae_config, sync_codebook=self.several_ranks)
        if self.start is not None:
            self.start(model)
        return model

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Muon; its learning rate is set before each step. Weights decay to those given."""
        config = self.optimizer_config
        assert config.lr is not None
        assert config.weight_decay is not None
        return Muon(
            self.model.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            betas=(config.betas[0], config.betas[1]),
            weight_decay=config.weight_decay,
            to_start=self.start is not None,
            no_layers=self.model.quantizer.parameters(),
        )

    @property
    def layout(self) -> CodeLayout:
        """Which codes a column has."""
        return self.vqvae_config.layout(self.spectrogram.config.n_mels)

    @property
    def identity(self) -> object:
        """Fingerprint of the sounds, and the network's configuration."""
        return self.origin["metadata"]["dataset_fingerprint"], self.vqvae_config

    def losses(self, batch: Segment) -> tuple[dict[str, Tensor], int]:
        """A batch of segments, each mel shifted by its `shift_bins` → the terms of the loss."""
        with torch.no_grad():
            mel = self.spectrogram.normalise(self._magnitude(batch["waveform"]))
            mel = shift_mel_bins(mel, cast(Tensor, batch["shift_bins"]))
        require_finite(mel, "the batch holds NaN or infinity", on_all_ranks=self.several_ranks)
        loss = self._loss(mel, self._sounding_frames(batch, mel))[0]
        return loss.terms, len(mel)

    @property
    def can_be_saved(self) -> bool:
        """Whether the codebooks were made, by the first step that was not skipped."""
        return self.model.initialised

    def check_trainable(self) -> None:
        """Raise RunError while the codebooks are empty."""
        if not self.model.initialised:
            raise RunError("no step of the first epoch was finite: the codebooks are still empty")

    def add_held_out(self, batch: Segment) -> None:
        """Add a batch's loss, mel error and codes to the held-out figures."""
        magnitude = self._magnitude(batch["waveform"])
        sounding = self._sounding_frames(batch, magnitude)
        with torch.autocast(self.device.type, enabled=False):  # float32, as when the model is used
            loss, decoded, indices = self._loss(self.spectrogram.normalise(magnitude), sounding)
        sounds = int(cast(Tensor, batch["sound_end"]).count_nonzero())
        self._val_loss.add(loss.terms, sounds)
        mels_db = self.spectrogram.decibels(magnitude), self.spectrogram.to_decibels(decoded)
        self._mel_error.add(*mels_db, sounding)
        self._loudness.add(*mels_db, sounding)
        counts = count_codes(
            indices,
            sounding,
            stride=self.model.stride,
            codebook_size=max(self.layout.sizes),
        )
        self._val_counts = counts if self._val_counts is None else self._val_counts + counts

    def close_held_out(self) -> dict[str, float]:
        """Return the held-out loss, mel error, onset and level; measure both sides' health."""
        mel_db = self._mel_error.take(self.over_ranks)
        loud = self._loudness.take(self.over_ranks, **self._place)
        val = self._val_loss.take(self.over_ranks)
        counts, self._val_counts = self._val_counts, None
        if self.trainer.sanity_checking or counts is None:
            return {}
        self.val_health = health_of(self.over_ranks(counts), self.layout)
        self.measure_health()
        figures = {"val/loss": val["loss"], "val/mel_db": mel_db} | self._onset()
        if loud is not None:
            figures["val/level_db"] = loud.median_db
            figures["val/level_10_db"], figures["val/level_90_db"] = loud.low_db, loud.high_db
        return figures

    def _onset(self) -> dict[str, float]:
        """Onset error and peak loss of the current weights; empty without audible sounds."""
        if self._onset_probe is None:
            data, spectrogram = self._data, LogMel(self.spectrogram.config)
            self._onset_probe = OnsetProbe(data, spectrogram, **self._place)
        onset = onset_figures(self.over_ranks(self._onset_probe.measure(self.model, self.device)))
        if onset is None:
            return {}
        by_lead = {f"val/onset_{lead_s:g}_db": db for lead_s, db in onset.errors_db.items()}
        return {"val/onset_db": onset.error_db, "val/peak_db": onset.peak_db, **by_lead}

    @property
    def _data(self) -> SegmentDataModule:
        return cast(SegmentDataModule, self.trainer.datamodule)  # type: ignore[attr-defined]

    @property
    def _place(self) -> dict[str, int]:
        """This rank, and how many there are."""
        return {"rank": self.trainer.global_rank, "ranks": self.trainer.world_size}

    def measure_health(self) -> SideHealth:
        """Health of the current weights in eval mode over fixed training segments.

        Measured at most once for each step, so that the display, the charts and the bundle agree.
        """
        step = self.trainer.global_step
        if self.train_health is None or self._health_step != step:
            if self._probe is None:
                self._probe = CodebookProbe(
                    self._data,
                    LogMel(self.spectrogram.config),
                    stride=self.model.stride,
                    positions=self._probed_positions(),
                    **self._place,
                )
            counts = self._probe.count(self.model, self.device)
            self.train_counts = self.over_ranks(counts).cpu()
            self.train_health = health_of(self.train_counts, self.layout)
            self._health_step = step
        return self.train_health

    def _probed_positions(self) -> int:
        """How many positions are counted, so that each level has enough for each of its codes."""
        layout, per_code = self.layout, self.health_config.positions_per_code
        levels = zip(layout.sizes, layout.level_rows, strict=True)
        return max(-(-per_code * size * layout.rows // rows) for size, rows in levels)

    def epoch_details(self) -> dict[str, Any]:
        """`health` of the levels on the training side, and `closeness` of the held-out sounds."""
        rating = rate(held_out_figures(self.history.last()))
        details: dict[str, Any] = {"closeness": rating.closeness.value} if rating else {}
        return details | ({"health": self.train_health.report()} if self.train_health else {})

    def lines_of(self, row: EpochRow) -> list[str]:
        """An epoch's row as text for the terminal, with a mark on levels that are hardly used."""
        return row.lines(min_utilization=self.health_config.min_utilization)

    def metrics(self) -> dict[str, float]:
        """The figures of each level's health, on both sides."""
        metrics: dict[str, float] = {}
        for side, prefix in ((self.train_health, ""), (self.val_health, "val_")):
            if side is None:
                continue
            metrics[f"codebook/{prefix}positions"] = side.positions
            for level, figures in side.snapshot().items():
                for figure, value in figures.items():
                    metrics[f"codebook/{level}/{prefix}{figure}"] = value
        return metrics

    def charts(self) -> dict[str, dict[str, Sequence[Any]]]:
        """Of the codebooks, the losses, and what is heard."""
        return codec_charts(self.vqvae_config.num_quantizers, self.vqvae_config.low_levels)

    def bundle_fields(self) -> dict[str, Any]:
        """Everything in a bundle except the weights."""
        return bundle_content(
            self.vqvae_config,
            self.spectrogram.config,
            origin=self.origin,
            history=self.history,
            health=self.measure_health(),
        )

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state of the run; the model keeps its id, and says of its sounds what they
        are by now.
        """
        super().on_load_checkpoint(checkpoint)
        before, now = checkpoint["distill"]["bundle"]["metadata"], self.origin["metadata"]
        sounds = {key: now[key] for key in now if key.startswith("dataset_")}
        self.origin = {**self.origin, "metadata": {**before, **sounds}}

    @property
    def codec(self) -> Codec:
        """The codec as it is now; in eval mode while it is validated, and after the training."""
        metadata = self.origin["metadata"]
        return Codec(self.model, self.spectrogram, metadata["name"], metadata["model_id"])

    def vocoders(self) -> dict[str, Vocoder]:
        """What makes the sound of previews and of the page."""
        return {"result": default_vocoder(self.spectrogram)}

    def _loss(self, mel: Tensor, sounding: Tensor) -> tuple[Loss, Tensor, Tensor]:
        """Mel (B, 1, M, F) and sounding frames (B, F) → loss, decoded mel (B, 1, M, F), codes
        (B, H, W, L).
        """
        output = self.model(mel, sounding)
        loss = loss_of(
            output.plain_mel,
            mel,
            output.commitment,
            commitment_weight=self.vqvae_config.commitment_weight,
            penalty=output.penalty,
            kind=self.loss_kind,
            frame_weights=torch.where(sounding, 1.0, self.padding_weight),
            std_db=self.spectrogram.config.std_db,
        )
        return loss, output.mel, output.indices.unflatten(1, self.model.grid_shape(*mel.shape[-2:]))

    def _magnitude(self, waveform: Tensor) -> Tensor:
        with torch.autocast(waveform.device.type, enabled=False):
            return self.spectrogram.magnitude(waveform.float())

    def _sounding_frames(self, batch: Segment, mel: Tensor) -> Tensor:
        """A batch and its mel (B, 1, M, F) → (B, F) bool: frames that hold sound."""
        begins, ends = cast(Tensor, batch["sound_begin"]), cast(Tensor, batch["sound_end"])
        return self.spectrogram.sounding_frames(begins, ends, frames=mel.shape[-1])
