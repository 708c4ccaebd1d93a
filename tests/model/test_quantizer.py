"""vectors → codes → vectors: exact, safe against NaN, true gradients, codes that come back."""

from __future__ import annotations

import pytest
import torch

from distill.codec.level_health import SideHealth
from distill.model.quantizer import CodeRangeError, NonFiniteError, QuantizerSizes
from distill.model.quantizers.residual_vq import ResidualQuantizer
from distill.training.codec.health import count_codes, health_of

DIM, CODES = 6, 16


def quantizer(
    levels: int = 3, *, threshold: float = 2, codes: int = CODES, seed: int = 0
) -> ResidualQuantizer:
    """Not yet trained."""
    torch.manual_seed(seed)
    return ResidualQuantizer(QuantizerSizes(DIM, codes, levels, 0.8, threshold, kmeans_iters=5))


def vectors(seed: int, positions: int = 150) -> torch.Tensor:
    """(2, positions, D)."""
    return torch.randn(2, positions, DIM, generator=torch.Generator().manual_seed(seed))


def trained(levels: int = 3, *, threshold: float = 2, steps: int = 5) -> ResidualQuantizer:
    """In eval mode, after a few training steps."""
    made = quantizer(levels, threshold=threshold)
    for step in range(steps):
        made(vectors(step))
    return made.eval()


def codebooks(made: ResidualQuantizer) -> torch.Tensor:
    """(L, K, D), a copy."""
    return made.codebooks.detach().clone()


def residual_losses(x: torch.Tensor, books: torch.Tensor, indices: torch.Tensor) -> list[float]:
    """Mean squared residual after each level, from first principles."""
    residual, losses = x, []
    for level, book in enumerate(books):
        residual = residual - book[indices[..., level]]
        losses.append(residual.square().mean().item())
    return losses


@pytest.mark.parametrize("levels", range(1, 9))
def test_decoding_indices_gives_exactly_the_quantized_vectors(levels: int) -> None:
    made, x = trained(levels), vectors(99)
    given = made(x)
    assert given.indices.shape == (2, 150, levels)
    assert given.indices.dtype == torch.int64
    assert given.vectors.shape == x.shape
    assert torch.equal(made.from_indices(given.indices), given.vectors)


def test_indices_are_the_nearest_codes_level_by_level() -> None:
    made, x = trained(), vectors(99)
    given, residual = made(x), x
    for level, book in enumerate(codebooks(made)):
        distance = torch.cdist(residual, book)
        chosen = distance.gather(-1, given.indices[..., level : level + 1])[..., 0]
        torch.testing.assert_close(chosen, distance.min(dim=-1).values)
        residual = residual - book[given.indices[..., level]]
    assert given.indices.min() >= 0
    assert given.indices.max() < CODES


