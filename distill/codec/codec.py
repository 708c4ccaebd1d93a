"""a network and its mel front end at work: waveform → codes → mel → waveform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.audio.chunks import resample_chunks
from distill.audio.resample import samples_at
from distill.codec.codes import Codes
from distill.codec.copies import Separator
from distill.codec.description import signature
from distill.codec.digest import CodecIdentity
from distill.codec.effort import Progress, Search, ignore
from distill.codec.restoring import restore, restore_mels
from distill.codec.stream import (
    CodedSound,
    between_silence,
    coded_columns,
    cut_or_fill,
    cut_out,
    mels_between_silence,
    mels_from,
    mels_of_sound,
    natural_samples,
    require_eval,
    silence_before,
)
from distill.codec.waveform import check_rate, check_seed, check_waveform
from distill.errors import CodesError, SoundError
from distill.model.layout import CodeLayout
from distill.model.mel import LogMel
from distill.model.sizing import bitrate_kbps
from distill.model.vqvae import ConvVQVAE
from distill.system.given import shown, whole
from distill.vocoder.vocoder import Vocoder, vocode

CHUNK = 1 << 20


@dataclass(frozen=True)
class Codec:
    """A codec that is not trained any more: waveforms → Codes, and Codes → mels or, by a vocoder,
    waveforms.
    """

    network: ConvVQVAE
    """In eval mode: in training, the codebooks would learn from the sounds."""
    spectrogram: LogMel
    name: str
    """Of the model; `model_id`, too. Codes name it."""
    model_id: str
    identity: CodecIdentity | None = None
    """Tells the digest; None while the codec is still trained."""

    @property
    def digest(self) -> str:
        """Digest of weights and configurations as they are now; only codes with the same one are
        decoded. Empty while the codec is still trained.
        """
        return self.identity.digest if self.identity else ""

    @property
    def sample_rate_hz(self) -> int:
        """The codec's own sample rate; sounds at other rates are resampled to it and back."""
        return self.spectrogram.config.sample_rate_hz

    @property
    def signature(self) -> str:
        """The model's name and id, for the tag of the sounds that it makes."""
        return signature(self.name, self.model_id)

    @property
    def column_samples(self) -> int:
        """Samples of sound in a latent column."""
        return self.network.stride * self.spectrogram.config.hop_length

    @property
    def layout(self) -> CodeLayout:
        """Which codes a column has."""
        return self.network.config.layout(self.spectrogram.config.n_mels)

    @property
    def device(self) -> torch.device:
        """The device that the network is on."""
        return next(self.network.parameters()).device

    def to(self, device: torch.device) -> Codec:
        """The codec, moved to a device."""
        self.network.to(device)
        self.spectrogram.to(device)
        return self

    def columns(self, samples: int) -> int:
        """Latent columns of a sound of this length, with the silence that is coded around it."""
        return coded_columns(samples, self.spectrogram, self.network)

    def samples(self, columns: int) -> int:
        """The longest sound of this number of latent columns, in samples; 0 if there is none."""
        return natural_samples(columns, self.spectrogram, self.network)

    def bitrate_kbps(self, levels: int | None = None) -> float:
        """Bitrate of one channel's codes with the first `levels` levels; None means all."""
        layout = self.layout.first_levels(self.check_levels(levels))
        return bitrate_kbps(layout, columns_per_s=self.sample_rate_hz / self.column_samples)

    # -- waveform → codes ------------------------------------------------

    def encode(
        self,
        waveform: Tensor | NDArray[Any],
        sample_rate_hz: int,
        *,
        levels: int | None = None,
        effort: int = 0,
    ) -> Codes:
        """Waveform (T,) or (C, T), floating point, at any rate → its codes; channels are encoded
        separately.

        With `levels`, only the first levels are kept; with fewer than all, without those that only
        the low rows have. For `effort`, 0 to 2, see `distill.codec.effort`. Raises SoundError for a
        waveform that is empty or not finite, CodesError for other levels or efforts than there are.
        """
        sound = check_waveform(waveform).split(CHUNK, dim=1)
        return self.encode_stream(sound, sample_rate_hz, levels=levels, effort=effort)

    def encode_stream(
        self,
        waveforms: Iterable[Tensor],
        sample_rate_hz: int,
        *,
        levels: int | None = None,
        effort: int = 0,
        progress: Progress = ignore,
    ) -> Codes:
        """The same for a waveform of any length in chunks (C, t) float32, with constant memory. Of
        effort 2, `progress` is called with the seconds that each step has refined.
        """
        require_eval(self.network)
        search = Search(self.network, self.spectrogram, self.check_levels(levels), effort, progress)
        rate_hz = check_rate(sample_rate_hz)
        separator = Separator(rate_hz)
        sound = resample_chunks(separator.separate(waveforms), rate_hz, self.sample_rate_hz)
        between = mels_between_silence(sound, self.spectrogram, self.network)
        indices = [chunk.cpu() for chunk in search.codes_of(between)]
        if not indices:
            raise SoundError("the waveform is empty")
        facts, coded = separator.facts(), torch.cat(indices, dim=2)
        if facts:
            coded = coded[[each.has_codes for each in facts]]
        return replace(self.codes(coded, separator.samples, sample_rate_hz=rate_hz), facts=facts)

    def codes(self, indices: Tensor, samples: int, *, sample_rate_hz: int | None = None) -> Codes:
        """Indices (C, H, W, L) of a sound of this length, at the codec's own rate unless another
        is given → the same with all that decoding needs.
        """
        has_low = indices.shape[-1] > self.network.config.num_quantizers
        return Codes(
            indices,
            samples,
            sample_rate_hz or self.sample_rate_hz,
            self.network.config.codebook_size,
            self.model_id,
            self.digest,
            self.name,
            low_levels=self.layout.low_levels if has_low else 0,
            low_codebook_size=self.layout.low_codebook_size if has_low else 0,
        )

    def mels(self, waveforms: Iterable[Tensor], sample_rate_hz: int) -> Iterator[Tensor]:
        """Chunks (C, t) of one waveform → chunks (C, 1, M, f) of its normalised mel, as that of a
        sound between silence.
        """
        sound = resample_chunks(waveforms, sample_rate_hz, self.sample_rate_hz)
        return mels_of_sound(sound, self.spectrogram, self.network)

    # -- codes → waveform ------------------------------------------------

    def decode_stream(
        self,
        codes: Codes,
        vocoder: Vocoder,
        *,
        levels: int | None = None,
        seed: int = 0,
        sample_rate_hz: int | None = None,
    ) -> Iterator[Tensor]:
        """Codes → waveform in chunks (C, t) float32, in all as long as the original, at its sample
        rate unless another is given; with constant memory.

        Raises CodesError for codes of another model, or with fewer than `levels` levels, and
        SoundError for an impossible rate or seed.
        """
        mels = self.decoded_mels(codes, levels=levels, with_silence=True)
        seed = check_seed(seed)
        rate_hz = codes.sample_rate_hz if sample_rate_hz is None else check_rate(sample_rate_hz)
        silent = silence_before(self.spectrogram, self.network)
        waveforms = vocoder.stream(mels, seed=seed, silent=silent)
        chunks = cut_out(waveforms, silent, self._samples(codes))
        sound = cut_or_fill(
            resample_chunks(chunks, self.sample_rate_hz, rate_hz),
            samples_at(codes.samples, codes.sample_rate_hz, rate_hz),
        )
        if codes.facts:
            sound = restore(sound, codes.facts, rate_hz=rate_hz, coded_hz=codes.sample_rate_hz)
        yield from sound

    def decoded_mels(
        self, codes: Codes, *, levels: int | None = None, with_silence: bool = False
    ) -> Iterator[Tensor]:
        """Codes → chunks (C, 1, M, f) of the decoded, normalised mel.

        `with_silence` adds the column before it, and the frames after it that still reach into the
        sound: a vocoder then knows how the sound begins and ends. It leaves out channels without
        codes of their own.
        """
        self.check_codes(codes)
        if levels is not None:
            codes = codes.first_levels(levels)
        frames, before = self.spectrogram.frames(self._samples(codes)), self.network.stride
        chunks = codes.indices.split(CHUNK >> 10, dim=2)
        height = self.spectrogram.config.n_mels
        mels = mels_from((c.to(self.device) for c in chunks), self.network, height=height)
        if not with_silence:
            own = cut_out(mels, before, frames)
            return restore_mels(own, codes.facts, self.spectrogram.config)
        config = self.spectrogram.config
        coded = codes.indices.shape[2] * self.network.stride
        return cut_or_fill(mels, min(before + frames + config.n_fft // config.hop_length, coded))

    def vectors(self, indices: Tensor) -> Tensor:
        """Indices (H, W, L) → the sums of their codebook vectors, (H, W, D)."""
        return self.network.vectors(indices[None].to(self.device))[0].detach()

    # -- one short sound, its mel and the decoded one --------------------

    @torch.inference_mode()
    def code(self, waveform: Tensor) -> CodedSound:
        """A waveform (1, T) at the codec's rate → its mel and the decoded one."""
        whole = between_silence(waveform, self.spectrogram, self.network)
        original = self.spectrogram(whole[None].to(self.device))
        return CodedSound(original, self.network(original).mel.float(), waveform.shape[-1])

    def sound(self, coded: CodedSound, vocoder: Vocoder) -> Tensor:
        """The decoded mel → waveform (T,)."""
        silent = silence_before(self.spectrogram, self.network)
        return vocode(vocoder, coded.decoded, samples=coded.samples, silent=silent)[0]

    def of_sound(self, mel: Tensor, samples: int) -> Tensor:
        """A mel between silence (1, 1, M, F) → the frames of the sound alone."""
        first = self.network.stride
        return mel[..., first : first + self.spectrogram.frames(samples)]

    # -- checks ----------------------------------------------------------

    def check_levels(self, levels: int | None) -> int:
        """The number of levels to keep, None meaning all; raises CodesError if there are fewer."""
        most = self.network.config.num_quantizers
        kept = most if levels is None else whole(levels, 1, most)
        if kept is None:
            raise CodesError(f"levels={shown(levels)}: this model has {most}")
        return kept

    def check_codes(self, codes: Codes) -> None:
        """Raise CodesError for what are no codes, or none that this codec made."""
        if not isinstance(codes, Codes):
            raise CodesError(f"{shown(codes)}: not the codes of a sound")
        require_eval(self.network)
        if codes.codec_digest != (digest := self.digest):
            of_this = codes.model_id == self.model_id
            what = "another state of this model" if of_this else "another model"
            raise CodesError(
                f"made by {what} ({codes.model_name or 'without a name'}, "
                f"id {codes.model_id[:8]}, codec {codes.codec_digest[:8]}), "
                f"not by {self.name} (id {self.model_id[:8]}, codec {digest[:8]})"
            )
        if not codes.is_whole() or not self._fits(codes):
            raise CodesError("does not fit the model that it was made with")

    def _fits(self, codes: Codes) -> bool:
        layout = self.layout
        return (
            codes.levels <= layout.levels
            and codes.layout == layout.first_levels(codes.levels)
            and codes.indices.shape[2] == self.columns(self._samples(codes))
        )

    def _samples(self, codes: Codes) -> int:
        """Length of the decoded waveform at the codec's rate."""
        return samples_at(codes.samples, codes.sample_rate_hz, self.sample_rate_hz)
