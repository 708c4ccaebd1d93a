"""Makes `golden_v1.distillgan`: `python -m tests.helpers.golden_bundle`.

A version-1 bundle. From the first release on it stays as it is, and every later distill must read
it: a change of the format then gets a golden file of its own. Prints the codes that
`test_reader.py` holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from distill.bundle.format import write_bundle
from distill.model.vqvae import ConvVQVAE
from tests.helpers.tiny_bundle import fields_of, mel, prior_state, tiny_model, vocoder_state

GOLDEN = Path(__file__).resolve().parents[1] / "bundle" / "golden_v1.distillgan"
MARGIN = 0.01
"""By how much the chosen code must be nearer than the next, so that every machine chooses it."""


def smallest_margin(model: ConvVQVAE) -> float:
    """Between the nearest and the second-nearest code, over all positions and levels."""
    with torch.no_grad():
        residual = model.encoder(mel()).flatten(2).transpose(1, 2)
        indices = model.quantizer(residual).indices
        margins = []
        for level, book in enumerate(model.quantizer.codebooks):
            nearest = torch.cdist(residual, book).topk(2, largest=False).values
            margins.append((nearest[..., 1] - nearest[..., 0]).min().item())
            residual = residual - book[indices[..., level]]
    return min(margins)


def main() -> None:
    """Write the file, unless it is there."""
    if GOLDEN.exists():
        sys.exit(f"{GOLDEN} exists and must stay as it is")
    model = next(made for made in map(tiny_model, range(1000)) if smallest_margin(made) > MARGIN)
    states = {"vocoder_state": vocoder_state(), "prior_state": prior_state()}
    write_bundle(GOLDEN, {**fields_of(model), **states})
    print(GOLDEN.stat().st_size, "bytes")
    print(model.encode(mel()).tolist())


if __name__ == "__main__":
    main()
