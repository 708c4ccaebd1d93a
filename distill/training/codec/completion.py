"""configuration with nulls + collection → the nulls filled in, and the reason for each value."""

from __future__ import annotations

from dataclasses import asdict, replace

import torch

from distill.data.datamodule import SegmentDataModule
from distill.data.source import Source
from distill.model import sizing
from distill.model.config import VQVAEConfig
from distill.model.layout import ROWS_PER_LOW_ROW
from distill.model.mel import LogMel, SpectrogramConfig
from distill.model.sizing import Choice
from distill.model.starter import difference_from_starter
from distill.plugins import QUANTIZER, load
from distill.settings.schema import TrainConfig
from distill.training.budget import SHARE_WITH_BASE
from distill.training.codec.fitting import fitting_codebook_size, training_vectors

NORMALISATION_SEGMENTS = 256


def complete(
    config: TrainConfig, source: Source, data: SegmentDataModule, *, has_base: bool = False
) -> list[Choice[float | str]]:
    """Fill in the settings that are null, in place; return what was chosen and why. A network that
    `has_base` begins with the weights of a model, and needs fewer epochs.
    """
    choices: list[Choice[float | str]] = []
    rvq, trainer, segments = config.rvq, config.trainer, len(data.train)
    vectors = training_vectors(config, data.train)
    if rvq.codebook_size is None:
        size = fitting_codebook_size(config, source.files, vectors)
        kind = load(QUANTIZER, config.quantizer.type)
        possible = kind.possible_size(size.value, config.quantizer.options)
        if possible != size.value:
            reason = f"{size.reason}; {config.quantizer.type} can have no more"
            size = replace(size, value=possible, reason=reason)
        rvq.codebook_size = size.value
        choices.append(size)
    if rvq.low_levels and rvq.low_codebook_size is None:
        low = sizing.low_codebook_size(
            rvq.codebook_size, training_vectors=vectors // ROWS_PER_LOW_ROW
        )
        rvq.low_codebook_size = low.value
        choices.append(low)
    if rvq.decay is None:
        decay = sizing.decay(source.files)
        rvq.decay = decay.value
        choices.append(decay)
    threshold = sizing.dead_code_threshold(
        rvq.dead_code_threshold,
        vectors_per_step=round(config.data.batch_size * vectors / segments),
        codebook_size=rvq.codebook_size,
    )
    if threshold.value < rvq.dead_code_threshold:
        rvq.dead_code_threshold = threshold.value
        choices.append(threshold)
    if not load(QUANTIZER, config.quantizer.type).learns_by_use:
        reason = (
            f"the codes of {config.quantizer.type} are no moving averages; rvq.decay and "
            "rvq.dead_code_threshold are for the levels of the low rows alone"
        )
        choices.append(Choice("dead codes", "counted, not replaced", reason))
    if trainer.precision is None:
        trainer.precision = precision_for(trainer.accelerator)
    _measure_normalisation(config, data)
    choices += _complete_starter(config)
    knows_mels = has_base or config.model.starter is not None
    if trainer.max_epochs is None and trainer.max_minutes is None:
        epochs = sizing.max_epochs(
            segments,
            epoch_segments=data.epoch_segments,
            starter=knows_mels,
            share=SHARE_WITH_BASE if has_base else 1,
        )
        trainer.max_epochs = epochs.value
        choices.append(epochs)
    return [*choices, *_complete_optimizer(config, knows_mels=knows_mels)]


def _complete_starter(config: TrainConfig) -> list[Choice[str]]:
    """Turn off starter weights that do not fit; only when everything else is complete."""
    if config.model.starter is None:
        return []
    reason = difference_from_starter(network_config(config), spectrogram_config(config))
    if reason is None:
        return []
    config.model.starter = None
    return [Choice("starter weights", "none", reason)]


def _complete_optimizer(config: TrainConfig, *, knows_mels: bool) -> list[Choice[float]]:
    optimizer, choices = config.optimizer, list[Choice[float]]()
    if optimizer.lr is None:
        rate = sizing.learning_rate(starter=knows_mels)
        optimizer.lr = rate.value
        choices.append(rate)
    if optimizer.weight_decay is None:
        decay = sizing.weight_decay(starter=knows_mels)
        optimizer.weight_decay = decay.value
        choices.append(decay)
    return choices


def network_config(config: TrainConfig) -> VQVAEConfig:
    """The network's configuration, from settings that are complete."""
    rvq, model = config.rvq, config.model
    assert rvq.codebook_size is not None
    assert rvq.decay is not None
    low_size = rvq.low_codebook_size if rvq.low_levels else 0
    assert low_size is not None
    return VQVAEConfig(
        codebook_dim=rvq.codebook_dim,
        codebook_size=rvq.codebook_size,
        num_quantizers=rvq.levels,
        decay=rvq.decay,
        commitment_weight=model.commitment_weight,
        threshold_ema_dead_code=rvq.dead_code_threshold,
        kmeans_iters=rvq.kmeans_iters,
        dropout=model.dropout,
        channels=model.channels,
        stride=model.stride,
        residual_units=model.residual_units,
        low_levels=rvq.low_levels,
        low_codebook_size=low_size,
        quantizer=config.quantizer.type,
        quantizer_options={**config.quantizer.options},
    )


def spectrogram_config(config: TrainConfig) -> SpectrogramConfig:
    """The mel front end's configuration, from settings that are complete."""
    assert config.mel.mean_db is not None
    assert config.mel.std_db is not None
    return SpectrogramConfig(**asdict(config.mel))


def precision_for(accelerator: str) -> str:
    """bf16-mixed if the device multiplies bf16 matrices several times as fast as float32 ones."""
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        apple = accelerator != "cpu" and torch.backends.mps.is_available()
        fast = not apple and bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def _measure_normalisation(config: TrainConfig, data: SegmentDataModule) -> None:
    """Measure mean and deviation of the training side's mels in dB, without the padding."""
    mel = config.mel
    if mel.mean_db is not None and mel.std_db is not None:
        return
    probe = LogMel(SpectrogramConfig(**{**asdict(mel), "mean_db": 0.0, "std_db": 1.0}))
    total = torch.zeros(3, dtype=torch.float64)
    for batch in data.fixed_train_loader(NORMALISATION_SEGMENTS):
        decibels = probe(batch["waveform"])[:, 0].transpose(1, 2)  # (B, F, M)
        begins, ends = map(torch.as_tensor, (batch["sound_begin"], batch["sound_end"]))
        sounding = probe.sounding_frames(begins, ends, frames=decibels.shape[1])
        values = decibels[sounding].double()
        total += torch.stack(
            [values.sum(), values.square().sum(), torch.tensor(float(values.numel()))]
        )
    mean = float(total[0] / total[2])
    mel.mean_db = mean if mel.mean_db is None else mel.mean_db
    mel.std_db = (
        max(1.0, float(total[1] / total[2]) - mean**2) ** 0.5 if mel.std_db is None else mel.std_db
    )
