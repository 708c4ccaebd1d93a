"""whole sounds → their codes, or those of a part, as the codec gives them for a file."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from distill.codec.codec import Codec
from distill.data.segments import shift_mel_bins
from distill.data.whole_sounds import WholeSounds
from distill.generation.finishing import level_db
from distill.prior.prior import code_type

LONGEST_LEVEL_S = 10.0
"""The level and peak of a sound are those of its beginning, at most this long."""
SILENT_DB = -120.0


class SoundCoder:
    """Codes the sounds of one side, between the silence that is coded around each."""

    def __init__(self, codec: Codec, sounds: WholeSounds) -> None:
        self.codec, self.sounds = codec, sounds
        self.level_db = cache(self._level_db)
        self.peak_db = cache(self._peak_db)
        self.columns = cache(self._columns)

    def _columns(self, index: int, later: int = 0) -> int:
        """Number of latent columns of a sound that begins `later` samples later."""
        return self.codec.columns(self.sounds.samples(index) + later)

    def _level_db(self, index: int) -> float:
        """Level of a sound's beginning in dBFS: of its mean power."""
        return max(SILENT_DB, level_db(self._beginning(index)))

    def _peak_db(self, index: int) -> float:
        """The loudest sample of a sound's beginning in dBFS."""
        peak = float(self._beginning(index).abs().max())
        return 20 * math.log10(peak) if peak > 10 ** (SILENT_DB / 20) else SILENT_DB

    def _beginning(self, index: int) -> Tensor:
        """Of a sound, (T,)."""
        most = round(LONGEST_LEVEL_S * self.codec.spectrogram.config.sample_rate_hz)
        return self.sounds.read(index, 0, min(most, self.sounds.samples(index)))

    @torch.inference_mode()
    def codes(
        self,
        index: int,
        first: int = 0,
        columns: int | None = None,
        *,
        later: int = 0,
        gain: float = 1.0,
        shift_bins: int = 0,
    ) -> Tensor:
        """The codes (H, W, L) of some columns of a sound, on the CPU, in `code_type`. It is changed
        a little: it begins `later` samples later, is multiplied by `gain`, and its mel is moved up
        by `shift_bins`.  The codes of the whole are those that `encode` gives for the file.
        """
        network, spectrogram = self.codec.network, self.codec.spectrogram
        whole = self.columns(index, later)
        columns = whole - first if columns is None else columns
        # a column more than the network's own context: the mel reflects the waveform at its edge
        left = min(first, network.encoder_context + 1)
        right = min(whole - first - columns, network.encoder_context + 1)
        size = self.codec.column_samples
        begin = (first - left - 1) * size - later
        waveform = self.sounds.read(index, begin, (left + columns + right) * size - 1) * gain
        device = self.codec.device
        mel = spectrogram(waveform[None, None].to(device))
        if shift_bins:
            mel = shift_mel_bins(mel, torch.tensor([shift_bins], device=device))
        codes = network.encode(mel)[0, :, left : left + columns]
        return codes.to(device="cpu", dtype=code_type(max(network.config.sizes)))
