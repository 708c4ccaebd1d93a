"""two mels → loss: zero for equal ones, loud bins seen, weighed once."""

from __future__ import annotations

import pytest
import torch

from distill.model import loss as mel_losses
from distill.model.loss import CELLS, loss_of

STD_DB = 20.0


def mel_loss(reconstruction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """With all frames alike."""
    frames = torch.ones(len(target), target.shape[-1])
    return mel_losses.mel_loss(reconstruction, target, frames, std_db=STD_DB)


def test_equal_mels_cost_nothing() -> None:
    mel = torch.randn(2, 1, 20, 13)
    assert mel_loss(mel, mel).item() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 3), (32, 17)])
def test_constant_difference_counts_once_in_each_term_at_any_size(shape: tuple[int, int]) -> None:
    """So the edge cells of an odd size weigh what their pixels do: no padding leaks in."""
    mel = torch.randn(2, 1, *shape)
    assert mel_loss(mel + 0.25, mel).item() == pytest.approx(0.5, abs=1e-5)


def test_a_flattened_loud_bin_costs_more_than_a_quiet_one() -> None:
    """Both are off by 10 dB in one bin of a cell. By the mean difference, they would be equal."""
    mel = torch.zeros(1, 1, 16, 16)
    mel[..., 3, 5], mel[..., 9, 2] = 2, -2
    loud, quiet = mel.clone(), mel.clone()
    loud[..., 3, 5] -= 10 / STD_DB
    quiet[..., 9, 2] += 10 / STD_DB
    assert mel_loss(loud, mel) > 5 * mel_loss(quiet, mel)


def test_a_sharp_bin_may_move_within_a_cell() -> None:
    """A guess beside the place is better than none, which the mean difference would prefer."""
    zero = torch.zeros(1, 1, 16, 16)
    sharp, beside = zero.clone(), zero.clone()
    sharp[..., 1, 1], beside[..., 2, 2] = 1.5, 1.5
    assert mel_loss(beside, sharp) < mel_loss(zero, sharp)
    assert (beside - sharp).abs().mean() > (zero - sharp).abs().mean()


@pytest.mark.parametrize("level", [-40.0, 15.0])
def test_extremes_have_a_finite_loss_and_gradient(level: float) -> None:
    """800 dB under and 300 dB over the mean."""
    mel = torch.full((1, 1, 16, 16), level, requires_grad=True)
    loss = mel_loss(mel, torch.zeros(1, 1, 16, 16))
    loss.backward()
    assert loss.isfinite()
    assert mel.grad is not None
    assert mel.grad.isfinite().all()


@pytest.mark.parametrize("weight", [0.0, 0.25, 3.0])
def test_commitment_is_weighed_exactly_once(weight: float) -> None:
    mel, commitment = torch.zeros(1, 1, 8, 8), torch.tensor(2.0, requires_grad=True)
    loss = loss_of(
        mel + 1,
        mel,
        commitment,
        commitment_weight=weight,
        frame_weights=torch.ones(1, 8),
        std_db=STD_DB,
    )
    assert loss.reconstruction.item() == pytest.approx(2)
    assert loss.commitment.item() == 2  # the raw term stays raw
    assert loss.total.item() == pytest.approx(2 + weight * 2)
    loss.total.backward()
    assert commitment.grad is not None
    assert commitment.grad.item() == pytest.approx(weight)


def test_frames_count_by_their_weight() -> None:
    size = max(CELLS)
    mel = torch.zeros(2, 1, size, 2 * size)
    weights = torch.ones(2, 2 * size)
    weights[1, size:] = 0
    everywhere, padding = mel + 0.5, mel.clone()
    padding[1, :, :, size:] = 1
    loss = mel_losses.mel_loss
    assert loss(everywhere, mel, weights, std_db=STD_DB).item() == pytest.approx(1)
    assert loss(padding, mel, weights, std_db=STD_DB).item() == 0
    weights[1, size:] = 0.25
    assert loss(padding, mel, weights, std_db=STD_DB).item() == pytest.approx(2 / 13)


def test_half_precision_mels_are_compared_in_single() -> None:
    mel = torch.zeros(1, 1, 64, 64)
    half = (mel + 1e-3).bfloat16()
    assert mel_loss(half, mel).dtype == torch.float32
    assert mel_loss(half, mel).item() == pytest.approx(2e-3, rel=0.01)


def test_gradient_reaches_every_pixel() -> None:
    mel = torch.randn(1, 1, 9, 7, requires_grad=True)
    mel_loss(mel, torch.zeros(1, 1, 9, 7)).backward()
    assert mel.grad is not None
    assert (mel.grad != 0).all()
