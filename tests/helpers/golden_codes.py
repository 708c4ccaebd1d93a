"""Makes `golden_v1.distillcodes` and `golden_v2.distillcodes`:
`python -m tests.helpers.golden_codes`.

Code files of each version, as if by the model in `tests/bundle/golden_v1.distillgan`. From the
first release on they stay as they are, and every later distill must read them: a change of the
format then gets a golden file of its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from distill.bundle.loading import load_bundle
from distill.codec.facts import COPY, REST, ChannelFacts

TESTS = Path(__file__).resolve().parents[1]
GOLDEN = TESTS / "codec" / "golden_v1.distillcodes"
GOLDEN_2 = TESTS / "codec" / "golden_v2.distillcodes"
GOLDEN_BUNDLE = TESTS / "bundle" / "golden_v1.distillgan"
SAMPLES, SAMPLE_RATE_HZ = 20_000, 44_100


def golden_indices() -> torch.Tensor:
    """(2, 2, 7, 2), the same on every machine: no random numbers in it."""
    return (torch.arange(2 * 2 * 7 * 2) ** 2 // 5 % 8).reshape(2, 2, 7, 2)


FACTS = (
    ChannelFacts(level=222),
    ChannelFacts(COPY, -1_024, -9_990),
    ChannelFacts(REST, 320, 9_000, level=1, end=200),
)


def main() -> None:
    """Write the files that are not there."""
    model = load_bundle(GOLDEN_BUNDLE)
    codes = model.codec.codes(golden_indices(), SAMPLES, sample_rate_hz=SAMPLE_RATE_HZ)
    for path, facts in ((GOLDEN, ()), (GOLDEN_2, FACTS)):
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
