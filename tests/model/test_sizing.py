"""collection size → codes, decay, epochs: each as the settings tell."""

from __future__ import annotations

import pytest

from distill.model import sizing
from distill.model.sizing import dead_code_threshold, decay, max_epochs

PLENTY = 10**9


def codebook_size(files: int, vectors: int, *, positions_per_s: float = 46.9) -> sizing.Choice[int]:
    return sizing.codebook_size(files, training_vectors=vectors, positions_per_s=positions_per_s)


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        (1, 64),
        (20, 64),
        (21, 128),
        (100, 128),
        (101, 256),
        (500, 256),
        (501, 512),
        (5_000, 512),
        (5_001, 1024),
        (50_000, 1024),
    ],
)
def test_codes_by_files(files: int, codes: int) -> None:
    assert codebook_size(files, PLENTY).value == codes


@pytest.mark.parametrize(
    ("vectors", "codes"),
    [
        (32 * 256, 256),
        (32 * 256 - 1, 128),
        (32 * 128, 128),
        (32 * 128 - 1, 64),
        (32 * 64, 64),
        (32 * 64 - 1, 32),
        (32, 32),
        (1, 32),
    ],
)
def test_fewer_codes_where_few_vectors_would_fill_them(vectors: int, codes: int) -> None:
    assert codebook_size(300, vectors).value == codes


@pytest.mark.parametrize("files", [1, 20, 100, 500, 5_000, 50_000])
@pytest.mark.parametrize("vectors", [1, 1_000, 3_000, 10_000, 10**6])
def test_32_vectors_per_code_or_the_smallest_codebook(files: int, vectors: int) -> None:
    codes = codebook_size(files, vectors).value
    assert codes == 32 or vectors >= 32 * codes
    assert codes <= codebook_size(files, 10 * vectors).value <= codebook_size(files, PLENTY).value


def test_reason_says_what_was_decisive() -> None:
    assert "300 files" in codebook_size(300, PLENTY).reason
    assert "256" in codebook_size(300, PLENTY).reason
    assert "but" not in codebook_size(300, PLENTY).reason
    few = codebook_size(300, 5_000).reason
    assert "256" in few
    assert "5,000 places to code" in few


@pytest.mark.parametrize(
    ("positions_per_s", "codes"), [(47, 1024), (187.5, 256), (750, 32), (10**6, 32)]
)
def test_a_fine_grid_has_fewer_codes_so_that_the_bitrate_stays_small(
    positions_per_s: float, codes: int
) -> None:
    choice = codebook_size(50_000, PLENTY, positions_per_s=positions_per_s)
    assert choice.value == codes
    assert ("1.5 kbit/s" in choice.reason) == (codes < 1024)


def test_decay_slows_down_with_the_collection() -> None:
    values = [decay(files).value for files in (1, 100, 101, 1_000, 1_001, 50_000)]
    assert values == sorted(values)
    assert set(values) == {0.8, 0.9, 0.95}
    assert values[0] == 0.8
    assert values[-1] == 0.95
    assert "101 files" in decay(101).reason


def test_epochs_fall_with_the_length_of_one() -> None:
    lengths = (1, 256, 1_000, 5_000, 10**6)
    values = [
        max_epochs(segments, epoch_segments=segments, starter=False).value for segments in lengths
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] == 10
    assert all(value == int(value) for value in values)
    assert "1,024 segments" in max_epochs(1_000, epoch_segments=1_024, starter=False).reason


def test_a_run_goes_through_more_segments_where_there_are_more() -> None:
    trained = [
        1_024 * max_epochs(segments, epoch_segments=1_024, starter=False).value
        for segments in (5, 100, 300, 600, 1_000, 10_000, 10**6)
    ]
    assert trained == sorted(trained)
    assert trained[1] < trained[2] < trained[-2] < trained[-1]


def test_a_network_that_knows_mels_already_needs_fewer_epochs() -> None:
    def epochs(segments: int, *, starter: bool) -> int:
        return max_epochs(segments, epoch_segments=1_536, starter=starter).value

    for segments in (50, 544, 4_000, 75_000):
        assert epochs(segments, starter=True) < epochs(segments, starter=False)


def test_a_network_that_knows_mels_already_changes_less_a_step() -> None:
    with_starter, without = sizing.learning_rate(starter=True), sizing.learning_rate(starter=False)
    assert with_starter.value < without.value
    assert "starter" in with_starter.reason


@pytest.mark.parametrize(
    ("codebook_size", "expected"), [(16, 2.0), (32, 1.2), (256, 0.15), (1024, 0.0375)]
)
def test_codes_of_rare_sounds_are_not_replaced(codebook_size: int, expected: float) -> None:
    choice = dead_code_threshold(2, vectors_per_step=768, codebook_size=codebook_size)
    assert choice.value == pytest.approx(expected)
    assert dead_code_threshold(0, vectors_per_step=768, codebook_size=64).value == 0
