"""machine → precision: fast where that costs nothing, exact elsewhere."""

from __future__ import annotations

import pytest
import torch

from distill.training.codec.completion import precision_for


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CPU only."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(("amx", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
def test_cpu_with_matrix_units_uses_them(
    no_gpu: None,
    monkeypatch: pytest.MonkeyPatch,
    accelerator: str,
    amx: bool,
    precision: str,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    assert precision_for(accelerator) == precision
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # another kind of processor
    assert precision_for(accelerator) == "32-true"


@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
def test_gpu_that_only_emulates_bf16_is_used_in_single_precision(
    monkeypatch: pytest.MonkeyPatch, accelerator: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for native, precision in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native
        )
        assert precision_for(accelerator) == precision


def test_cpu_beside_a_gpu_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert precision_for("cpu") == "32-true"


def test_apple_gpu_stays_in_single_precision(no_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert precision_for("auto") == "32-true"
    assert precision_for("cpu") == "bf16-mixed"
