"""gradients → weights: Muon for kernels, AdamW for everything else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""a, b, c of x → a x + b x³ + c x⁵, which brings singular values in (0, 1] near 1 in few rounds."""
ROUNDS = 5
ADAM_STEP_RMS = 0.2
"""RMS of a typical AdamW step, in units of its learning rate; Muon's steps are scaled to it."""


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is made orthogonal (K. Jordan, "Muon: An optimizer for hidden layers
    in neural networks", 2024), scaled as in arXiv:2502.16982 so that it shares AdamW's learning
    rate and weight decay.

    Weights of two and more dimensions are matrices (first dimension × all others), convolution
    kernels too. `torch.optim.Muon` takes no kernels, and works in bfloat16, which takes forty times
    as long as float32 on a CPU without bfloat16 multiplication.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        lr: float,
        momentum: float,
        betas: tuple[float, float],
        weight_decay: float,
        to_start: bool = False,
        no_layers: Iterable[Tensor] = (),
    ) -> None:
        """With `to_start`, weight decay pulls to where the weights are at the first step (L2-SP,
        arXiv:1802.01483), else to zero. Weights of `no_layers`, such as codes, whose shape says
        nothing of a matrix, are stepped as biases are: by AdamW without decay.
        """
        parameters, others = list(parameters), {id(weight) for weight in no_layers}
        kernels = [each for each in parameters if each.ndim > 1 and id(each) not in others]
        of_layers = {id(weight) for weight in kernels}
        super().__init__(
            [
                {"params": kernels, "kernels": True},
                {"params": [p for p in parameters if id(p) not in of_layers], "kernels": False},
            ],
            {
                "lr": lr,
                "momentum": momentum,
                "betas": betas,
                "weight_decay": weight_decay,
                "to_start": to_start,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Do one step; weights without a gradient do not change."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if group["kernels"]:
                self._step_kernels(weights, group)
            elif weights:
                self._step_others(weights, group)
        return loss

    def _step_kernels(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        by_shape: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
        for weight in weights:
            by_shape[len(weight), weight[0].numel()].append(weight)
        for (rows, columns), same in by_shape.items():  # one batch is faster than one by one
            momenta = torch.stack([self._update_momentum(weight, group) for weight in same])
            directions = orthogonalise(momenta)
            step = group["lr"] * ADAM_STEP_RMS * max(rows, columns) ** 0.5
            for weight, direction in zip(same, directions, strict=True):
                decay = group["lr"] * group["weight_decay"]
                if group["to_start"]:
                    weight.lerp_(self.state[weight]["start"], decay)
                else:
                    weight.mul_(1 - decay)
                weight.sub_(direction.view(weight.shape), alpha=step)

    def _update_momentum(self, weight: Tensor, group: dict[str, Any]) -> Tensor:
        """Update a weight's momentum; return Nesterov's momentum as a matrix (R, C)."""
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
            if group["to_start"]:
                state["start"] = weight.clone()
        state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
        return weight.grad.lerp(state["momentum"], group["momentum"]).flatten(1)

    def _step_others(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {
                    "mean": torch.zeros_like(weight),
                    "square": torch.zeros_like(weight),
                    "step": torch.zeros((), device=weight.device),
                }
        states = [self.state[weight] for weight in weights]
        adamw(
            weights,
            [weight.grad for weight in weights if weight.grad is not None],
            exp_avgs=[state["mean"] for state in states],
            exp_avg_sqs=[state["square"] for state in states],
            max_exp_avg_sqs=[],
            state_steps=[state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=0.0,  # biases and norms are not pulled to zero
            eps=1e-8,
            maximize=False,
        )


def orthogonalise(matrices: Tensor) -> Tensor:
    """Matrices (N, R, C) float32 → for each, approximately the nearest matrix with orthonormal
    rows; with orthonormal columns if there are fewer of these.

    The iteration runs on the small Gram matrix, so it is several times cheaper for a matrix that is
    much wider than high.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalise(matrices.mT).mT
    matrices = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=1e-20)
    gram = matrices @ matrices.mT
    product = _factor(gram)
    factor = product
    for _ in range(ROUNDS - 1):
        gram = factor @ gram @ factor
        factor = _factor(gram)
        product = factor @ product
    return product @ matrices


def _factor(gram: Tensor) -> Tensor:
    """The factor of one round, a + b G + c G², for a matrix with Gram matrix G."""
    a, b, c = COEFFICIENTS
    factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal(dim1=1, dim2=2).add_(a)
    return factor
