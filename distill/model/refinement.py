"""mel (1, 1, M, F) → codes (1, H, W, l) whose decoded mel is nearer to it than that of its latents.

The latents are moved by the gradient that the decoder gives them, straight through the search for
their codes (arXiv:1711.00937, eq. 3); the weights stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from distill.model.loss import mel_loss
from distill.model.search import grid_of, search_details, search_latent
from distill.model.vqvae import ConvVQVAE

STEPS = 40
RATE, BETAS = 0.01, (0.8, 0.95)
"""Of Adam; the rate, over the spread of the first level's codes, is that of the first step, and
falls to nothing.
"""


def reach(network: ConvVQVAE) -> int:
    """How many columns on either side of others matter to their codes: as far as those that have a
    part in the same frames of the decoded mel, and these latents' own surroundings.
    """
    return 2 * network.decoder_context + network.config.residual_units


def refine_codes(
    network: ConvVQVAE,
    mel: Tensor,
    *,
    levels: int,
    std_db: float,
    before: Tensor | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Tensor:
    """Codes as of `search_codes`, but the best by `mel_loss` of those that STEPS steps find, the
    search's own among them. `progress` is called with the share of each step.

    The first columns keep the codes `before` (1, H, w, l); the result begins after them.
    """
    with torch.inference_mode(False), torch.no_grad():
        target = mel.clone()  # what was made in inference mode has no gradient
        height, width = target.shape[-2:]
        latent = network.latent(target)
        has_all = levels == network.config.num_quantizers
        has_details = has_all and network.detail_quantizer is not None
        if before is None:
            before = target.new_zeros(
                1, latent.shape[2], 0, levels + network.config.low_levels * has_all
            ).long()
        fixed, known = grid_of(network, before), before.shape[2]
        moved = latent[..., known:].clone().requires_grad_()
        book = network.quantizer.codebooks[0].detach()
        rate = RATE * float(book.std(dim=0, correction=0).mean())
        optimizer = torch.optim.Adam([moved], betas=BETAS)
        weights = target.new_ones(1, width)
        least, best = math.inf, torch.zeros(0)
        for step in range(STEPS):
            codes = search_latent(network, moved, levels=levels, quick=step > 0)
            grid = grid_of(network, codes)
            with torch.enable_grad():
                approached = network.approached(moved)
                through = torch.cat([fixed, grid + (approached - approached.detach())], dim=-1)
                decoded = network.decoder(through)
            if has_details:
                missing = network.missing(target, decoded.detach())[:, :, known:]
                codes = search_details(network, codes, missing, quick=step > 0)
            with torch.enable_grad():
                vectors = network.vectors(torch.cat([before, codes], dim=2))
                whole = network.with_details(decoded, vectors)
                loss = mel_loss(whole[..., :height, :width], target, weights, std_db=std_db)
                moved.grad = torch.autograd.grad(loss, moved)[0]
            if not step or float(loss) < least:
                least, best = float(loss), codes
            if not torch.isfinite(moved.grad).all():
                break  # a decoder of huge weights; the usual codes need no gradient
            optimizer.param_groups[0]["lr"] = rate * (1 - step / STEPS)
            optimizer.step()
            progress(1 / STEPS)
    return best
