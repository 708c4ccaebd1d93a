"""files that were reconstructed → the page to listen, beside the results."""

from __future__ import annotations

import logging
import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from distill.cli.coding_work import Reconstructed
from distill.cli.files import Job
from distill.errors import DistillError
from distill.listen.folder import ListeningPage
from distill.listen.rows import Row, Take
from distill.system.terminal import duration

if TYPE_CHECKING:
    from torch import Tensor

    from distill.bundle.loaded import LoadedModel

LONGEST_S = 60
"""At most this much of a long sound is on the page, so that a browser loads it at once."""
log = logging.getLogger(__name__)


class ResultsPage:
    """The page of a folder of reconstructions. What goes wrong with it costs no result: a warning
    tells of it, and it `is_complete` no more.
    """

    def __init__(self, folder: Path, model: LoadedModel) -> None:
        self._page = ListeningPage(folder)
        self.note = ""
        """What the page does not show, in words."""
        self._model = model
        self.is_complete = True

    def add(self, job: Job, result: Reconstructed) -> None:
        """Add a file: a copy of the original, in the result's format, and the pair of mels."""
        file = job.target.relative_to(self._page.folder).as_posix()
        figures = result.figures
        if not self._page.takes(file, figures):
            return
        try:
            row = self._row(job, file, result, figures)
            self._draw(row, job)
        except (OSError, DistillError) as error:
            self._warn(error)
        else:
            self._page.add(row)

    def write(self) -> Path | None:
        """Write the page and return its path; None if it has nothing new, or cannot be written."""
        intro = [f"The sound of the results is made by {self._model.vocoder.name}."]
        try:
            path = self._page.write(intro)
        except OSError as error:
            self._warn(error)
            return None
        self.note = self._page.note
        return path

    def _row(self, job: Job, file: str, result: Reconstructed, figures: dict[str, float]) -> Row:
        page, suffix = self._page, job.target.suffix
        whole_s = result.coded.duration_s
        seconds = min(whole_s, LONGEST_S)
        original = Take("original", page.name(file, "original", suffix))
        heard = Take("result", file if whole_s <= LONGEST_S else page.name(file, "result", suffix))
        page.make_files_folder()
        self._copy(job.source, page.folder / original.path, seconds, result)
        if heard.path != file:
            self._copy(job.target, page.folder / heard.path, seconds, result)
        is_cut = whole_s > LONGEST_S
        return Row(
            name=str(PurePosixPath(file).with_name(job.source.name)),
            takes=(original, heard),
            seconds=seconds,
            file=file,
            model=self._model.metadata.name,
            note=f"the first {duration(LONGEST_S)} of {duration(whole_s)}" if is_cut else "",
            picture=page.name(file, "mels", ".png"),
            figures=figures,
        )

    def _copy(self, source: Path, target: Path, seconds: float, result: Reconstructed) -> None:
        from distill.audio.sound_file import SoundFile
        from distill.audio.writer import write_sound

        rate_hz = result.coded.sample_rate_hz
        write_sound(
            target,
            SoundFile.open(source).blocks(),
            sample_rate_hz=rate_hz,
            channels=result.coded.channels,
            samples=round(seconds * rate_hz),
            model=self._model.signature,
        )

    def _draw(self, row: Row, job: Job) -> None:
        from distill.listen.picture import write_mels

        assert row.picture is not None
        config = self._model.codec.spectrogram.config
        frames = math.ceil(row.seconds * config.sample_rate_hz / config.hop_length)
        write_mels(
            self._page.folder / row.picture,
            *(self._mel(path, row.seconds)[:, :frames] for path in (job.source, job.target)),
            floor=config.floor,
        )

    def _mel(self, path: Path, seconds: float) -> Tensor:
        """The mel in dB (M, F) of the beginning of a sound file, of the loudest of its channels
        in each place.
        """
        import torch

        from distill.audio.sound_file import SoundFile
        from distill.codec.stream import cut_or_fill

        sound = SoundFile.open(path)
        rate_hz = sound.sample_rate_hz
        # not read to its end, so that what is unusual about the file is not logged again
        beginning = cut_or_fill(sound.blocks(), round(seconds * rate_hz))
        mel = torch.cat(list(self._model.codec.mels(beginning, rate_hz)), dim=-1)
        return self._model.codec.spectrogram.to_decibels(mel).amax(dim=(0, 1)).cpu()

    def _warn(self, error: OSError | DistillError) -> None:
        if self.is_complete:
            self.is_complete = False
            why = getattr(error, "strerror", None) or error
            log.warning("the page to listen is not complete: %s", why)
