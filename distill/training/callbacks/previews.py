"""the same validation clips every few epochs → WAV pairs and a mel picture, in the run folder and
TensorBoard.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import lightning
import numpy as np
from torch import Tensor

from distill.audio.writer import write_sound
from distill.codec.codec import Codec
from distill.data.datamodule import SegmentDataModule
from distill.errors import WriteError
from distill.model.mel import LogMel
from distill.runs.folder import PREVIEWS
from distill.system.atomic import whole_file
from distill.system.paths import from_here
from distill.system.terminal import say
from distill.training.callbacks.tensorboard_charts import writers
from distill.training.clips import choose_clips, clip_labels, clip_part
from distill.training.steps.schedule import is_shown
from distill.vocoder.vocoder import Vocoder

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
    such as `previews/epoch_0010/`, or `previews/vocoder_epoch_0010/` for another stage.
    """

    def __init__(
        self, *, run_dir: Path, model_name: str, every_n_epochs: int, clips: int, prefix: str = ""
    ) -> None:
        self.folder = run_dir / PREVIEWS
        self.prefix, self.tag = prefix and f"{prefix}_", prefix and f"{prefix}/"
        self.model_name = model_name
        self.every_n_epochs = every_n_epochs
        self.clips = clips
        self._announced = False

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write previews after the first epoch, the last one, and every few between."""
        epoch = trainer.current_epoch + 1
        last = epoch == trainer.max_epochs or trainer.should_stop
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        if last or is_shown(epoch, self.every_n_epochs):
            try:
                self.write(trainer, cast(SoundingModule, pl_module), epoch)
            except (OSError, WriteError) as error:  # no reason to end the training
                cause = error if isinstance(error, OSError) else error.__cause__
                why = getattr(cause, "strerror", None) or error
                log.warning("epoch %d: preview not written: %s", epoch, why)
            else:
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
        segments = cast(SegmentDataModule, trainer.datamodule).val  # type: ignore[attr-defined]
        codec, vocoders = module.codec, module.vocoders()
        spectrogram = codec.spectrogram
        rate_hz = spectrogram.config.sample_rate_hz
        folder = self.folder / self._folder_name(epoch)
        folder.mkdir(parents=True, exist_ok=True)
        mels, chosen = [], choose_clips(segments, self.clips)
        names = [segments.name(index) for index in chosen]
        labels = clip_labels(names)
        for number, (index, name) in enumerate(zip(chosen, names, strict=True)):
            clip = segments[index]
            coded = codec.code(clip["waveform"])
            sounds = {label: codec.sound(coded, each) for label, each in vocoders.items()}
            takes = {"original": clip["waveform"][0], **sounds}
            for label, waveform in takes.items():
                heard = waveform[None, clip["sound_begin"] : clip["sound_end"]].clamp(-1, 1)
                write_sound(
                    folder / f"{number + 1}_{clip_part(name)}_{label}.wav",
                    [heard],
                    sample_rate_hz=rate_hz,
                    channels=1,
                    samples=heard.shape[1],
                    model=self.model_name,
                )
                for writer in writers(trainer):
                    tag = f"{self.tag}audio/{labels[number]}/{label}"
                    writer.add_audio(tag, heard, epoch, sample_rate=rate_hz)
            mels.append([self._mel(spectrogram, takes[label]) for label in ("original", "result")])
        picture = self._picture(mels, names, spectrogram)
        self._write_png(folder / "mels.png", picture)
        for writer in writers(trainer):
            writer.add_image(
                f"{self.tag}mel/original_above_result", picture, epoch, dataformats="HWC"
            )

    @staticmethod
    def _mel(spectrogram: LogMel, waveform: Tensor) -> Tensor:
        """Waveform (T,) → its mel in dB (M, F)."""
        device = spectrogram.filters.device
        magnitude = spectrogram.magnitude(waveform[None, None].to(device))
        return spectrogram.decibels(magnitude)[0, 0].cpu()

    @staticmethod
    def _picture(mels: list[list[Tensor]], names: list[str], spectrogram: LogMel) -> np.ndarray:
        # imports matplotlib, which a run without previews does not need
        from distill.training.codec.pictures import draw_mel_pairs

        originals, results = zip(*mels, strict=True)
        return draw_mel_pairs(originals, results, [_caption(name) for name in names], spectrogram)

    @staticmethod
    def _write_png(path: Path, picture: np.ndarray) -> None:
        from PIL import Image

        with whole_file(path) as partial:
            Image.fromarray(picture).save(partial, format="PNG")


def _caption(name: str) -> str:
    """A sound file's name → the title above its picture, at most 36 characters."""
    shown = name.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")
    return shown if len(shown) <= 36 else f"{shown[:33]}..."
