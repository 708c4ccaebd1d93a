"""log-mel (C, 1, M, F) → waveform (C, T), by a network that knows how phases go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from distill.model.mel import LogMel
from distill.vocoder.mel_inverse import MelInverse
from distill.vocoder.onsets import read_onsets
from distill.vocoder.phase_network import PhaseNetwork
from distill.vocoder.phase_rounds import PhaseRounds
from distill.vocoder.phase_steps import PhaseIntegral

BLOCK = 1024
"""Number of mel frames whose phases are found together."""
MARGIN = 32
"""Frames on either side of a block that are worked on, too, and heard in the neighbour only: the
rounds over the whole band reach 21 frames far.
"""
FADE = 16
"""Frames over which a block goes over into the next. Both have the same phases to begin with."""


class Frames(NamedTuple):
    """Frames F of one channel."""

    log_mel: Tensor
    """(F, M)."""
    magnitude: Tensor
    """(F, bins)."""
    phases: Tensor
    """(F, bins), complex, of length 1."""
    onsets: Tensor
    """What an OnsetNetwork says of them, (F, PLACES + 3)."""

    def then(self, later: Frames) -> Frames:
        """These frames and those that follow."""
        return Frames(*(torch.cat(pair) for pair in zip(self, later, strict=True)))

    def since(self, first: int) -> Frames:
        """Those from this one on, in memory of their own."""
        return Frames(*(part[first:].clone() for part in self))


class PhaseGradient:
    """The network's magnitudes, its phase steps put together by least squares, and a few rounds of
    Griffin-Lim, whose last ones fit the mel. Blocks lie at the same frames however the mel is cut.
    """

    name = "phase gradient"

    def __init__(self, spectrogram: LogMel, network: PhaseNetwork) -> None:
        self.spectrogram = spectrogram
        self.network = network.eval()
        self._inverse = MelInverse(spectrogram.filters.cpu())
        self._rounds = PhaseRounds(spectrogram.config, self._inverse)

    def stream(self, mels: Iterable[Tensor], *, seed: int = 0, silent: int = 0) -> Iterator[Tensor]:
        """Chunks (C, 1, M, f) of one normalised log-mel → chunks (C, t) of its waveform in [-1, 1],
        at most F · hop_length - 1 samples in all. The same seed gives the same waveform. Its first
        `silent` samples are 0, if they are not more than a block.
        """
        joined: _Blocks | None = None
        config = self.spectrogram.config
        left = max(0, (silent - config.n_fft // 2) // config.hop_length + 1) if silent else 0
        for chunk in mels:
            chunk = chunk[:, 0].float().cpu()
            if left:  # no window of these frames reaches the sound
                chunk = chunk.clone()
                chunk[..., :left] = config.floor_normalised
                left = max(0, left - chunk.shape[-1])
            joined = joined or _Blocks(self, len(chunk), seed, silent)
            yield from joined.add(chunk)
        if joined is not None:
            yield joined.finish()

    @torch.inference_mode()
    def predict(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised log-mel (M, F) → magnitudes (F, bins), what is said of onsets, and steps in
        time and in frequency.
        """
        device = next(self.network.parameters()).device
        decibels = self.spectrogram.to_decibels(log_mel)
        said = self.network(decibels[None].to(device))
        inverted = self._inverse.magnitude(self.spectrogram.to_magnitude(log_mel))
        magnitude = inverted * said.gain[0].cpu().exp()
        in_time, in_frequency = (each[0].cpu().mT for each in (said.in_time, said.in_frequency))
        return magnitude.mT, said.onsets[0].cpu(), in_time, in_frequency

    @torch.inference_mode()
    def sound(self, given: Frames, *, is_last: bool, silent: int) -> Tensor:
        """Frames of one channel → samples (t,) from the middle of the first one on."""
        config, frames = self.spectrogram.config, len(given.log_mel)
        reached = (frames - 1) * config.hop_length + config.n_fft // 4
        samples = (frames - 1) * config.hop_length
        if is_last:  # the longest waveform with these frames, as far as their windows reach
            samples = min(frames * config.hop_length - 1, reached)
        mel = self.spectrogram.to_magnitude(given.log_mel)
        return self._rounds.run(
            mel,
            given.magnitude,
            given.phases,
            samples=samples,
            silent=silent,
            onsets=read_onsets(given.onsets, hop_length=config.hop_length),
        )


