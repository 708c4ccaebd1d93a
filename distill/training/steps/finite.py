"""weights and codebooks → nothing if all are finite, else an error that names the first bad one."""

from __future__ import annotations

import torch
from torch import nn

from distill.errors import RunError


def require_finite_weights(model: nn.Module) -> None:
    """Raise RunError for the first weight or codebook with NaN or infinity: no later step could
    repair it, and it must not be saved over a good checkpoint.
    """
    for name, values in model.state_dict().items():
        if not torch.isfinite(values).all():
            raise RunError(
                f"training stopped: {name} holds NaN or infinity; "
                "continue from the last checkpoint with resume="
            )
