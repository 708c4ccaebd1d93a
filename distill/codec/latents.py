"""sounds or mels → latents → quantised ones → mels → sounds, with gradients as far as the mels."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from distill.codec.codec import Codec
from distill.codec.codes import Codes
from distill.codec.stream import between_silence, require_eval, silence_before
from distill.codec.waveform import check_seed
from distill.errors import CodesError, SoundError
from distill.model.details import add_patches
from distill.model.layout import NO_CODE, low_rows
from distill.system.given import shown, whole
from distill.vocoder.vocoder import Vocoder, vocode

LONGEST = 1 << 40


class QuantizedLatents(NamedTuple):
    """Latents as their codes have them."""

    codes: Tensor
    """(B, H, W, L) int64, -1 where a row has no such level. Without a mel, those of the levels for
    details are missing: L is smaller.
    """
    latents: Tensor
    """(B, D, H, W) float32: the sums of the codes' vectors, with the low levels of the low rows.
    The gradient goes straight through to the latents (arXiv:1711.00937, eq. 3).
    """
    details: Tensor | None
    """(B, h, W, stride²) float32: what the codes for details add to the lowest h rows of patches
    of the mel; None without a mel, and if the model has no such levels.
    """


def mel_of(codec: Codec, waveform: Tensor | NDArray[Any]) -> Tensor:
    """Waveform (T,) or (B, T), floating point, at the codec's rate → normalised log-mel
    (B, 1, M, F) of it between silence, as it is coded: F = W · stride. Raises SoundError.
    """
    given = _floats(waveform, "a waveform of shape (T,) or (B, T)", dims=(1, 2))
    sounds = given.reshape(-1, given.shape[-1]).to(codec.device)
    if not sounds.numel():
        raise SoundError("the waveform is empty")
    silent = between_silence(sounds, codec.spectrogram, codec.network)
    return codec.spectrogram(silent[:, None])  # type: ignore[no-any-return]


def latents_of(codec: Codec, sound: Tensor | NDArray[Any]) -> Tensor:
    """A waveform as of `mel_of`, or a normalised log-mel (B, 1, M, F) → the encoder's output
    (B, D, H, W) float32, not quantised. Raises SoundError.
    """
    what = "a waveform of shape (T,) or (B, T), or a mel of shape (B, 1, M, F)"
    given = _floats(sound, what, dims=(1, 2, 4))
    if given.ndim < 4:
        return codec.network.latent(mel_of(codec, given))
    _check_mel(codec, given)
    return codec.network.latent(given.to(codec.device))


def quantize_latents(
    codec: Codec, latents: Tensor | NDArray[Any], mel: Tensor | NDArray[Any] | None = None
) -> QuantizedLatents:
    """Latents (B, D, H, W), and the mel (B, 1, M, F) that they are of → their codes. Raises
    SoundError for other shapes, CodesError while the network is in training mode.
    """
    require_eval(codec.network)
    given = _latents(codec, latents)
    if mel is not None:
        mel = _floats(mel, "a mel of shape (B, 1, M, F)", dims=(4,)).to(codec.device)
        _check_mel(codec, mel)
        if codec.network.grid_shape(*mel.shape[2:]) != given.shape[2:] or len(mel) != len(given):
            raise SoundError(f"latents of {tuple(given.shape)} are not of a mel {tuple(mel.shape)}")
    with torch.no_grad():
        codes = codec.network.codes_of(given, mel)
        vectors, width = codec.network.vectors(codes), given.shape[1]
    grid = vectors[..., :width].permute(0, 3, 1, 2)
    has_details = mel is not None and vectors.shape[-1] > width
    details = vectors[:, : low_rows(vectors.shape[1]), :, width:] if has_details else None
    stood_for = codec.network.approached(given)
    return QuantizedLatents(codes, grid + (stood_for - stood_for.detach()), details)


def decode_latents(
    codec: Codec,
    latents: Tensor | NDArray[Any],
    *,
    details: Tensor | None = None,
    frames: int | None = None,
) -> Tensor:
    """Latents (B, D, H, W), quantised or not, and details as of QuantizedLatents → normalised
    log-mel (B, 1, M, F) float32, F = W · stride, or `frames`. Raises SoundError.
    """
    given = _latents(codec, latents)
    longest = given.shape[3] * codec.network.stride
    width = longest if frames is None else whole(frames, 1, longest)
    if width is None:
        raise SoundError(f"frames={shown(frames)}: must be from 1 to {longest:,}")
    decoded: Tensor = codec.network.decoder(given)
    if details is not None:
        decoded = add_patches(decoded, details, stride=codec.network.stride)
    return decoded[..., : codec.spectrogram.config.n_mels, :width].float()


def sound_of(
    codec: Codec,
    mel: Tensor | NDArray[Any],
    vocoder: Vocoder,
    *,
    samples: int | None = None,
    seed: int = 0,
) -> Tensor:
    """Normalised log-mel (B, 1, M, F) of sounds between silence → waveforms (B, T) float32 in
    [-1, 1], T = `samples`, or the longest that fits. There is no gradient. Raises SoundError.
    """
    given = _floats(mel, "a mel of shape (B, 1, M, F)", dims=(4,)).detach()
    _check_mel(codec, given)
    longest = codec.samples(-(-given.shape[3] // codec.network.stride))
    length = longest if samples is None else whole(samples, 1, LONGEST)
    if not length:
        raise SoundError(
            f"a mel of {given.shape[3]} frames: too short for a sound between silence"
            if samples is None
            else f"samples={shown(samples)}: must be a whole number of at least 1"
        )
    silent = silence_before(codec.spectrogram, codec.network)
    config = codec.spectrogram.config
    reached = codec.network.stride + codec.spectrogram.frames(length)
    used = given[..., : reached + config.n_fft // config.hop_length]
    return vocode(vocoder, used, samples=length, seed=check_seed(seed), silent=silent)


def codes_from(
    codec: Codec,
    indices: Tensor | NDArray[Any],
    *,
    samples: int | None = None,
    sample_rate_hz: int | None = None,
) -> Codes:
    """Whole numbers (H, W, L) or (C, H, W, L) → the codes of a sound at the codec's own rate unless
    another is given, of `samples`, or the longest that has so many columns. L may be the first
    levels alone. Raises CodesError.
    """
    try:
        given = torch.as_tensor(indices)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CodesError(f"codes must be whole numbers, not {shown(indices)}") from error
    layout = codec.layout
    levels, most = layout.levels, len(layout.sizes)
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise CodesError(f"codes must be whole numbers, not {given.dtype}")
    rows = f"(C, {layout.rows}, W, L) or ({layout.rows}, W, L)"
    right = given.ndim in (3, 4) and given.shape[-3] == layout.rows and given.numel() > 0
    if not right or not (given.shape[-1] <= levels or given.shape[-1] == most):
        counts = f"1 to {levels}" + f" or {most}" * (most > levels)
        raise CodesError(
            f"codes of shape {tuple(given.shape)}: must be {rows}, and L of this model {counts}"
        )
    given = given.reshape(-1, *given.shape[-3:]).to("cpu", torch.int64)
    if (given < NO_CODE).any():
        raise CodesError(f"codes from {int(given.min())} on: must be at least 0")
    length = codec.samples(given.shape[2]) if samples is None else samples
    if not length:
        raise CodesError(f"{given.shape[2]} columns: too few for a sound between silence")
    codes = codec.codes(given, length, sample_rate_hz=sample_rate_hz)
    codec.check_codes(codes)
    return codes


def _floats(values: Any, what: str, *, dims: tuple[int, ...]) -> Tensor:
    """The values as a float32 tensor, with their gradient; raises SoundError for others."""
    try:
        given = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise SoundError(f"{shown(values)}: must be {what}") from error
    if not given.is_floating_point() or given.ndim not in dims:
        raise SoundError(f"{tuple(given.shape)} of {given.dtype}: must be {what}, floating point")
    return given.float()


def _check_mel(codec: Codec, mel: Tensor) -> None:
    bins = codec.spectrogram.config.n_mels
    if mel.shape[1:3] != (1, bins) or not mel.numel():
        raise SoundError(f"a mel of shape {tuple(mel.shape)}: must be (B, 1, {bins}, F)")


def _latents(codec: Codec, latents: Any) -> Tensor:
    dim, rows = codec.network.config.codebook_dim, codec.layout.rows
    given = _floats(latents, f"latents of shape (B, {dim}, {rows}, W)", dims=(4,))
    if given.shape[1:3] != (dim, rows) or not given.numel():
        raise SoundError(f"latents of shape {tuple(given.shape)}: must be (B, {dim}, {rows}, W)")
    return given.to(codec.device)
