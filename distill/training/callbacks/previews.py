"""the same clips every few epochs, one of each class → WAV pairs and a mel picture, in the run's
folder and TensorBoard.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import lightning
import numpy as np
from torch import Tensor

from distill.audio.writer import write_sound
from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.errors import WriteError
from distill.model.mel import LogMel
from distill.runs.folder import PREVIEWS
from distill.runs.progress import ProgressFile
from distill.runs.rows import ListenRow
from distill.system.atomic import whole_file
from distill.system.paths import from_here
from distill.system.terminal import say
from distill.training.callbacks.tensorboard_charts import writers
from distill.training.clips import KNOWN, Clip, choose_clips, told_apart
from distill.training.stage_module import StageModule
from distill.training.steps.aside import aside
from distill.training.steps.schedule import is_shown
from distill.vocoder.vocoder import Vocoder

EARLY_S = 20.0
"""If the first epoch takes longer, there is a preview within it, as that of epoch 0."""
FEW_CLASSES = 6
"""With less classes, there are several clips of each: so many together."""
PICTURE = "mels.png"
log = logging.getLogger(__name__)


class SoundingModule(Protocol):
    """The module of a stage whose results can be heard."""

    @property
    def codec(self) -> Codec:
        """The codec as it is now."""

    def vocoders(self) -> Mapping[str, Vocoder]:
        """Label of a take → what makes its sound; `result` is the stage's own."""


class Previews(lightning.Callback):
    """Writes 1_kick_original.wav, 1_kick_result.wav, ... and mels.png into a folder for the epoch,
    such as `previews/epoch_0010/`, or `previews/vocoder_epoch_0010/` for another stage. What the
    run learns from is `2_snare_known_original.wav`: no sound of its class is held out.
    """

    def __init__(
        self, *, run_dir: Path, model_name: str, every_n_epochs: int, clips: int, prefix: str = ""
    ) -> None:
        """`clips` is how many classes are shown at most."""
        self.folder = run_dir / PREVIEWS
        self.prefix, self.tag = prefix and f"{prefix}_", prefix and f"{prefix}/"
        self.model_name = model_name
        self.every_n_epochs = every_n_epochs
        self.clips = clips
        self._chosen: list[Clip] = []
        self._announced = False

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write a preview within the first epoch, if that is a long one: once in a stage, and not
        when it soon ends anyway.
        """
        module = cast(StageModule, pl_module)
        if self._announced or module.history.epochs or not trainer.is_global_zero:
            return
        if module.clock.elapsed_s < EARLY_S or module.progress > 0.5 or not module.can_be_saved:
            return
        if not (self.folder / self._folder_name(0) / PICTURE).exists():  # by the run before a stop
            with aside(pl_module):
                self._try_to_write(trainer, pl_module, 0)
        self._announced = True

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write previews after the first epoch, the last one, and every few between."""
        epoch = trainer.current_epoch + 1
        last = epoch == trainer.max_epochs or trainer.should_stop
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        if last or is_shown(epoch, self.every_n_epochs):
            self._try_to_write(trainer, pl_module, epoch)

    def _try_to_write(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, epoch: int
    ) -> None:
        try:
            self.write(trainer, cast(SoundingModule, module), epoch)
        except (OSError, WriteError) as error:  # no reason to end the training
            cause = error if isinstance(error, OSError) else error.__cause__
            why = getattr(cause, "strerror", None) or error
            log.warning("epoch %d: preview not written: %s", epoch, why)
        else:
            folder = f"{PREVIEWS}/{self._folder_name(epoch)}"
            ProgressFile(self.folder.parent).write(
                ListenRow(cast(StageModule, module).stage, folder)
            )
            self._announce(epoch)

    def _folder_name(self, epoch: int) -> str:
        return f"{self.prefix}epoch_{epoch:04d}"

    def _announce(self, epoch: int) -> None:
        """Print once where the first preview is."""
        if not self._announced:
            self._announced = True
            say(f"first preview to listen to: {from_here(self.folder / self._folder_name(epoch))}")

    def write(self, trainer: lightning.Trainer, module: SoundingModule, epoch: int) -> None:
        """Decode the clips with the current weights and write them."""
        codec, vocoders = module.codec, module.vocoders()
        spectrogram = codec.spectrogram
        rate_hz = spectrogram.config.sample_rate_hz
        folder = self.folder / self._folder_name(epoch)
        folder.mkdir(parents=True, exist_ok=True)
        mels, chosen = [], self._clips(trainer)
        tags = told_apart([clip.label for clip in chosen])
        digits = len(str(len(chosen)))
        for number, (clip, tag) in enumerate(zip(chosen, tags, strict=True), start=1):
            segment, stem = clip.segment, clip.label.replace("/", "_")
            coded = codec.code(segment["waveform"])
            sounds = {label: codec.sound(coded, each) for label, each in vocoders.items()}
            takes = {"original": segment["waveform"][0], **sounds}
            for label, waveform in takes.items():
                heard = waveform[None, segment["sound_begin"] : segment["sound_end"]].clamp(-1, 1)
                write_sound(
                    folder / f"{number:0{digits}}_{stem}_{label}.wav",
                    [heard],
                    sample_rate_hz=rate_hz,
                    channels=1,
                    samples=heard.shape[1],
                    model=self.model_name,
                )
                for writer in writers(trainer):
                    writer.add_audio(
                        f"{self.tag}audio/{tag}/{label}", heard, epoch, sample_rate=rate_hz
                    )
            mels.append([self._mel(spectrogram, takes[label]) for label in ("original", "result")])
        picture = self._picture(mels, [_caption(clip) for clip in chosen], spectrogram)
        self._write_png(folder / PICTURE, picture)
        for writer in writers(trainer):
            writer.add_image(
                f"{self.tag}mel/original_above_result", picture, epoch, dataformats="HWC"
            )

    def _clips(self, trainer: lightning.Trainer) -> list[Clip]:
        """The same in all epochs."""
        if not self._chosen:
            data = cast(SegmentDataModule, trainer.datamodule)  # type: ignore[attr-defined]
            wanted = min(FEW_CLASSES, self.clips)
            self._chosen = choose_clips(data, most=self.clips, wanted=wanted)
        return self._chosen

    @staticmethod
    def _mel(spectrogram: LogMel, waveform: Tensor) -> Tensor:
        """Waveform (T,) → its mel in dB (M, F)."""
        device = spectrogram.filters.device
        magnitude = spectrogram.magnitude(waveform[None, None].to(device))
        return spectrogram.decibels(magnitude)[0, 0].cpu()

    @staticmethod
    def _picture(mels: list[list[Tensor]], titles: list[str], spectrogram: LogMel) -> np.ndarray:
        # imports matplotlib, which a run without previews does not need
        from distill.training.codec.pictures import draw_mel_pairs

        originals, results = zip(*mels, strict=True)
        return draw_mel_pairs(originals, results, titles, spectrogram)

    @staticmethod
    def _write_png(path: Path, picture: np.ndarray) -> None:
        from PIL import Image

        with whole_file(path) as partial:
            Image.fromarray(picture).save(partial, format="PNG")


def _caption(clip: Clip) -> str:
    """The title above the picture of a clip: its name, at most 36 characters of it."""
    name = clip.name.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")
    shown = name if len(name) <= 36 else f"{name[:33]}..."
    return f"{shown} ({KNOWN})" if clip.is_known else shown
