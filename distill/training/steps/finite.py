"""weights and codebooks → all finite, or the run ends with the name of what is not."""

from __future__ import annotations

import torch
from torch import nn

from distill.errors import RunError


def require_finite_weights(model: nn.Module) -> None:
    """Raise RunError that names the first weight or codebook with NaN or infinity: no later step
    could mend it, and it must not be saved over what is whole.
    """
    for name, values in model.state_dict().items():
        if not torch.isfinite(values).all():
            raise RunError(
                f"training stopped: {name} holds NaN or infinity; "
                "go on from the last good checkpoint with resume="
            )
