"""a model loaded from a bundle: codec, vocoder and prior, ready to work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.bundle.saving import save_model
from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.codec.description import LevelHealth, LossCurves, Metadata
from distill.codec.effort import Progress, ignore
from distill.codec.latents import (
    QuantizedLatents,
    codes_from,
    decode_latents,
    latents_of,
    mel_of,
    quantize_latents,
    sound_of,
)
from distill.errors import GenerationError
from distill.generation.making import Generation, NewSound
from distill.generation.request import Request, check_pair, given_waveform
from distill.prior.prior import Prior
from distill.prior.state import PriorState
from distill.system.given import LARGEST_SEED, shown, whole
from distill.system.shell import command_of, shell_word
from distill.vocoder.state import VocoderState
from distill.vocoder.vocoder import Vocoder


@dataclass(frozen=True, repr=False)
class LoadedModel:
    """A model loaded from a bundle: it encodes waveforms to Codes, decodes Codes, and makes new
    sounds if it has a prior. Its networks may be changed, and the model saved.
    """

    codec: Codec
    vocoder: Vocoder
    """Turns decoded mels into sound."""
    prior: Prior | None
    """Makes new codes; None if the model has none."""
    metadata: Metadata
    health: dict[str, LevelHealth]
    """`level_0`, `level_1` ..., `low_0` ... → health of the level."""
    history: LossCurves
    training_config: dict[str, Any]
    vocoder_state: VocoderState | None
    prior_state: PriorState | None
    checksum: str
    """Checksum of the whole bundle."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """The bundle's dictionary as it was read, but for the codec's weights."""

    def __repr__(self) -> str:
        prior = "a prior" if self.prior else "no prior"
        return (
            f"LoadedModel({self.metadata.name!r}, id {self.metadata.model_id[:8]}, "
            f"{self.codec.layout.words}, {self.codec.bitrate_kbps():.2f} kbit/s a channel, "
            f"{self.vocoder.name}, {prior})"
        )

    @property
    def sample_rate_hz(self) -> int:
        """The model's own sample rate; sounds at other rates are resampled to it and back."""
        return self.codec.sample_rate_hz

    @property
    def signature(self) -> str:
        """The model's name and id, for the tag of the sounds that it makes."""
        return self.codec.signature

    def encode(
        self,
        waveform: Tensor | NDArray[Any],
        sample_rate_hz: int,
        *,
        levels: int | None = None,
        effort: int = 0,
    ) -> Codes:
        """Waveform (T,) or (C, T), floating point, at any rate → its codes; see `Codec.encode`."""
        return self.codec.encode(waveform, sample_rate_hz, levels=levels, effort=effort)

    def encode_stream(
        self,
        waveforms: Iterable[Tensor],
        sample_rate_hz: int,
        *,
        levels: int | None = None,
        effort: int = 0,
        progress: Progress = ignore,
    ) -> Codes:
        """The same for a waveform of any length in chunks (C, t) float32, with constant memory; see
        `Codec.encode_stream`.
        """
        return self.codec.encode_stream(
            waveforms, sample_rate_hz, levels=levels, effort=effort, progress=progress
        )

    def codes(
        self,
        indices: Tensor | NDArray[Any],
        *,
        samples: int | None = None,
        sample_rate_hz: int | None = None,
    ) -> Codes:
        """Whole numbers (H, W, L), or (C, H, W, L) for several channels → the codes of a sound at
        the model's own rate unless another is given, of `samples`, or the longest with so many
        columns. L may be the first levels alone. Raises CodesError for what cannot be codes.
        """
        return codes_from(self.codec, indices, samples=samples, sample_rate_hz=sample_rate_hz)

    def decode(
        self,
        codes: Codes | Tensor | NDArray[Any],
        *,
        levels: int | None = None,
        seed: int = 0,
        sample_rate_hz: int | None = None,
    ) -> Tensor:
        """Codes → waveform (C, T) float32, as long as the original, at the original's sample rate
        unless another is given. Indices alone are taken as `codes` takes them.

        The same seed gives the same waveform; at the model's own rate it is in [-1, 1]. Raises
        CodesError for codes of another model, or with fewer than `levels` levels.
        """
        chunks = self.decode_stream(codes, levels=levels, seed=seed, sample_rate_hz=sample_rate_hz)
        return torch.cat(list(chunks), dim=1)

    def decode_stream(
        self,
        codes: Codes | Tensor | NDArray[Any],
        *,
        levels: int | None = None,
        seed: int = 0,
        sample_rate_hz: int | None = None,
    ) -> Iterator[Tensor]:
        """The same in chunks (C, t), with constant memory."""
        if isinstance(codes, Tensor | np.ndarray):
            codes = self.codes(codes)
        return self.codec.decode_stream(
            codes, self.vocoder, levels=levels, seed=seed, sample_rate_hz=sample_rate_hz
        )

    # -- between sound and codes ------------------------------------------

    def mel(self, waveform: Tensor | NDArray[Any]) -> Tensor:
        """Waveform (T,) or (B, T), floating point, at the model's sample rate → normalised log-mel
        (B, 1, M, F) float32 between the silence that is coded around a sound: F = W · stride.
        """
        return mel_of(self.codec, waveform)

    def latents(self, sound: Tensor | NDArray[Any]) -> Tensor:
        """A waveform as of `mel`, or a normalised log-mel (B, 1, M, F) → the encoder's output
        (B, D, H, W) float32, not quantised. Gradients flow through. Raises SoundError.
        """
        return latents_of(self.codec, sound)

    def quantize(
        self, latent: Tensor | NDArray[Any], mel: Tensor | NDArray[Any] | None = None
    ) -> QuantizedLatents:
        """Latents (B, D, H, W) → `codes` (B, H, W, L) int64 and quantised `latents` (B, D, H, W),
        with the low rows' levels in both. The levels for details, and `details` (B, h, W, stride²),
        need the mel (B, 1, M, F) that the latents are of. The gradient goes straight through.

        Raises SoundError for other shapes, CodesError while the network is in training mode.
        """
        return quantize_latents(self.codec, latent, mel)

    def decode_latents(
        self,
        latent: Tensor | NDArray[Any],
        *,
        details: Tensor | None = None,
        frames: int | None = None,
    ) -> Tensor:
        """Latents (B, D, H, W), quantised or not, and the details of `quantize` → normalised
        log-mel (B, 1, M, F) float32, F = W · stride, or `frames`. Gradients flow through.
        """
        return decode_latents(self.codec, latent, details=details, frames=frames)

    def sound(
        self, mel: Tensor | NDArray[Any], *, samples: int | None = None, seed: int = 0
    ) -> Tensor:
        """Normalised log-mel (B, 1, M, F) of sounds between silence → waveforms (B, T) float32 in
        [-1, 1] by the vocoder: of `samples`, or the longest that fits. There is no gradient.
        """
        return sound_of(self.codec, mel, self.vocoder, samples=samples, seed=seed)

    # -- new sounds --------------------------------------------------------

    def generate(self, count: int = 1, **request: Any) -> list[Tensor]:
        """New waveforms (T,) float32 in [-1, 1] at the model's sample rate. `request` are the
        fields of `distill.generation.request.Request`: seed, temperature, class_name, length_s and
        so on; sounds to begin with may be waveforms (T,) or (C, T) at that rate, too.

        Raises GenerationError if the model has no prior, or for what it cannot do, and SoundError
        or CodesError for what is no sound to begin with.
        """
        return [sound.waveform for sound in self.new_sounds(count, **request)]

    def new_sounds(self, count: int = 1, **request: Any) -> Iterator[NewSound]:
        """The same with their codes, and what is known of them, one after the other."""
        if unknown := request.keys() - {field.name for field in fields(Request)}:
            raise GenerationError(f"{min(unknown)}: new sounds cannot be asked for by this")
        total = whole(count, 0, LARGEST_SEED)
        if total is None:
            raise GenerationError(f"count {shown(count)}: must be a whole number of at least 0")
        if request.get("like") is not None:
            request["like"] = self._code("like", request["like"])
        if request.get("morph") is not None:
            check_pair(request["morph"])
            request["morph"] = tuple(self._code("morph", each) for each in request["morph"])
        if request.get("beginning") is not None:
            request["beginning"] = self._given("beginning", request["beginning"])
        return self.generation(Request(**request), total=total).sounds(range(1, total + 1))

    def generation(self, request: Request, *, total: int) -> Generation:
        """What makes the sounds of a request; `total` is how many sounds there are on the way of a
        morph. Raises GenerationError for a model without a prior, and for what it cannot do.
        """
        return Generation(self.codec, self.vocoder, self.require_prior(), request, total=total)

    def require_prior(self) -> Prior:
        """The model's prior; raises GenerationError if it has none."""
        if self.prior is None:
            name = self.metadata.name
            raise GenerationError(
                f"{name} has no prior, which makes new sounds; to add one: "
                f"{command_of('train')} base={shell_word(name)} 'stages=[prior]' "
                "data.root=FOLDER, with the folder of its sounds"
            )
        if self.codec.identity is not None and self.codec.identity.is_changed:
            raise GenerationError(
                f"{self.metadata.name}: weights of its codec were changed, and its prior and the "
                "sounds that it knows are of the codes before"
            )
        return self.prior

    # -- saving ------------------------------------------------------------

    def save(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        without_prior: bool = False,
        overwrite: bool = False,
    ) -> Path:
        """Write the model as it is now to a `.distillgan` file, completely or not at all.

        If a weight of the codec was changed, the file has a new digest, so that older codes are
        refused; it has no figures that were measured before; and a prior, which draws the codes of
        before, must be left out: `without_prior`. A changed vocoder leaves the digest as it is.
        Raises BundleError, also if the file exists and `overwrite` is not set, WriteError.
        """
        return save_model(self, path, name=name, without_prior=without_prior, overwrite=overwrite)

    def _code(self, name: str, sound: Codes | Tensor | NDArray[Any]) -> Codes:
        """Codes as they are; a waveform at the model's sample rate is encoded."""
        if isinstance(sound, Codes):
            return sound
        return self.encode(self._given(name, sound), self.sample_rate_hz)

    def _given(self, name: str, sound: Tensor | NDArray[Any]) -> Tensor:
        return given_waveform(name, sound, self.sample_rate_hz)
