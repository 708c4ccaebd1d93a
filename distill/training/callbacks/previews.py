"""the same validation clips every few epochs → WAV pairs and a mel picture, in the run folder and
TensorBoard.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import lightning
import numpy as np
import torch

from distill.audio.writer import write_sound
from distill.data.datamodule import SegmentDataModule
from distill.errors import WriteError
from distill.system.atomic import whole_file
from distill.system.paths import from_here
from distill.system.terminal import say
from distill.training.callbacks.tensorboard_charts import writers
from distill.training.clips import choose_clips, file_part
from distill.training.codec.module import CodecModule
from distill.training.steps.schedule import is_shown
from distill.vocoder.vocoder import default_vocoder, vocode

log = logging.getLogger(__name__)


class Previews(lightning.Callback):
    """Writes 1_kick_original.wav, 1_kick_reconstruction.wav, ... and mels.png into a folder for
    the epoch, such as `previews/epoch_0010/`.
    """

    def __init__(self, *, run_dir: Path, model_name: str, every_n_epochs: int, clips: int) -> None:
        self.folder = run_dir / "previews"
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
                self.write(trainer, cast(CodecModule, pl_module), epoch)
            except (OSError, WriteError) as error:  # no reason to end the training
                cause = error if isinstance(error, OSError) else error.__cause__
                why = getattr(cause, "strerror", None) or error
                log.warning("epoch %d: preview not written: %s", epoch, why)
            else:
                self._announce(epoch)

    def _announce(self, epoch: int) -> None:
        """Print once where the first preview is."""
        if not self._announced:
            self._announced = True
            say(f"first preview to listen to: {from_here(self.folder / _folder_name(epoch))}")

    def write(self, trainer: lightning.Trainer, module: CodecModule, epoch: int) -> None:
        """Decode the clips with the current weights and write them."""
        segments = cast(SegmentDataModule, trainer.datamodule).val  # type: ignore[attr-defined]
        indices = choose_clips(segments, self.clips)
        clips = [segments[index] for index in indices]
        names = [segments.name(index) for index in indices]
        spectrogram = module.spectrogram
        with torch.inference_mode():
            waveforms = torch.stack([clip["waveform"] for clip in clips]).to(module.device)
            originals = spectrogram(waveforms)
            decoded = module.model(originals).mel.float()
        samples = waveforms.shape[-1]
        vocoder = default_vocoder(module.spectrogram.cpu())
        reconstructions = vocode(vocoder, decoded, samples=samples).numpy()
        spectrogram.to(module.device)
        picture = self._picture(
            spectrogram.to_decibels(originals), spectrogram.to_decibels(decoded), names, module
        )
        folder = self.folder / _folder_name(epoch)
        folder.mkdir(parents=True, exist_ok=True)
        for number, (clip, reconstruction) in enumerate(zip(clips, reconstructions, strict=True)):
            sound = slice(clip["sound_begin"], clip["sound_end"])
            pair = {
                "original": clip["waveform"][0, sound].numpy(),
                "reconstruction": reconstruction[sound],
            }
            for kind, waveform in pair.items():
                write_sound(
                    folder / f"{number + 1}_{file_part(names[number])}_{kind}.wav",
                    [torch.from_numpy(waveform)[None]],
                    sample_rate_hz=spectrogram.config.sample_rate_hz,
                    channels=1,
                    samples=len(waveform),
                    model=self.model_name,
                )
                self._log_audio(
                    trainer,
                    f"audio/clip_{number}/{kind}",
                    waveform,
                    spectrogram.config.sample_rate_hz,
                    epoch,
                )
        self._write_png(folder / "mels.png", picture)
        for writer in writers(trainer):
            writer.add_image("mel/original_above_reconstruction", picture, epoch, dataformats="HWC")

    @staticmethod
    def _picture(
        originals: torch.Tensor, decoded: torch.Tensor, names: list[str], module: CodecModule
    ) -> np.ndarray:
        # imports matplotlib, which a run without previews does not need
        from distill.training.codec.pictures import draw_mel_pairs

        return draw_mel_pairs(
            list(originals[:, 0].cpu()),
            list(decoded[:, 0].cpu()),
            [_caption(name) for name in names],
            module.spectrogram,
        )

    @staticmethod
    def _log_audio(
        trainer: lightning.Trainer, tag: str, waveform: np.ndarray, rate_hz: int, epoch: int
    ) -> None:
        clipped = np.clip(waveform, -1, 1)[None]
        for writer in writers(trainer):
            writer.add_audio(tag, torch.from_numpy(clipped), epoch, sample_rate=rate_hz)

    @staticmethod
    def _write_png(path: Path, picture: np.ndarray) -> None:
        from PIL import Image

        with whole_file(path) as partial:
            Image.fromarray(picture).save(partial, format="PNG")


def _folder_name(epoch: int) -> str:
    return f"epoch_{epoch:04d}"


def _caption(name: str) -> str:
    """A sound file's name → the title above its picture, at most 36 characters."""
    shown = name.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")
    return shown if len(shown) <= 36 else f"{shown[:33]}..."
