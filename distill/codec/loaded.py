"""waveform → codes → waveform, by a loaded model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.chunks import resample_chunks
from distill.audio.reader import SAMPLE_RATES_HZ
from distill.audio.resample import samples_at
from distill.codec.codes import Codes
from distill.codec.description import LevelHealth, LossCurves, Metadata, signature
from distill.codec.stream import (
    add_silence,
    coded_columns,
    codes_of,
    cut_or_fill,
    cut_out,
    mels_from,
    mels_of,
    silence_before,
)
from distill.errors import CodesError, SoundError
from distill.model.mel import LogMel
from distill.model.sizing import bitrate_kbps
from distill.model.vqvae import ConvVQVAE
from distill.prior.state import PriorState
from distill.vocoder.state import VocoderState
from distill.vocoder.vocoder import Vocoder

if TYPE_CHECKING:
    from distill.codec.generation import NewSound
    from distill.prior.prior import Prior

CHUNK = 1 << 20
MANY_CHANNELS = 64


@dataclass(frozen=True)
class LoadedModel:
    """A model loaded from a bundle: it encodes waveforms to Codes, and decodes Codes."""

    model: ConvVQVAE
    """In eval mode."""
    spectrogram: LogMel
    vocoder: Vocoder
    """Turns decoded mels into sound."""
    metadata: Metadata
    health: dict[str, LevelHealth]
    """`level_0`, `level_1` ... → health of the level."""
    history: LossCurves
    training_config: dict[str, Any]
    vocoder_state: VocoderState | None
    prior_state: PriorState | None
    prior: Prior | None
    """Makes new codes; None if the model has none."""
    codec_digest: str
    """Digest of weights and configurations; the model decodes only codes with the same one."""
    checksum: str
    """Checksum of the whole bundle."""

    @property
    def sample_rate_hz(self) -> int:
        """The model's own sample rate; sounds at other rates are resampled to it and back."""
        return self.spectrogram.config.sample_rate_hz

    @property
    def signature(self) -> str:
        """The model's name and id, for the tag of the sounds that it makes."""
        return signature(self.metadata.name, self.metadata.model_id)

    @property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return next(self.model.parameters()).device

    def bitrate_kbps(self, levels: int | None = None) -> float:
        """Bitrate of one channel's codes with the first `levels` levels; None means all."""
        mel, network = self.spectrogram.config, self.model.config
        return bitrate_kbps(
            sample_rate_hz=mel.sample_rate_hz,
            hop_length=mel.hop_length,
            n_mels=mel.n_mels,
            stride=self.model.stride,
            levels=self.check_levels(levels),
            codebook_size=network.codebook_size,
        )

    def encode(
        self,
        waveform: Tensor | NDArray[Any],
        sample_rate_hz: int,
        *,
        levels: int | None = None,
    ) -> Codes:
        """Waveform (T,) or (C, T), floating point, at any rate → its codes; channels are encoded
        separately.

        With `levels`, only the first levels are kept. Raises SoundError for a waveform that is
        empty or not finite, CodesError for more levels than the model has.
        """
        if isinstance(waveform, np.ndarray):
            waveform = np.ascontiguousarray(waveform)  # torch takes no array that is reversed
        whole = torch.as_tensor(waveform)
        if not whole.is_floating_point() or whole.ndim not in (1, 2):
            raise SoundError(
                "a waveform must have the shape (T,) or (C, T) and be floating point, "
                f"not {tuple(whole.shape)} of {whole.dtype}"
            )
        whole = whole.detach().cpu().float()
        if not whole.numel():
            raise SoundError("the waveform is empty")
        whole = whole.reshape(-1, whole.shape[-1])
        if len(whole) > max(MANY_CHANNELS, whole.shape[1]):
            raise SoundError(
                f"{len(whole):,} channels of {whole.shape[1]:,} samples each: "
                "a waveform must have the shape (C, T), not (T, C)"
            )
        if not torch.isfinite(whole).all():
            raise SoundError("the waveform holds NaN or infinity")
        return self.encode_stream(whole.split(CHUNK, dim=1), sample_rate_hz, levels=levels)

    def encode_stream(
        self, waveforms: Iterable[Tensor], sample_rate_hz: int, *, levels: int | None = None
    ) -> Codes:
        """The same for a waveform of any length in chunks (C, t) float32, with constant memory."""
        levels = self.check_levels(levels)
        rate_hz, samples = int(sample_rate_hz), 0
        low, high = SAMPLE_RATES_HZ
        if rate_hz != sample_rate_hz or not low <= rate_hz <= high:
            raise SoundError(
                f"a sample rate must be a whole number of Hz from {low:,} to {high:,}, "
                f"not {sample_rate_hz}"
            )

        def count_samples() -> Iterator[Tensor]:
            nonlocal samples
            for chunk in waveforms:
                samples += chunk.shape[1]
                yield chunk

        sound = resample_chunks(count_samples(), rate_hz, self.sample_rate_hz)
        mels = self._mels_between_silence(sound)
        codes = [chunk[..., :levels].cpu() for chunk in codes_of(mels, self.model)]
        if not codes:
            raise SoundError("the waveform is empty")
        return Codes(
            torch.cat(codes, dim=2),
            samples,
            rate_hz,
            self.model.config.codebook_size,
            self.metadata.model_id,
            self.codec_digest,
            self.metadata.name,
        )

    def decode(
        self,
        codes: Codes,
        *,
        levels: int | None = None,
        seed: int = 0,
        sample_rate_hz: int | None = None,
    ) -> Tensor:
        """Codes → waveform (C, T) float32, as long as the original, at the original's sample rate
        unless another is given.

        The same seed gives the same waveform; at the model's own rate it is in [-1, 1]. Raises
        CodesError for codes of another model, or with fewer than `levels` levels.
        """
        chunks = self.decode_stream(codes, levels=levels, seed=seed, sample_rate_hz=sample_rate_hz)
        return torch.cat(list(chunks), dim=1)

    def decode_stream(
        self,
        codes: Codes,
        *,
        levels: int | None = None,
        seed: int = 0,
        sample_rate_hz: int | None = None,
    ) -> Iterator[Tensor]:
        """The same in chunks (C, t), with constant memory."""
        rate_hz = sample_rate_hz or codes.sample_rate_hz
        mels = self.decoded_mels(codes, levels=levels, with_silence=True)
        silent = silence_before(self.spectrogram, self.model)
        waveforms = self.vocoder.stream(mels, seed=seed, silent=silent)
        chunks = cut_out(waveforms, silent, self._samples(codes))
        yield from cut_or_fill(
            resample_chunks(chunks, self.sample_rate_hz, rate_hz),
            samples_at(codes.samples, codes.sample_rate_hz, rate_hz),
        )

    def generate(self, count: int = 1, **wishes: Any) -> list[Tensor]:
        """New waveforms (T,) float32 in [-1, 1] at the model's sample rate. `wishes` are those of
        `distill.codec.request.Request`: seed, temperature, class_name, length_s and so on; sounds
        to begin with may be waveforms at that rate, too.

        Raises GenerationError if the model has no prior, or for what it cannot do.
        """
        return [sound.waveform for sound in self.new_sounds(count, **wishes)]

    def new_sounds(self, count: int = 1, **wishes: Any) -> Iterator[NewSound]:
        """The same with their codes, and what is known of them, one after the other."""
        from distill.codec.generation import Generation  # imports this module
        from distill.codec.request import Request

        for key in ("like", "morph"):
            given = wishes.get(key)
            if given is not None:
                coded = [self._coded(each) for each in (given if key == "morph" else [given])]
                wishes[key] = tuple(coded) if key == "morph" else coded[0]
        return Generation(self, Request(**wishes), total=count).sounds(range(1, count + 1))

    def _coded(self, sound: Codes | Tensor | NDArray[Any]) -> Codes:
        """Codes as they are; a waveform at the model's sample rate is encoded."""
        return sound if isinstance(sound, Codes) else self.encode(sound, self.sample_rate_hz)

    def mels(self, waveforms: Iterable[Tensor], sample_rate_hz: int) -> Iterator[Tensor]:
        """Chunks (C, t) of one waveform → chunks (C, 1, M, f) of its normalised mel, as that of a
        sound between silence.
        """
        samples = done = 0

        def count_samples() -> Iterator[Tensor]:
            nonlocal samples
            for chunk in resample_chunks(waveforms, sample_rate_hz, self.sample_rate_hz):
                samples += chunk.shape[1]
                yield chunk

        before = self.model.stride
        for mel in self._mels_between_silence(count_samples()):
            mel = mel[..., before:]
            before = max(0, before - mel.shape[-1])
            mel = mel[..., : self.spectrogram.frames(samples) - done]
            done += mel.shape[-1]
            yield mel

    def _mels_between_silence(self, waveforms: Iterable[Tensor]) -> Iterator[Tensor]:
        """Chunks (C, t) at the model's rate → chunks (C, 1, M, f) of all that is coded."""
        whole = add_silence(waveforms, self.spectrogram, self.model)
        return mels_of((chunk.to(self.device) for chunk in whole), self.spectrogram)

    def decoded_mels(
        self, codes: Codes, *, levels: int | None = None, with_silence: bool = False
    ) -> Iterator[Tensor]:
        """Codes → chunks (C, 1, M, f) of the decoded, normalised mel.

        `with_silence` adds the column before it, and the frames after it that still reach into the
        sound: a vocoder then knows how the sound begins and ends.
        """
        self.check_codes(codes)
        if levels is not None:
            codes = codes.first_levels(levels)
        frames, before = self.spectrogram.frames(self._samples(codes)), self.model.stride
        chunks = codes.indices.split(CHUNK >> 10, dim=2)
        height = self.spectrogram.config.n_mels
        mels = mels_from((c.to(self.device) for c in chunks), self.model, height=height)
        if not with_silence:
            return cut_out(mels, before, frames)
        config = self.spectrogram.config
        coded = codes.indices.shape[2] * self.model.stride
        return cut_or_fill(mels, min(before + frames + config.n_fft // config.hop_length, coded))

    def check_levels(self, levels: int | None) -> int:
        """The number of levels to keep, None meaning all; raises CodesError if there are fewer."""
        most = self.model.config.num_quantizers
        if levels is not None and not 1 <= levels <= most:
            raise CodesError(f"levels={levels}: this model has {most}")
        return levels or most

    def _samples(self, codes: Codes) -> int:
        """Length of the decoded waveform at the model's rate."""
        return samples_at(codes.samples, codes.sample_rate_hz, self.sample_rate_hz)

    def check_codes(self, codes: Codes) -> None:
        """Raise CodesError for codes that this model did not make."""
        if codes.codec_digest != self.codec_digest:
            own = self.metadata
            what = (
                "another state of this model" if codes.model_id == own.model_id else "another model"
            )
            raise CodesError(
                f"made by {what} ({codes.model_name or 'without a name'}, "
                f"id {codes.model_id[:8]}, codec {codes.codec_digest[:8]}), "
                f"not by {own.name} (id {own.model_id[:8]}, codec {self.codec_digest[:8]})"
            )
        rows, _ = self.model.grid_shape(self.spectrogram.config.n_mels, 1)
        columns = coded_columns(self._samples(codes), self.spectrogram, self.model)
        fits = codes.codebook_size == self.model.config.codebook_size
        fits = fits and codes.levels <= self.model.config.num_quantizers
        if not fits or tuple(codes.indices.shape[1:3]) != (rows, columns):
            raise CodesError("does not fit the model that it was made with")