class _Blocks:
    """The mel of a sound, chunk by chunk → its waveform, block by block."""

    def __init__(self, vocoder: PhaseGradient, channels: int, seed: int, silent: int) -> None:
        config = vocoder.spectrogram.config
        self._vocoder, self._hop = vocoder, config.hop_length
        self._context = vocoder.network.context
        self._integrals = [
            PhaseIntegral(n_fft=config.n_fft, hop_length=config.hop_length, seed=seed)
            for _ in range(channels)
        ]
        self._silent = silent
        """Samples at the beginning of the block that are silent."""
        self._mel: Tensor | None = None
        """From `_context` frames before those that are not predicted yet; fewer at the beginning.
        """
        self._before = 0
        self._ready: list[Frames] = []
        """Those of each channel from the block's first margin on."""
        self._tail: Tensor | None = None
        """The end of the block before, (C, FADE · hop), where the next one is to come in."""
        self._margin = 0
        """Frames in `_ready` before the block."""

    def add(self, mel: Tensor) -> Iterator[Tensor]:
        """Normalised log-mel (C, M, f) → the waveforms (C, t) of the blocks that are complete."""
        self._mel = mel if self._mel is None else torch.cat([self._mel, mel], dim=-1)
        while True:
            missing = self._margin + BLOCK + MARGIN - self._frames
            if self._mel.shape[-1] - self._before < missing + self._context + 1:
                return
            self._predict(missing)
            yield self._waveform(is_last=False)

    def finish(self) -> Tensor:
        """The rest of the waveform, (C, t)."""
        assert self._mel is not None
        self._predict(self._mel.shape[-1] - self._before, is_last=True)
        return self._waveform(is_last=True)

    @property
    def _frames(self) -> int:
        return len(self._ready[0].log_mel) if self._ready else 0

    def _predict(self, frames: int, *, is_last: bool = False) -> None:
        """Predict the next `frames` frames."""
        assert self._mel is not None
        before, after = self._before, 0 if is_last else self._context
        seen = self._mel[..., : before + frames + after].contiguous()
        found = []
        for channel, (mel, integral) in enumerate(zip(seen, self._integrals, strict=True)):
            whole = self._vocoder.predict(mel)
            magnitude, onsets, *steps = (part[before : before + frames] for part in whole)
            phases = integral.add(magnitude, *steps)
            new = Frames(mel.mT[before : before + frames], magnitude, phases, onsets)
            found.append(self._ready[channel].then(new) if self._ready else new)
        self._ready = found
        begin = max(0, before + frames - self._context)
        self._before = before + frames - begin
        self._mel = self._mel[..., begin:].clone()

    def _waveform(self, *, is_last: bool) -> Tensor:
        sounds = [
            self._vocoder.sound(given, is_last=is_last, silent=self._silent)
            for given in self._ready
        ]
        self._silent = 0
        waveform = torch.stack(sounds).clamp(-1.0, 1.0)
        half = FADE // 2 * self._hop
        if self._tail is not None:
            begin = self._margin * self._hop - half
            coming = torch.linspace(0, 1, 2 * half)
            faded = self._tail * (1 - coming) + waveform[:, begin : begin + 2 * half] * coming
            waveform = torch.cat([faded, waveform[:, begin + 2 * half :]], dim=-1)
            first = self._margin - FADE // 2
        else:
            first = 0
        if is_last:
            return waveform
        end = self._margin + BLOCK  # in frames of `_ready`
        stop = (end - first) * self._hop - half
        self._tail = waveform[:, stop : stop + 2 * half]
        self._ready = [given.since(end - MARGIN) for given in self._ready]
        self._margin = MARGIN
        return waveform[:, :stop]
