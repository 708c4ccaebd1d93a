"""Levels that only the low rows have: where they are, what they mend, and what they leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from distill.model.config import VQVAEConfig
from distill.model.held import are_codes, held_levels
from distill.model.layout import NO_CODE, CodeLayout, low_rows
from distill.model.quantizer import CodeRangeError
from distill.model.sizing import bitrate_kbps, low_codebook_size
from distill.model.vqvae import ConvVQVAE

STRIDE, BINS, ROWS, LOW = 4, 32, 8, 2
CONFIG = VQVAEConfig(
    codebook_dim=6,
    codebook_size=8,
    num_quantizers=2,
    decay=0.8,
    commitment_weight=0.25,
    threshold_ema_dead_code=0.5,
    kmeans_iters=5,
    dropout=0.0,
    channels=8,
    stride=STRIDE,
    residual_units=1,
    low_levels=3,
    low_codebook_size=5,
)
PLAIN = replace(CONFIG, low_levels=0, low_codebook_size=0)


def mels(batch: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 1, BINS, 48, generator=generator)


def model_of(config: VQVAEConfig = CONFIG, *, steps: int = 4) -> ConvVQVAE:
    """In eval mode, its codebooks filled by a few steps."""
    torch.manual_seed(0)
    model = ConvVQVAE(config)
    for step in range(steps):
        model(mels(seed=step))
    return model.eval()


@pytest.fixture(scope="module")
def model() -> ConvVQVAE:
    return model_of()


def test_the_low_rows_have_their_levels_and_the_others_have_none(model: ConvVQVAE) -> None:
    codes = model.encode(mels())
    assert codes.shape == (4, ROWS, 12, 5)
    assert (codes[:, LOW:, :, 2:] == NO_CODE).all()
    assert are_codes(codes, CONFIG.layout(BINS))
    assert codes[:, :LOW, :, 2:].unique().tolist() == list(range(5))
    assert torch.equal(codes.flatten(1, 2), model(mels()).indices)


def test_decoded_codes_are_what_the_network_gives(model: ConvVQVAE) -> None:
    whole, codes = model(mels()).mel, model.encode(mels())
    decoded = model.decode(codes, height=BINS, width=48)
    torch.testing.assert_close(decoded, whole, rtol=1e-5, atol=1e-5)


def test_what_is_left_over_shrinks_in_the_low_rows_and_stays_in_the_others(
    model: ConvVQVAE,
) -> None:
    """First of the latents, by two of the three levels, then of the mel, by the last one."""
    latent, codes = model.encoder(mels()).detach(), model.encode(mels())
    errors = []
    for levels in range(2, 5):
        vectors = model.vectors(codes[..., :levels])[..., : CONFIG.codebook_dim]
        missing = vectors.permute(0, 3, 1, 2) - latent
        errors.append(missing.square().mean(dim=(0, 1, 3)))
    low = [float(error[:LOW].mean()) for error in errors]
    assert low == sorted(low, reverse=True)
    assert low[-1] < 0.9 * low[0]
    assert all(torch.equal(error[LOW:], errors[0][LOW:]) for error in errors)
    plain, whole = (
        (model.decode(codes[..., :levels], height=BINS, width=48) - mels()).square().mean((0, 1, 3))
        for levels in (4, 5)
    )
    assert whole[: LOW * STRIDE].mean() < 0.95 * plain[: LOW * STRIDE].mean()
    assert torch.equal(whole[LOW * STRIDE :], plain[LOW * STRIDE :])


def test_a_single_one_is_for_the_latents() -> None:
    model = model_of(replace(CONFIG, low_levels=1))
    assert model.config.detail_levels == 0
    assert model.encode(mels()).shape[-1] == 3
    assert [len(book[0]) for book in model.codebooks] == [CONFIG.codebook_dim] * 3


def test_details_do_not_teach_the_networks() -> None:
    """Which would leave more and more to them, and get worse: they have no gradient."""
    model = model_of().train()
    found = model(mels())
    assert not torch.equal(found.mel, found.plain_mel)
    assert not torch.equal(found.mel[:, :, : LOW * STRIDE], found.plain_mel[:, :, : LOW * STRIDE])
    assert torch.equal(found.mel[:, :, LOW * STRIDE :], found.plain_mel[:, :, LOW * STRIDE :])
    assert found.plain_mel.requires_grad
    assert not found.mel.requires_grad


def test_without_them_all_is_as_it_was() -> None:
    """The same weights, codes and mels, to the bit."""
    one, other = model_of(PLAIN), model_of(replace(PLAIN, low_codebook_size=9))
    assert one.state_dict().keys() == other.state_dict().keys()
    assert torch.equal(one(mels()).mel, other(mels()).mel)
    with_low = model_of(CONFIG, steps=1)
    assert torch.equal(model_of(PLAIN, steps=1).encode(mels()), with_low.encode(mels())[..., :2])


def test_the_encoder_gets_the_gradient_of_the_mel_once() -> None:
    """Straight through both quantisers of latents: as if there were none."""
    model, seen = model_of().train(), list[Tensor]()

    def keep(latent: Tensor) -> None:
        latent.retain_grad()
        seen.append(latent)

    model.encoder.register_forward_hook(lambda _, __, latent: keep(latent))
    model.decoder.register_forward_pre_hook(lambda _, given: keep(given[0]))
    (model(mels()).plain_mel - mels()).abs().mean().backward()
    encoded, decoded = (latent.grad for latent in seen)
    assert encoded is not None
    assert decoded is not None
    assert torch.equal(encoded, decoded)
    seen.clear()
    model(mels()).commitment.backward()
    pulled = seen[0].grad
    assert pulled is not None
    assert (pulled.abs().amax(dim=(0, 1, 3)) > 0).all()


def test_only_sounding_places_are_learned_from() -> None:
    model = model_of().train()
    sounding = torch.zeros(4, 48, dtype=torch.bool)
    before = [book.clone() for book in model.codebooks]
    model(mels(), sounding)
    assert all(torch.equal(*books) for books in zip(before, model.codebooks, strict=True))
    sounding[:, :8] = True
    model(mels(), sounding)
    assert not any(torch.equal(*books) for books in zip(before, model.codebooks, strict=True))


def test_a_dead_code_of_the_low_rows_comes_back() -> None:
    model = model_of().train()
    state = model.state_dict()
    for name, value in (("embed", 1e3), ("cluster_size", 0.0), ("embed_avg", 0.0)):
        state[f"low_quantizer.rvq.layers.0._codebook.{name}"][0, 2] = value
    assert not (model.eval().encode(mels())[:, :LOW, :, 2] == 2).any()
    model.train()
    for step in range(12):
        model(mels(seed=step))
    assert (model.eval().encode(mels())[:, :LOW, :, 2] == 2).any()


def test_saved_weights_give_the_same_codes(model: ConvVQVAE) -> None:
    other = ConvVQVAE(CONFIG).eval()
    assert not other.initialised
    other.load_state_dict(model.state_dict())
    assert other.initialised
    assert torch.equal(other.encode(mels()), model.encode(mels()))


@pytest.mark.parametrize(
    "place", [(0, 0, 0, 0), (0, 7, 3, 1), (0, 0, 0, 2), (0, 1, 2, 4), (0, 2, 0, 2), (0, 7, 11, 4)]
)
@pytest.mark.parametrize("code", [-2, 8])
def test_an_impossible_code_is_refused(model: ConvVQVAE, place: tuple[int, ...], code: int) -> None:
    codes = model.encode(mels(1))
    codes[place] = code
    assert not are_codes(codes, CONFIG.layout(BINS))
    with pytest.raises(CodeRangeError):
        model.decode(codes, height=BINS, width=48)


def test_a_model_without_low_levels_refuses_codes_of_them() -> None:
    codes = model_of().encode(mels(1))
    with pytest.raises(CodeRangeError):
        model_of(PLAIN).decode(codes, height=BINS, width=48)


def test_the_bitrate_counts_a_quarter_of_the_rows() -> None:
    def kbps(low_levels: int, size: int) -> float:
        return bitrate_kbps(CodeLayout(16, 3, 256, low_levels, size), columns_per_s=11.71875)

    assert kbps(0, 0) == 4.5
    assert kbps(4, 256) == 6.0
    assert kbps(4, 128) == pytest.approx(5.8125, abs=1e-3)
    assert kbps(5, 64) == pytest.approx(5.906, abs=1e-3)


@pytest.mark.parametrize(("rows", "low"), [(1, 1), (2, 1), (4, 1), (5, 2), (8, 2), (16, 4)])
def test_the_lowest_quarter_of_the_rows_is_low(rows: int, low: int) -> None:
    assert low_rows(rows) == low
    layout = CodeLayout(rows, 2, 9, 3, 4)
    assert layout.level_rows == (rows, rows, low, low, low)
    assert layout.sizes == (9, 9, 4, 4, 4)
    assert int(held_levels(layout).sum()) == layout.column_codes
    assert layout.first_levels(2) == layout
    assert layout.first_levels(1) == CodeLayout(rows, 1, 9)


@pytest.mark.parametrize(("vectors", "codes"), [(100_000, 256), (8_000, 128), (500, 32)])
def test_few_sounds_get_few_codes(vectors: int, codes: int) -> None:
    choice = low_codebook_size(256, training_vectors=vectors)
    assert choice.value == codes
    assert f"{vectors / codes:,.0f} places" in choice.reason
