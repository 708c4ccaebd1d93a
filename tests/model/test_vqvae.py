"""mel → codes → mel: any size, chunked equals whole, save → load → equal."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from distill.model.config import VQVAEConfig
from distill.model.quantizer import CodeRangeError, NonFiniteError
from distill.model.vqvae import ConvVQVAE

CONFIG = VQVAEConfig(
    codebook_dim=6,
    codebook_size=8,
    num_quantizers=3,
    decay=0.8,
    commitment_weight=0.25,
    threshold_ema_dead_code=2,
    kmeans_iters=5,
    dropout=0.0,
    channels=8,
    stride=16,
    residual_units=1,
)
STRIDE = 16


def model_of(config: VQVAEConfig = CONFIG, *, steps: int = 3) -> ConvVQVAE:
    """In eval mode, its codebooks filled by a few forward passes."""
    torch.manual_seed(0)
    model = ConvVQVAE(config)
    for step in range(steps):
        model(mel_of(64, 96, batch=2, seed=step))
    return model.eval()


@pytest.fixture(scope="module")
def model() -> ConvVQVAE:
    return model_of()


def mel_of(height: int, width: int, *, batch: int = 1, seed: int = 0) -> torch.Tensor:
    """(B, 1, M, F)."""
    return torch.randn(batch, 1, height, width, generator=torch.Generator().manual_seed(seed))


SIZES = [(m, f) for m in (1, 2, 15, 16, 17, 31, 40) for f in (1, 3, 16, 18, 33, 39)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_any_size_comes_back_at_that_size(model: ConvVQVAE, height: int, width: int) -> None:
    mel = mel_of(height, width, batch=2)
    given = model(mel)
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    assert given.mel.shape == mel.shape
    assert torch.isfinite(given.mel).all()
    assert given.indices.shape == (2, rows * columns, CONFIG.num_quantizers)
    assert given.indices.dtype == torch.int64
    assert given.commitment.shape == ()
    assert given.commitment > 0
    assert model.grid_shape(height, width) == (rows, columns)


@pytest.mark.parametrize(("height", "width"), [(32, 47), (1, 1), (17, 33)])
def test_encode_then_decode_is_forward(model: ConvVQVAE, height: int, width: int) -> None:
    mel = mel_of(height, width, batch=2)
    whole, codes = model(mel), model.encode(mel)
    assert codes.shape == (2, *model.grid_shape(height, width), CONFIG.num_quantizers)
    assert torch.equal(codes.flatten(1, 2), whole.indices)
    decoded = model.decode(codes, height=height, width=width)
    torch.testing.assert_close(decoded, whole.mel, rtol=1e-5, atol=1e-5)


def test_fewer_levels_decode_and_differ(model: ConvVQVAE) -> None:
    mel = mel_of(32, 48)
    codes = model.encode(mel)
    all_levels = model.decode(codes, height=32, width=48)
    one_level = model.decode(codes[..., :1], height=32, width=48)
    assert one_level.shape == all_levels.shape
    assert not torch.allclose(one_level, all_levels, atol=1e-3)


def test_impossible_code_is_refused(model: ConvVQVAE) -> None:
    codes = model.encode(mel_of(32, 48))
    codes[0, 1, 1, 0] = CONFIG.codebook_size
    with pytest.raises(CodeRangeError):
        model.decode(codes, height=32, width=48)


def test_batch_items_do_not_see_each_other(model: ConvVQVAE) -> None:
    mels = mel_of(32, 48, batch=3)
    together = model(mels)
    alone = model(mels[1:2])
    assert torch.equal(together.indices[1:2], alone.indices)
    torch.testing.assert_close(together.mel[1:2], alone.mel, rtol=1e-4, atol=1e-5)


def test_chunk_equals_the_whole_away_from_its_edges(model: ConvVQVAE) -> None:
    """What lets any length be coded in chunks: no statistic is taken along time."""
    mel = mel_of(32, 40 * STRIDE)
    mel[..., : 10 * STRIDE] *= 5  # a loud beginning must not change what is far from it
    start, stop, margin = 12, 32, 4  # in columns
    chunk = mel[..., start * STRIDE : stop * STRIDE]
    with torch.no_grad():
        whole_latent, chunk_latent = model.encoder(mel), model.encoder(chunk)
    inner = slice(start + margin, stop - margin)
    torch.testing.assert_close(
        chunk_latent[..., margin:-margin], whole_latent[..., inner], rtol=1e-4, atol=1e-4
    )
    assert torch.equal(model.encode(chunk)[:, :, margin:-margin], model.encode(mel)[:, :, inner])


def test_decoded_chunk_equals_the_whole_away_from_its_edges(model: ConvVQVAE) -> None:
    codes = model.encode(mel_of(32, 40 * STRIDE))
    whole = model.decode(codes, height=32, width=40 * STRIDE)
    part = model.decode(codes[:, :, 12:32], height=32, width=20 * STRIDE)
    torch.testing.assert_close(
        part[..., 4 * STRIDE : -4 * STRIDE],
        whole[..., 16 * STRIDE : 28 * STRIDE],
        rtol=1e-4,
        atol=1e-4,
    )


def test_state_dict_round_trip_gives_identical_codes(model: ConvVQVAE) -> None:
    mel = mel_of(40, 70, batch=2, seed=9)
    torch.manual_seed(123)
    other = ConvVQVAE(CONFIG).eval()
    with pytest.raises(RuntimeError, match="not initialised"):
        other(mel)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.encode(mel), model.encode(mel))
    assert torch.equal(other(mel).mel, model(mel).mel)


def test_gradients_reach_all_of_encoder_and_decoder() -> None:
    model = model_of().train()
    mel = mel_of(32, 48, batch=2)
    (model(mel).mel - mel).abs().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_not_finite_mel_is_refused_and_the_model_stays_as_it_is() -> None:
    model = model_of().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    mel = mel_of(32, 48)
    mel[0, 0, 5, 5] = float("nan")
    with pytest.raises(NonFiniteError):
        model(mel)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    "change",
    [
        {"channels": 1},
        {"channels": 12},
        {"stride": 8},
        {"stride": 3},
        {"stride": 1},
        {"residual_units": 0},
        {"residual_units": 2},
        {"num_quantizers": 1},
        {"num_quantizers": 8},
        {"codebook_dim": 1},
        {"dropout": 0.5},
    ],
)
def test_other_networks_build_and_keep_the_shape(change: dict[str, object]) -> None:
    config = replace(CONFIG, **change)
    model = model_of(config, steps=1)
    mel = mel_of(21, 50)
    given = model(mel)
    rows, columns = model.grid_shape(21, 50)
    assert given.mel.shape == mel.shape
    assert given.indices.shape == (1, rows * columns, config.num_quantizers)
    assert torch.equal(model(mel).mel, given.mel)  # nothing is random in eval mode


def test_a_column_is_learned_from_if_one_of_its_frames_sounds() -> None:
    seen: list[torch.Tensor] = []
    model = model_of().train()
    forward = model.quantizer.forward

    def spy(latents: torch.Tensor, sounding: torch.Tensor) -> object:
        seen.append(sounding)
        return forward(latents, sounding)

    model.quantizer.forward = spy  # type: ignore[method-assign, assignment]
    sounding = torch.arange(50)[None] < torch.tensor([[50], [33], [32], [1]])
    behind_silence = (torch.arange(50) >= 31) & (torch.arange(50) < 40)
    sounding = torch.cat([sounding, behind_silence[None]])
    model(mel_of(40, 50, batch=5), sounding)
    columns = [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0]]
    expected = torch.tensor(columns, dtype=torch.bool)[:, None].expand(5, 3, 4)  # (B, H, W)
    assert torch.equal(seen[0], expected.flatten(1))


def test_patches_overlap_so_that_no_cell_sticks_out() -> None:
    """Each code has a part in the mel as far as the middle of the next patch."""
    decoder = model_of(replace(CONFIG, residual_units=0)).decoder
    latent = torch.zeros(1, CONFIG.codebook_dim, 3, 3)
    other = latent.clone()
    other[..., 1, 1] = 1
    changed = (decoder(other) != decoder(latent))[0, 0].nonzero()
    assert changed.min() == STRIDE // 2
    assert changed.max() == 3 * STRIDE - STRIDE // 2 - 1
