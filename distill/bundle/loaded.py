"""a model loaded from a bundle: codec, vocoder and prior, ready to work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.codec.description import LevelHealth, LossCurves, Metadata
from distill.codec.effort import Progress, ignore
from distill.errors import GenerationError
from distill.generation.making import Generation, NewSound
from distill.generation.request import Request, check_pair, given_waveform
from distill.prior.prior import Prior
from distill.prior.state import PriorState
from distill.system.given import LARGEST_SEED, shown, whole
from distill.system.shell import shell_word
from distill.vocoder.state import VocoderState
from distill.vocoder.vocoder import Vocoder


@dataclass(frozen=True)
class LoadedModel:
    """A model loaded from a bundle: it encodes waveforms to Codes, decodes Codes, and makes new
    sounds if it has a prior.
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
        return self.codec.decode_stream(
            codes, self.vocoder, levels=levels, seed=seed, sample_rate_hz=sample_rate_hz
        )

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
                f"python -m distill.train base={shell_word(name)} stages=[prior] "
                "data.root=FOLDER, with the folder of its sounds"
            )
        return self.prior

    def _code(self, name: str, sound: Codes | Tensor | NDArray[Any]) -> Codes:
        """Codes as they are; a waveform at the model's sample rate is encoded."""
        if isinstance(sound, Codes):
            return sound
        return self.encode(self._given(name, sound), self.sample_rate_hz)

    def _given(self, name: str, sound: Tensor | NDArray[Any]) -> Tensor:
        return given_waveform(name, sound, self.sample_rate_hz)
