"""Types and ranges of all keys in conf/. Their values are in the YAML files. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from distill.settings.vocoders import VocoderConfig
from distill.system.paths import path_of
from distill.system.ranges import not_empty, one_of, within

STAGES = ("codec", "vocoder", "prior")
"""The stages that a run can train, in this order."""
PRIOR_HEAD = 32
"""Width of one of the prior's attention heads."""
FOLDERS = "data.root"
"""The key whose value is a path or a list of paths."""
PATH_KEYS = (FOLDERS, "resume", "base", "data.cache_dir", "library.dir")
REMOVABLE = ("logger",)
"""Groups that can be left out."""


@dataclass
class AugmentConfig:
    """Small random changes to training crops; validation segments are not changed. Where crops
    begin is not part of it: they move without augmentation, too.
    """

    enabled: bool
    gain_db: float = field(metadata=within(0, 24))
    flip_polarity: bool
    shift_bins: int = field(metadata=within(0, 32))
    extra: list[str]


LARGEST_RUN_SEED = 2**31 - 1
"""Of `seed`, which a run splits and trains with."""


@dataclass
class DataConfig:
    """Where the sounds are, how they are split and how they are cut into segments."""

    root: Any
    val_fraction: float = field(metadata=within(0, 0.5, strictly_above=True))
    segment_s: float = field(metadata=within(0.05, 60))
    batch_size: int = field(metadata=within(1, 4096))
    epoch_segments: int | None = field(metadata=within(1, 10**6))
    num_workers: int = field(metadata=within(0, 64))
    min_duration_s: float = field(metadata=within(0, 60))
    silence_dbfs: float = field(metadata=within(-200, 0))
    cache_dir: str = field(metadata=not_empty())
    augment: AugmentConfig
    source: str = field(metadata=one_of("folder", "shards"))

    @property
    def folders(self) -> list[str]:
        """`root` as a list; empty for the demo collection."""
        if self.root is None:
            return []
        return [self.root] if isinstance(self.root, str) else list(self.root)

    @property
    def collection_name(self) -> str:
        """The names of the folders, or demo."""
        names = [path_of(folder).absolute().name for folder in self.folders]
        return "+".join(names[:3]) or "demo"


@dataclass
class MelConfig:
    """The mel front end; mean and deviation are measured on the collection if they are null."""

    sample_rate_hz: int = field(metadata=within(4000, 384000))
    n_fft: int = field(metadata=within(16, 65536))
    hop_length: int = field(metadata=within(4, 65536))
    n_mels: int = field(metadata=within(1, 1024))
    floor: float = field(metadata=within(1e-10, 1))
    mean_db: float | None = field(metadata=within(-400, 400))
    std_db: float | None = field(metadata=within(1e-3, 400))


@dataclass
class ModelConfig:
    """The convolutional network."""

    channels: int = field(metadata=within(1, 4096))
    stride: int = field(metadata=within(1, 64))
    residual_units: int = field(metadata=within(0, 16))
    dropout: float = field(metadata=within(0, 0.9))
    commitment_weight: float = field(metadata=within(0, 100))
    padding_weight: float = field(metadata=within(0, 1))
    starter: str | None = field(metadata=one_of("synthesised"))


@dataclass
class RvqConfig:
    """The residual vector quantiser; null values are chosen from the size of the collection."""

    levels: int = field(metadata=within(1, 8))
    codebook_size: int | None = field(metadata=within(2, 65536))
    low_levels: int = field(metadata=within(0, 16))
    low_codebook_size: int | None = field(metadata=within(2, 65536))
    codebook_dim: int = field(metadata=within(1, 4096))
    decay: float | None = field(metadata=within(0, 0.9999))
    dead_code_threshold: float = field(metadata=within(0, 1000))
    kmeans_iters: int = field(metadata=within(1, 1000))


DEFAULT_QUANTIZER, DEFAULT_LOSS = "residual_vq", "mel"
"""Without options, and thus known without looking at the part itself."""
LARGEST_CODEBOOK = 65536


@dataclass
class PartConfig:
    """A part that is chosen by name, distill's own or that of an installed package."""

    type: str = field(metadata=not_empty())
    options: dict[str, Any]


@dataclass
class OptimizerConfig:
    """Muon, and its learning rate: a short rise, then a fall along half a cosine."""

    lr: float | None = field(metadata=within(0, 1, strictly_above=True))
    momentum: float = field(metadata=within(0, 0.99999))
    betas: list[float] = field(metadata=within(0, 0.99999))
    weight_decay: float | None = field(metadata=within(0, 100))
    warmup_steps: int = field(metadata=within(0, 10**6))
    final_lr_fraction: float = field(metadata=within(0, 1))


