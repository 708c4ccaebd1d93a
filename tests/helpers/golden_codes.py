"""Makes `golden_v1.distillcodes` to `golden_v4.distillcodes`:
`python -m tests.helpers.golden_codes`.

Code files of each version, those of 1 and 2 as if by the model in
`tests/bundle/golden_v1.distillgan`, those of 3 and 4 by `golden_v1_low.distillgan`. From the
first release on they stay as they are, and every later distill must read them: a change of the
format then gets a golden file of its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from distill.bundle.loading import load_bundle
from distill.codec.facts import COPY, REST, ChannelFacts
from distill.model.held import held_levels
from distill.model.layout import NO_CODE, CodeLayout

TESTS = Path(__file__).resolve().parents[1]
GOLDEN, GOLDEN_2, GOLDEN_3, GOLDEN_4 = (
    TESTS / "codec" / f"golden_v{version}.distillcodes" for version in (1, 2, 3, 4)
)
GOLDEN_BUNDLE = TESTS / "bundle" / "golden_v1.distillgan"
GOLDEN_LOW_BUNDLE = TESTS / "bundle" / "golden_v1_low.distillgan"
SAMPLES, SAMPLE_RATE_HZ = 20_000, 44_100


def golden_indices() -> torch.Tensor:
    """(2, 2, 7, 2), the same on every machine: no random numbers in it."""
    return (torch.arange(2 * 2 * 7 * 2) ** 2 // 5 % 8).reshape(2, 2, 7, 2)


def golden_low_indices() -> torch.Tensor:
    """(2, 4, 7, 4), the last two of the lowest row alone."""
    layout = CodeLayout(4, 2, 8, 2, 5)
    sizes = torch.tensor([*layout.sizes])
    codes = (torch.arange(2 * 4 * 7 * 4) ** 2 // 5).reshape(2, 4, 7, 4) % sizes
    return torch.where(held_levels(layout)[:, None], codes, NO_CODE)


FACTS = (
    ChannelFacts(level=222),
    ChannelFacts(COPY, -1_024, -9_990),
    ChannelFacts(REST, 320, 9_000, level=1, end=200),
)


def main() -> None:
    """Write the files that are not there."""
    for bundle, indices, files in (
        (GOLDEN_BUNDLE, golden_indices(), ((GOLDEN, ()), (GOLDEN_2, FACTS))),
        (GOLDEN_LOW_BUNDLE, golden_low_indices(), ((GOLDEN_3, ()), (GOLDEN_4, FACTS))),
    ):
        model = load_bundle(bundle)
        codes = model.codec.codes(indices, SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ)
        for path, facts in files:
            if path.exists():
                print(f"{path} exists and must stay as it is")
                continue
            written = replace(codes, facts=facts)
            decoded = torch.cat(list(model.codec.decoded_mels(written)), dim=-1)
            written.save(path)
            print(path.stat().st_size, "bytes")
            print("decoded mel:", tuple(decoded.shape), decoded.mean(dim=(1, 2, 3)).tolist())


if __name__ == "__main__":
    main()
