"""spectrum → steps of its phase → the phases again."""

from __future__ import annotations

import torch

from distill.vocoder.phase_steps import PhaseIntegral, steps_of

N_FFT, HOP = 512, 128


def spectrum(seconds: float = 0.5) -> torch.Tensor:
    """A chord that begins after a while, at 16 kHz; (bins, F)."""
    time_s = torch.arange(int(16_000 * seconds)) / 16_000
    chord = sum(torch.sin(2 * torch.pi * hz * time_s) for hz in (220.0, 554.4, 1318.5))
    assert isinstance(chord, torch.Tensor)
    waveform = 0.2 * chord * (time_s > 0.1) + 1e-4 * torch.randn(
        len(time_s), generator=torch.Generator().manual_seed(0)
    )
    window = torch.hann_window(N_FFT)
    return torch.stft(waveform, N_FFT, HOP, window=window, return_complex=True)


def phases_of(
    magnitude: torch.Tensor, in_time: torch.Tensor, in_frequency: torch.Tensor, *, seed: int = 0
) -> torch.Tensor:
    """(bins, F) each."""
    integral = PhaseIntegral(n_fft=N_FFT, hop_length=HOP, seed=seed)
    return integral.add(magnitude.mT, in_time.mT, in_frequency.mT).mT


def unit(steps: torch.Tensor, sureness: float = 0.97) -> torch.Tensor:
    return sureness * steps / steps.abs().clamp(min=1e-12)


def inconsistency(given: torch.Tensor) -> float:
    """How far a spectrum is from that of any sound, as a share of its energy."""
    window = torch.hann_window(N_FFT)
    waveform = torch.istft(given, N_FFT, HOP, window=window)
    found = torch.stft(waveform, N_FFT, HOP, window=window, return_complex=True)
    return float((found - given).abs().square().sum() / given.abs().square().sum())


def test_true_steps_give_the_sound_back() -> None:
    true = spectrum()
    steps = [unit(step) for step in steps_of(true, n_fft=N_FFT, hop_length=HOP)]
    phases = phases_of(true.abs(), *steps)
    random = torch.polar(
        torch.ones_like(true.abs()),
        6.28 * torch.rand(true.shape, generator=torch.Generator().manual_seed(0)),
    )
    assert inconsistency(true.abs() * phases) < 0.1 * inconsistency(true.abs() * random)
    torch.testing.assert_close(phases.abs(), torch.ones_like(phases.abs()))


def test_a_click_behind_silence_stays_a_click() -> None:
    """There the steps in time weigh next to nothing, and rounding must not decide."""
    waveform = torch.zeros(8000)
    waveform[4000] = 0.8
    window = torch.hann_window(N_FFT)
    true = torch.stft(waveform, N_FFT, HOP, window=window, return_complex=True)
    steps = [unit(step) for step in steps_of(true, n_fft=N_FFT, hop_length=HOP)]
    phases = phases_of(true.abs(), *steps)
    given = torch.istft(true.abs() * phases, N_FFT, HOP, window=window, length=8000)
    assert given[3990:4010].square().sum() > 0.95 * given.square().sum()


def test_chunks_give_the_phases_of_the_whole_and_seeds_others() -> None:
    true = spectrum()
    steps = [unit(step) for step in steps_of(true, n_fft=N_FFT, hop_length=HOP)]
    whole = phases_of(true.abs(), *steps)
    integral = PhaseIntegral(n_fft=N_FFT, hop_length=HOP, seed=0)
    parts = [
        integral.add(*(each[:, first:last].mT for each in (true.abs(), *steps)))
        for first, last in ((0, 1), (1, 1), (1, 30), (30, true.shape[1]))
    ]
    assert torch.equal(torch.cat(parts).mT, whole)
    other = phases_of(true.abs(), *steps, seed=1)
    assert not torch.allclose(other, whole, atol=0.1)


def test_silence_and_steps_that_say_nothing_have_phases_too() -> None:
    nothing = torch.zeros(N_FFT // 2 + 1, 5)
    steps = torch.zeros(N_FFT // 2 + 1, 5, dtype=torch.complex64)
    phases = phases_of(nothing, steps, steps)
    assert torch.isfinite(torch.view_as_real(phases)).all()
    torch.testing.assert_close(phases.abs(), torch.ones_like(nothing))