@dataclass
class PriorStageConfig:
    """The network that makes new sounds, and how long it is trained. Null sizes are chosen from the
    number of codes that there are to learn from.
    """

    width: int | None = field(metadata=within(32, 4096))
    layers: int | None = field(metadata=within(1, 64))
    dropout: float | None = field(metadata=within(0, 0.9))
    batch_size: int = field(metadata=within(1, 4096))
    epoch_sounds: int | None = field(metadata=within(1, 10**6))
    lr: float = field(metadata=within(0, 1, strictly_above=True))
    weight_decay: float = field(metadata=within(0, 100))
    max_epochs: int | None = field(metadata=within(1, 10**6))
    max_minutes: float | None = field(metadata=within(0, 10**6, strictly_above=True))


@dataclass
class TrainerConfig:
    """How long to train, on which devices, in which precision. Null epochs are chosen from the size
    of the collection, null precision from the machine.
    """

    max_epochs: int | None = field(metadata=within(1, 10**6))
    max_minutes: float | None = field(metadata=within(0, 10**6, strictly_above=True))
    accelerator: str = field(metadata=one_of("auto", "cpu", "gpu", "cuda", "mps", "tpu"))
    devices: Any
    num_nodes: int = field(metadata=within(1, 10**4))
    strategy: str = field(metadata=not_empty())
    precision: str | None = field(metadata=one_of("32-true", "bf16-mixed", "16-mixed"))
    gradient_clip_val: float = field(metadata=within(0, 10**6, strictly_above=True))
    max_bad_steps: int = field(metadata=within(1, 10**6))


@dataclass
class HealthConfig:
    """Below which utilization a level is warned about, and how many positions are counted."""

    min_utilization: float = field(metadata=within(0, 1))
    positions_per_code: int = field(metadata=within(16, 10**4))


@dataclass
class LibraryConfig:
    """Where finished models are published."""

    dir: str = field(metadata=not_empty())


@dataclass
class LastCheckpointConfig:
    """The newest weights, with their bundle."""

    _target_: str = field(metadata=not_empty())
    every_n_minutes: float | None = field(metadata=within(0, 10**6, strictly_above=True))


@dataclass
class PreviewConfig:
    """Reconstructions to listen to and look at while training."""

    _target_: str = field(metadata=not_empty())
    every_n_epochs: int = field(metadata=within(1, 10**6))
    clips: int = field(metadata=within(1, 64))


@dataclass
class TensorBoardConfig:
    """Curves of each epoch, and within epochs if that is wanted."""

    _target_: str = field(metadata=not_empty())
    every_n_steps: int | None = field(metadata=within(1, 10**6))


@dataclass
class PlainCallbackConfig:
    """A callback without settings of its own."""

    _target_: str = field(metadata=not_empty())


@dataclass
class CallbacksConfig:
    """Each callback has its own YAML file; null turns it off. `extra` is for Lightning callbacks of
    your own.
    """

    codebook_health: PlainCallbackConfig | None = None
    previews: PreviewConfig | None = None
    progress: PlainCallbackConfig | None = None
    tensorboard: TensorBoardConfig | None = None
    best: PlainCallbackConfig | None = None
    last: LastCheckpointConfig | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class LoggerConfig:
    """A Lightning logger."""

    _target_: str = field(metadata=not_empty())
    name: str
    version: str


@dataclass
class TrainConfig:
    """The whole configuration, as composed by `conf/train.yaml`."""

    name: str | None = field(metadata=not_empty())
    seed: int = field(metadata=within(0, LARGEST_RUN_SEED))
    minutes: float | None = field(metadata=within(0, 10**6, strictly_above=True))
    resume: str | None = field(metadata=not_empty())
    stages: list[str] = field(metadata=one_of(*STAGES))
    base: str | None = field(metadata=not_empty())
    data: DataConfig
    mel: MelConfig
    model: ModelConfig
    rvq: RvqConfig
    quantizer: PartConfig
    loss: PartConfig
    optimizer: OptimizerConfig
    vocoder: VocoderConfig
    prior: PriorStageConfig
    trainer: TrainerConfig
    health: HealthConfig
    callbacks: CallbacksConfig
    logger: LoggerConfig | None
    library: LibraryConfig
