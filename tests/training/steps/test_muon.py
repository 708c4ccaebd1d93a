"""gradients → weights: the step of Muon beside torch's own, and what it does to kernels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from distill.training.steps.muon import Muon, orthogonalise

SETTINGS = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}


@pytest.mark.parametrize("shape", [(16, 160), (96, 40), (24, 24), (1, 9), (7, 1)])
def test_direction_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(2, *shape), full_matrices=False)
    spread = torch.logspace(0, -1.5, min(shape))
    given = orthogonalise(left @ torch.diag(spread) @ right)
    assert given.shape == (2, *shape)
    values = torch.linalg.svdvals(given)
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_no_gradient_at_all_is_no_step() -> None:
    assert torch.equal(orthogonalise(torch.zeros(1, 3, 5)), torch.zeros(1, 3, 5))


def test_matrices_move_as_by_the_optimizer_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.randn(8, 24)), nn.Parameter(torch.empty(8, 24))
    theirs.data.copy_(ours)
    optimizer = Muon([ours], betas=(0.9, 0.99), **SETTINGS)
    other = torch.optim.Muon([theirs], adjust_lr_fn="match_rms_adamw", **SETTINGS)
    before = ours.detach().clone()
    for _ in range(4):
        ours.grad = torch.randn(8, 24)
        theirs.grad = ours.grad.clone()
        optimizer.step()
        other.step()
    # theirs works in bfloat16
    assert (ours - theirs).norm() < 0.03 * (ours - before).norm()


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(3, 5, 4), nn.ConvTranspose2d(5, 3, 4), nn.LayerNorm(5)], ids=repr
)
def test_every_kind_of_weight_learns(layer: nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3 if isinstance(layer, nn.Conv2d) else 5, 9, 5)
    layer = layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    target = torch.randn_like(layer(x))
    optimizer = Muon(layer.parameters(), betas=(0.9, 0.99), **SETTINGS)
    losses = []
    for _ in range(50):
        loss = (layer(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.99 * losses[0]


def test_a_run_goes_on_from_the_saved_state() -> None:
    def grow(model: nn.Module, optimizer: Muon, seeds: range) -> None:
        for seed in seeds:
            torch.manual_seed(seed)
            optimizer.zero_grad()
            model(torch.randn(4, 6)).square().mean().backward()
            optimizer.step()

    torch.manual_seed(0)
    whole, first = nn.Linear(6, 3), nn.Linear(6, 3)
    first.load_state_dict(whole.state_dict())
    grow(whole, Muon(whole.parameters(), betas=(0.9, 0.99), **SETTINGS), range(6))
    optimizer = Muon(first.parameters(), betas=(0.9, 0.99), **SETTINGS)
    grow(first, optimizer, range(3))
    again = Muon(first.parameters(), betas=(0.9, 0.99), **SETTINGS)
    again.load_state_dict(optimizer.state_dict())
    grow(first, again, range(3, 6))
    assert all(
        torch.equal(a, b) for a, b in zip(whole.parameters(), first.parameters(), strict=True)
    )


def test_starter_weights_decay_to_themselves_and_random_ones_to_zero() -> None:
    began = torch.randn(4, 6)
    for to_start, target in ((True, began), (False, torch.zeros(4, 6))):
        weight = nn.Parameter(began.clone())
        settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1.0}
        optimizer = Muon([weight], betas=(0.9, 0.99), to_start=to_start, **settings)
        for step in range(100):
            weight.grad = torch.zeros(4, 6)
            optimizer.step()
            if step == 0:
                weight.data += 1
        torch.testing.assert_close(weight.detach(), target, atol=0.01, rtol=0)
