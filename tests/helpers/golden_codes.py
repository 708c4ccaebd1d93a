"""Makes `golden_v1.distillcodes`: `python -m tests.helpers.golden_codes`.

A version-1 code file, as if by the model in `tests/bundle/golden_v1.distillgan`. From the first
release on it stays as it is, and every later distill must read it: a change of the format then gets
a golden file of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from distill.bundle.loading import load_bundle

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "codec" / "golden_v1.distillcodes"
GOLDEN_BUNDLE = TESTS / "bundle" / "golden_v1.distillgan"
SAMPLES, SAMPLE_RATE_HZ = 20_000, 44_100


def golden_indices() -> torch.Tensor:
    """(2, 2, 7, 2), the same on every machine: no random numbers in it."""
    return (torch.arange(2 * 2 * 7 * 2) ** 2 // 5 % 8).reshape(2, 2, 7, 2)


def main() -> None:
    """Write the file, unless it is there."""
    if GOLDEN.exists():
        sys.exit(f"{GOLDEN} exists and must stay as it is")
    model = load_bundle(GOLDEN_BUNDLE)
    codes = model.codec.codes(golden_indices(), SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ)
    decoded = torch.cat(list(model.codec.decoded_mels(codes)), dim=-1)
    codes.save(GOLDEN, overwrite=True)
    print(GOLDEN.stat().st_size, "bytes")
    print("decoded mel:", tuple(decoded.shape), decoded.mean(dim=(1, 2, 3)).tolist())


if __name__ == "__main__":
    main()
