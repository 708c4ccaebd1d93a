"""two mels → loss: zero for equal ones, weighed once."""

from __future__ import annotations

import pytest
import torch

from distill.model import loss as mel_loss
from distill.model.loss import SCALES, loss_of


def multi_scale_l1(reconstruction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """With all frames alike."""
    frames = torch.ones(len(target), target.shape[-1])
    return mel_loss.multi_scale_l1(reconstruction, target, frames)


def test_equal_mels_cost_nothing() -> None:
    mel = torch.randn(2, 1, 20, 13)
    assert multi_scale_l1(mel, mel).item() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 3), (32, 17)])
def test_constant_difference_is_the_loss_at_any_size(shape: tuple[int, int]) -> None:
    """So the edge cells of an odd size weigh what their pixels do: no padding leaks in."""
    mel = torch.randn(2, 1, *shape)
    assert multi_scale_l1(mel + 0.25, mel).item() == pytest.approx(0.25, abs=1e-6)


def test_scales_are_full_half_and_quarter() -> None:
    """Differences that cancel within 2 × 2 are seen at full resolution only, and so on."""
    assert {1, 2, 4} <= set(SCALES)
    fine = torch.ones(8, 8)
    fine[::2] = -1
    coarse = fine.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)
    zero = torch.zeros(1, 1, 8, 8)
    assert multi_scale_l1(fine.expand(1, 1, 8, 8), zero).item() == pytest.approx(1 / len(SCALES))
    assert multi_scale_l1(
        coarse.expand(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    ).item() == pytest.approx(2 / len(SCALES))


@pytest.mark.parametrize("weight", [0.0, 0.25, 3.0])
def test_commitment_is_weighed_exactly_once(weight: float) -> None:
    mel, commitment = torch.zeros(1, 1, 8, 8), torch.tensor(2.0, requires_grad=True)
    loss = loss_of(
        mel + 1, mel, commitment, commitment_weight=weight, frame_weights=torch.ones(1, 8)
    )
    assert loss.reconstruction.item() == pytest.approx(1)
    assert loss.commitment.item() == 2  # the raw term stays raw
    assert loss.total.item() == pytest.approx(1 + weight * 2)
    loss.total.backward()
    assert commitment.grad is not None
    assert commitment.grad.item() == pytest.approx(weight)


def test_frames_count_by_their_weight() -> None:
    mel = torch.zeros(2, 1, 8, 8)
    weights = torch.ones(2, 8)
    weights[1, 4:] = 0
    everywhere, padding = mel + 0.5, mel.clone()
    padding[1, :, :, 4:] = 1
    assert mel_loss.multi_scale_l1(everywhere, mel, weights).item() == pytest.approx(0.5)
    assert mel_loss.multi_scale_l1(padding, mel, weights).item() == 0
    weights[1, 4:] = 0.25
    assert mel_loss.multi_scale_l1(padding, mel, weights).item() == pytest.approx(1 / 13)


def test_half_precision_mels_are_compared_in_single() -> None:
    mel = torch.zeros(1, 1, 64, 64)
    half = (mel + 1e-3).bfloat16()
    assert multi_scale_l1(half, mel).dtype == torch.float32
    assert multi_scale_l1(half, mel).item() == pytest.approx(1e-3, rel=0.01)


def test_gradient_reaches_every_pixel() -> None:
    mel = torch.randn(1, 1, 9, 7, requires_grad=True)
    multi_scale_l1(mel, torch.zeros(1, 1, 9, 7)).backward()
    assert mel.grad is not None
    assert (mel.grad != 0).all()
