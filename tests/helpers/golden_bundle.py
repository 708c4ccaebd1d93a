"""Makes `golden_v1.distillgan` and `golden_v1_low.distillgan`:
`python -m tests.helpers.golden_bundle`.

Version-1 bundles: one with HiFi-GAN and a prior, one of the usual design, with levels of the low
rows and phase gradient. From the first release on they stay as they are, and every later distill
must read them: a change of the format then gets a golden file of its own. Prints the codes that
`test_reader.py` holds.
"""

from __future__ import annotations

from pathlib import Path

import torch

from distill.bundle.format import write_bundle
from distill.model.vqvae import ConvVQVAE
from tests.helpers.low_rows import LOW_SPECTROGRAM, low_fields
from tests.helpers.tiny_bundle import (
    fields_of,
    mel,
    phase_vocoder,
    prior_state,
    tiny_model,
    vocoder_state,
)

FOLDER = Path(__file__).resolve().parents[1] / "bundle"
GOLDEN = FOLDER / "golden_v1.distillgan"
GOLDEN_LOW = FOLDER / "golden_v1_low.distillgan"
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
    """Write the files that are not there."""
    model = next(made for made in map(tiny_model, range(1000)) if smallest_margin(made) > MARGIN)
    states = {"vocoder_state": vocoder_state(), "prior_state": prior_state()}
    low = {**low_fields(), "vocoder_state": phase_vocoder(LOW_SPECTROGRAM)}
    for path, fields in ((GOLDEN, {**fields_of(model), **states}), (GOLDEN_LOW, low)):
        if path.exists():
            print(f"{path} exists and must stay as it is")
            continue
        write_bundle(path, fields)
        print(path.stat().st_size, "bytes")
    print(model.encode(mel()).tolist())


if __name__ == "__main__":
    main()
