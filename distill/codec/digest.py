"""plain values and tensors → a digest that changes with any of them."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

WEIGHTS = "model_state_dict"
CODEC_KEYS = (WEIGHTS, "vqvae_config", "spectrogram_config")
"""The keys that decide what codes mean."""


def checksum_of(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, over a canonical form of every key but `checksum`.

    For each value, the hash gets one byte for its kind, then its content: lengths and floats as 8
    bytes little-endian, whole numbers as length and decimal digits, text as length and UTF-8,
    dictionaries as length and items sorted by key, lists and tuples as length and items, tensors as
    dtype, shape and bytes.
    """
    digest = hashlib.sha256()
    _feed(digest, {key: value for key, value in content.items() if key != "checksum"})
    return digest.hexdigest()


def codec_digest_of(content: Mapping[str, Any]) -> str:
    """The same over the keys of the codec only: code files hold it to name the codec they need."""
    digest = hashlib.sha256()
    _feed(digest, {key: content[key] for key in CODEC_KEYS})
    return digest.hexdigest()


class CodecIdentity:
    """Tells the digest of a codec as it is now, whose weights may be changed in Python.

    Each time, all weights are compared with those of the time before. Torch's counters of changes
    would be faster, but do not count what is done by way of `.data`, as the codebooks learn.
    """

    def __init__(self, network: nn.Module, configs: Mapping[str, Any], digest: str) -> None:
        """`configs` are the keys of the codec but for its weights, `digest` is that of now."""
        self.network, self.configs, self.original = network, configs, digest
        self._digest, self._weights = digest, _copy(network)

    @property
    def digest(self) -> str:
        """The digest of now. It takes 4 to 8 ms for a codec of the usual size on a CPU,
        and three times that after a change.
        """
        weights = network_weights(self.network)
        for name, weight in weights.items():  # once after the codec was moved to another device
            self._weights[name] = self._weights[name].to(weight.device)
        if not _are_equal(weights, self._weights):
            self._digest = codec_digest_of({WEIGHTS: weights, **self.configs})
            self._weights = _copy(self.network)
        return self._digest

    @property
    def is_changed(self) -> bool:
        """Whether the codec is another one than it was at first."""
        return self.digest != self.original


def network_weights(network: nn.Module) -> dict[str, Tensor]:
    """Weights and codebooks by name, as they are now; not copied."""
    return dict(network.state_dict())


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in network_weights(network).items()}


def _are_equal(weights: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> bool:
    return all(
        weight.dtype == before[name].dtype and torch.equal(weight, before[name])
        for name, weight in weights.items()
    )


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, Tensor):
        digest.update(b"T")
        _feed(digest, str(value.dtype))
        _feed(digest, list(value.shape))
        dense = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        digest.update(dense.reshape(-1).view(torch.uint8).numpy())
    elif isinstance(value, Mapping):
        digest.update(b"D" + struct.pack("<q", len(value)))
        for key in sorted(value, key=lambda key: (type(key).__name__, key)):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(b"L" + struct.pack("<q", len(value)))
        for item in value:
            _feed(digest, item)
    elif isinstance(value, str | bytes):
        encoded = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
        digest.update(
            (b"S" if isinstance(value, str) else b"Y") + struct.pack("<q", len(encoded)) + encoded
        )
    elif value is None or isinstance(value, bool):
        digest.update({None: b"N", True: b"1", False: b"0"}[value])
    elif isinstance(value, int):
        digits = str(value).encode()
        digest.update(b"I" + struct.pack("<q", len(digits)) + digits)
    elif isinstance(value, float):
        digest.update(b"F" + struct.pack("<d", value))
    else:
        raise TypeError(f"a bundle takes plain values and tensors, not {type(value).__name__}")