def test_more_levels_come_closer() -> None:
    made, x = trained(4), vectors(99)
    indices = made(x).indices
    errors = [(x - made.from_indices(indices[..., :n])).square().mean().item() for n in range(1, 5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.5 * errors[0]


def test_fewer_levels_decode_to_the_coarse_codes() -> None:
    made = trained()
    indices, books = made(vectors(99)).indices, codebooks(made)
    assert torch.equal(made.from_indices(indices[..., :1]), books[0][indices[..., 0]])
    torch.testing.assert_close(
        made.from_indices(indices[..., :2]), books[0][indices[..., 0]] + books[1][indices[..., 1]]
    )


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize("training", [True, False])
def test_straight_through_gradient_is_exactly_that_of_the_output(
    levels: int, training: bool
) -> None:
    made = trained(levels).train(training)
    x = vectors(99).requires_grad_()
    upstream = torch.randn(2, 150, DIM)
    made(x).vectors.backward(upstream)
    assert x.grad is not None
    assert torch.equal(x.grad, upstream)


def test_commitment_gradient_pulls_each_vector_to_its_codes() -> None:
    made = trained(2)
    x = vectors(99).requires_grad_()
    given = made(x)
    given.commitment.backward()
    books = codebooks(made)
    first = books[0][given.indices[..., 0]]
    second = first + books[1][given.indices[..., 1]]
    assert x.grad is not None
    expected = 2 * ((x - first) + (x - second)).detach() / x.numel()
    torch.testing.assert_close(x.grad, expected)


@pytest.mark.parametrize("training", [True, False])
def test_commitment_is_the_sum_of_mean_squared_residuals(training: bool) -> None:
    """Of the codes as they were when they were chosen: a training step moves them afterwards."""
    made, x = trained().train(training), vectors(99)
    books = codebooks(made)
    given = made(x)
    losses = residual_losses(x, books, given.indices)
    assert all(loss > 0.01 for loss in losses)
    assert given.commitment.item() == pytest.approx(sum(losses), rel=1e-5)


def test_commitment_is_the_same_number_in_both_modes() -> None:
    made, x = trained(), vectors(99)
    held_out = made.eval()(x).commitment.item()
    assert held_out > 0.01
    assert made.train()(x).commitment.item() == pytest.approx(held_out, rel=1e-6)


def test_resetting_rare_codes_does_not_spoil_the_step_that_does_it() -> None:
    """Many codes and few vectors: most codes are replaced in each step, also ones just chosen."""
    made, x = quantizer(codes=64), vectors(7, positions=40)
    for step in range(10):
        made(vectors(step, positions=40))
    before = codebooks(made)
    held_out = made.eval()(x)
    given = made.train()(x)
    assert ((codebooks(made) - before).norm(dim=-1) > 0.5).float().mean() > 0.2  # codes did jump
    assert torch.equal(given.indices, held_out.indices)
    torch.testing.assert_close(given.vectors, held_out.vectors)


def test_first_step_is_quantised_with_the_means_found_in_it() -> None:
    made, x = quantizer(), vectors(0)
    given = made(x)
    assert made.initialised
    errors = (x - given.vectors).square().mean()
    assert errors < 0.5 * x.square().mean()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("training", [True, False])
def test_one_bad_number_is_refused_and_changes_nothing(bad: float, training: bool) -> None:
    made = trained().train(training)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    x = vectors(99)
    x[1, 17, 3] = bad
    with pytest.raises(NonFiniteError):
        made(x)
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())


def test_bad_first_batch_does_not_initialise_the_codebooks() -> None:
    made = quantizer()
    with pytest.raises(NonFiniteError):
        made(vectors(0) * float("nan"))
    assert not made.initialised
    made(vectors(0))
    assert made.initialised
    assert torch.isfinite(codebooks(made)).all()


def test_validation_before_training_is_an_error_not_an_initialisation() -> None:
    made = quantizer().eval()
    with pytest.raises(RuntimeError, match="not initialised"):
        made(vectors(0))
    assert not made.initialised


def test_codebooks_learn_from_what_sounds_only() -> None:
    """As if the padding were not there; it is coded all the same."""
    sounding = torch.zeros(2, 150, dtype=torch.bool)
    sounding[0], sounding[1, :70] = True, True
    masked, alone = quantizer(), quantizer()
    for step in range(4):
        x = vectors(step)
        x[~sounding] = 7.0
        torch.manual_seed(step)
        given = masked(x, sounding)
        torch.manual_seed(step)
        expected = alone(x[sounding][None])
        assert torch.equal(given.indices[sounding], expected.indices[0])
        assert (given.indices >= 0).all()
        assert (given.indices < CODES).all()
        assert len(given.indices[~sounding].unique(dim=0)) == 1
    assert torch.equal(codebooks(masked), codebooks(alone))
    assert codebooks(masked).sum(0).abs().max() < 6


@pytest.mark.parametrize("share", [0, 1])
def test_all_or_nothing_may_sound(share: int) -> None:
    made = quantizer()
    made(vectors(0))
    before = codebooks(made)
    given = made(vectors(1), torch.full((2, 150), bool(share)))
    assert given.indices.shape == (2, 150, 3)
    assert torch.equal(codebooks(made), before) == (share == 0)


def test_eval_leaves_the_codebooks_alone_and_training_moves_them() -> None:
    made = trained()
    before = codebooks(made)
    made(vectors(99))
    assert torch.equal(codebooks(made), before)
    made.train()(vectors(99))
    assert not torch.equal(codebooks(made), before)


@pytest.mark.parametrize(("level", "index"), [(0, CODES), (0, -1), (2, CODES), (2, -1), (1, 10**9)])
def test_impossible_index_is_refused_at_any_level(level: int, index: int) -> None:
    indices = torch.zeros(1, 4, 3, dtype=torch.int64)
    indices[0, 2, level] = index
    with pytest.raises(CodeRangeError, match=str(index)):
        trained().from_indices(indices)


@pytest.mark.parametrize("levels", [0, 4])
def test_impossible_number_of_levels_is_refused(levels: int) -> None:
    with pytest.raises(CodeRangeError, match=f"{levels} levels"):
        trained().from_indices(torch.zeros(1, 4, levels, dtype=torch.int64))


def test_indices_are_the_same_under_bf16_autocast() -> None:
    made, x = trained(), vectors(99, positions=2000)
    plain = made(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = made(x)
    assert torch.equal(plain.indices, mixed.indices)
    assert mixed.vectors.dtype == torch.float32


def health(made: ResidualQuantizer, x: torch.Tensor) -> SideHealth:
    """Health over (B, N, D) in eval mode, as a run measures it."""
    indices = made.eval()(x).indices[:, None]  # one row of N columns
    sounding = torch.ones(x.shape[:2], dtype=torch.bool)
    return health_of(count_codes(indices, sounding, stride=1, codebook_size=CODES))


def utilization(made: ResidualQuantizer, x: torch.Tensor) -> list[float]:
    """Share of codes in use on each level."""
    return [level.utilization for level in health(made, x).levels]


def with_dead_codes(threshold: float) -> ResidualQuantizer:
    """Trained, then all but two codes of each level moved far away from anything."""
    made = trained(threshold=threshold)
    for layer in made.rvq.layers:
        book = {name.rpartition(".")[2]: values for name, values in layer.named_buffers()}
        book["embed"][:, 2:] += 1e3
        book["embed_avg"].copy_(book["embed"] * book["cluster_size"][..., None])
    assert max(utilization(made, vectors(99))) <= 2 / CODES
    return made


def test_dead_codes_come_back() -> None:
    made = with_dead_codes(threshold=2).train()
    for step in range(30):
        made(vectors(100 + step))
    assert min(utilization(made, vectors(99))) > 0.9


def test_dead_codes_stay_dead_without_the_reset() -> None:
    made = with_dead_codes(threshold=0).train()
    for step in range(30):
        made(vectors(100 + step))
    assert max(utilization(made, vectors(99))) <= 2 / CODES


def test_collapsed_encoder_is_seen() -> None:
    """All positions alike: whatever the dead-code reset does, health must tell."""
    made, constant = trained(), torch.full((2, 150, DIM), 0.3)
    assert min(utilization(made, vectors(99))) > 0.9
    made.train()
    for _ in range(10):
        made(constant)
    side = health(made, constant)
    assert side.ill_levels(0.3) == (0, 1, 2)
    assert all(level.utilization == 1 / CODES for level in side.levels)
