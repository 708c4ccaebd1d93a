"""A model and a folder of sounds → what a person would hear of its reconstructions.

    python scripts/bench/hearing.py MODEL FOLDER [FOLDER ...] [--all] [--limit N] [--visqol]

Measures the sounds of the folders that the model's own split and seed hold out; with --all, all of
them; at most 10 s of each. Prints
  lead     mel error after the beginning, onset error and peak loss behind silence of five lengths,
           mel → codes → mel, no phase involved
  mel      mel error of the decoded mel, and of the sound
  fine     log-spectral distance with windows of 512, 2048 and 8192 samples
  level    energy over that of the original, dB: median, 10 % and 90 %
  rise     from 10 to 70 % of the peak, of the sound and of the original, medians over the hits;
           the share within 2 ms; and the pre-ring before them, where there is room for it
  ear      Zimtohrli distance and the opinion score (1 to 5) that it stands for
for the model's sound, for the decoded mel with Griffin-Lim and with the original's phase, and for
the true mel with Griffin-Lim. The last line is JSON. `ear` needs the extra `measure`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ears import Ear, for_ears, visqol, zimtohrli
from torch import Tensor

import distill
from distill.bundle.loaded import LoadedModel
from distill.codec.attack import SHARP_MS, measure_attacks
from distill.codec.hearing import (
    LEADS_S,
    fine_db,
    level_db,
    loudness_range,
    onset_errors_db,
    onset_of,
)
from distill.codec.stream import between_silence, silence_before
from distill.data.beginnings import find_beginning
from distill.data.segments import read_waveform
from distill.data.split import Piece, Split
from distill.errors import DistillError
from distill.settings.compose import load_config
from distill.settings.quoting import quote_folders
from distill.system.terminal import bar
from distill.training.sounds import collect
from distill.vocoder.griffin_lim import GriffinLim
from distill.vocoder.vocoder import Vocoder, vocode

LONGEST_S, BEGINNING_S, SILENCE_AFTER_S = 10.0, 2.0, 0.5
WINDOWS = (512, 2048, 8192)
ATTACKS = ("rise_ms", "original_rise_ms", "pre_ring_db")
SHARP = {"rise_ms": "sharp", "original_rise_ms": "original_sharp"}


def main() -> None:
    """Measure each sound, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--all", action="store_true", help="not only the held-out sounds")
    parser.add_argument("--limit", type=int, help="at most this number of sounds, spread evenly")
    parser.add_argument("--visqol", action="store_true", help="ViSQOL's score too; it is slow")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    try:
        model = distill.load(options.model)
        pieces, side = choose_pieces(model, options.folders, every=options.all)
    except DistillError as error:
        sys.exit(f"bench_hearing: {error}")
    if options.limit and options.limit < len(pieces):
        pieces = [pieces[n * len(pieces) // options.limit] for n in range(options.limit)]
    print(f"{len(pieces)} {side} sounds", flush=True)
    ears = [ear for ear in (zimtohrli(), visqol() if options.visqol else None) if ear]
    figures: dict[str, Any] = {"model": model.metadata.model_id, "sounds": len(pieces)}
    waveforms = [read(piece, model.sample_rate_hz) for piece in pieces]
    figures |= {"side": side, "leads": measure_leads(model, waveforms)}
    figures["sound"] = measure_paths(model, waveforms, ears)
    print(json.dumps(figures))


def choose_pieces(
    model: LoadedModel, folders: list[Path], *, every: bool
) -> tuple[list[Piece], str]:
    """The pieces to measure, and which side they are: `held-out`, or `used and held-out`."""
    split, is_known = split_of(model, folders)
    if not every and not is_known:
        print("the model does not say how it was trained: all sounds are measured")
    if every or not is_known:
        return [*split.train, *split.val], "used and held-out"
    return list(split.val), "held-out"


def split_of(model: LoadedModel, folders: list[Path]) -> tuple[Split, bool]:
    """The split that the model was trained with, and whether it is known what that is."""
    trained = model.training_config
    overrides = [quote_folders([str(folder) for folder in folders])]
    overrides.append(f"mel.sample_rate_hz={model.sample_rate_hz}")
    is_known = "seed" in trained and "val_fraction" in trained.get("data", {})
    if is_known:
        overrides.append(f"seed={trained['seed']}")
        for key in ("val_fraction", "segment_s", "min_duration_s", "silence_dbfs"):
            if key in trained["data"]:
                overrides.append(f"data.{key}={trained['data'][key]}")
    _, split = collect(load_config(overrides))
    return split, is_known


def read(piece: Piece, rate_hz: int) -> np.ndarray:
    """The beginning of a piece at the model's rate, (T,) float32."""
    waveform = np.empty(min(piece.stop - piece.start, round(LONGEST_S * rate_hz)), np.float32)
    read_waveform(piece.sound.waveform, piece.start, waveform)
    return waveform


def measure_leads(model: LoadedModel, waveforms: list[np.ndarray]) -> dict[str, dict[str, float]]:
    """Lead in seconds → mel error, onset error and peak loss, means over the sounds."""
    config, spectrogram = model.codec.spectrogram.config, model.codec.spectrogram
    rate_hz, hop = config.sample_rate_hz, config.hop_length
    rows: dict[str, dict[str, float]] = {}
    for lead_s in LEADS_S:
        start, found = round(lead_s * rate_hz / hop), []
        for waveform in waveforms:
            heard = waveform[: round(BEGINNING_S * rate_hz)]
            first = find_beginning(heard)
            if first is None:
                continue
            placed = torch.nn.functional.pad(
                torch.from_numpy(heard[first:]),
                (start * hop, round(SILENCE_AFTER_S * rate_hz)),
            )
            mel = spectrogram(placed[None, None])
            true, decoded = map(spectrogram.to_decibels, (mel, model.codec.network(mel).mel))
            error, peak = onset_errors_db(true, decoded, start=start)
            whole = (true - decoded)[..., start:].abs().mean()
            found.append((float(whole), float(error), float(peak)))
        mel_db, onset_db, peak_db = np.mean(found, axis=0).tolist()
        rows[f"{lead_s:g}"] = {"mel_db": mel_db, "onset_db": onset_db, "peak_db": peak_db}
        print(
            f"lead {lead_s:.2f} s: mel error {mel_db:.2f} dB, onset error {onset_db:.2f} dB, "
            f"peak loss {peak_db:.2f} dB",
            flush=True,
        )
    return rows


def measure_paths(
    model: LoadedModel, waveforms: list[np.ndarray], ears: list[Ear]
) -> dict[str, dict[str, float]]:
    """Way to the sound → its figures, means over the sounds; medians of levels and attacks."""
    found: dict[str, list[dict[str, float]]] = {}
    with bar() as progress:
        for waveform in progress.track(waveforms, description="measuring"):
            for way, sound, decoded_db in reconstruct(model, waveform):
                row = {"decoded_mel_db": decoded_db, **compare(model, waveform, sound, ears)}
                found.setdefault(way, []).append(row)
    return {way: _summarise(way, rows) for way, rows in found.items()}


def reconstruct(
    model: LoadedModel, waveform: np.ndarray
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Each way from a sound (T,) through the model and back: its name, the sound (T,), and the mel
    error before there is a phase.
    """
    samples, spectrogram = len(waveform), model.codec.spectrogram
    griffin_lim = GriffinLim(spectrogram)
    original = torch.from_numpy(waveform)[None]
    true, decoded = true_and_decoded(model, original)
    error = spectrogram.to_decibels(true) - spectrogram.to_decibels(decoded)
    first = model.codec.network.stride
    error_db = float(error[..., first : first + spectrogram.frames(samples)].abs().mean())
    if model.vocoder.name != griffin_lim.name:
        yield model.vocoder.name, sound_of(model, model.vocoder, decoded, samples), error_db
    yield griffin_lim.name, sound_of(model, griffin_lim, decoded, samples), error_db
    magnitude = griffin_lim.inverse.magnitude(spectrogram.to_magnitude(decoded)[:, 0])
    yield "original's phase", with_phase_of(model, magnitude, original), error_db
    yield "true mel", sound_of(model, griffin_lim, true, samples), 0.0


def true_and_decoded(model: LoadedModel, original: Tensor) -> tuple[Tensor, Tensor]:
    """A sound (1, T) → its mel with the silence that is coded around it, and the decoded one, both
    (1, 1, M, F).
    """
    codes = model.encode(original, model.sample_rate_hz)
    decoded = torch.cat(list(model.codec.decoded_mels(codes, with_silence=True)), dim=-1)
    whole = between_silence(original, model.codec.spectrogram, model.codec.network)
    return model.codec.spectrogram(whole[None])[..., : decoded.shape[-1]], decoded


def sound_of(model: LoadedModel, vocoder: Vocoder, mel: Tensor, samples: int) -> np.ndarray:
    """A mel of `true_and_decoded` → the sound (T,)."""
    silent = silence_before(model.codec.spectrogram, model.codec.network)
    return vocode(vocoder, mel, samples=samples, silent=silent)[0].numpy()


def with_phase_of(model: LoadedModel, magnitude: Tensor, original: Tensor) -> np.ndarray:
    """Magnitudes (1, bins, F) and a sound (1, T) → the sound (T,) with these magnitudes and the
    original's phase.
    """
    config = model.codec.spectrogram.config
    options: dict[str, Any] = {
        "n_fft": config.n_fft,
        "hop_length": config.hop_length,
        "window": torch.hann_window(config.n_fft),
    }
    whole = between_silence(original, model.codec.spectrogram, model.codec.network)
    spectrum = torch.stft(whole, **options, return_complex=True)
    frames = min(spectrum.shape[-1], magnitude.shape[-1])
    joined = torch.polar(magnitude[..., :frames], spectrum[..., :frames].angle())
    begin = silence_before(model.codec.spectrogram, model.codec.network)
    sound = torch.istft(joined, **options, length=begin + original.shape[1])
    return np.ascontiguousarray(sound[0, begin:].numpy())


def compare(
    model: LoadedModel, original: np.ndarray, sound: np.ndarray, ears: list[Ear]
) -> dict[str, float]:
    """Figures of a sound (T,) beside the original (T,), both at the model's rate."""
    spectrogram, rate_hz = model.codec.spectrogram, model.sample_rate_hz
    whole = _channel(original), _channel(sound)
    mels = [spectrogram.to_decibels(spectrogram(each[None])) for each in whole]
    row = {"mel_db": float((mels[0] - mels[1]).abs().mean())}
    row["onset_db"] = onset_of(*mels).error_db
    row["level_db"] = level_db(float(np.square(original).sum()), float(np.square(sound).sum()))
    attacks = measure_attacks(*whole, rate_hz=rate_hz)
    row |= dict.fromkeys(ATTACKS, np.nan) | (attacks.figures if attacks else {})
    a, b = (for_ears(each, rate_hz, samples=2 * max(WINDOWS)) for each in (original, sound))
    pair = torch.from_numpy(a), torch.from_numpy(b)
    row |= {f"fine_{window}_db": fine_db(*pair, window=window) for window in WINDOWS}
    for ear in ears:
        row |= ear(a, b)
    return row


def of_attacks(rows: list[dict[str, float]]) -> dict[str, float]:
    """Figures of each sound → medians of those of attacks, over the sounds that have them, and the
    share of the rises that are sharp; without those that no sound has.
    """
    found = {key: np.array([row[key] for row in rows]) for key in ATTACKS}
    known = {key: values[np.isfinite(values)] for key, values in found.items()}
    said = {key: float(np.median(values)) for key, values in known.items() if len(values)}
    for key, share in SHARP.items():
        if len(known[key]):
            said[share] = float(np.mean(known[key] <= SHARP_MS))
    return said


def _summarise(way: str, rows: list[dict[str, float]]) -> dict[str, float]:
    loudness = loudness_range(row["level_db"] for row in rows)
    keys = [key for key in rows[0] if key not in ATTACKS]
    said = {key: float(np.nanmean([row[key] for row in rows])) for key in keys}
    said |= {"level_db": loudness.median_db, **of_attacks(rows)}
    said |= {"level_10_db": loudness.low_db, "level_90_db": loudness.high_db}
    parts = [
        f"mel error {said['decoded_mel_db']:.2f} dB, {said['mel_db']:.2f} dB as a sound",
        "fine " + " / ".join(f"{said[f'fine_{window}_db']:.2f}" for window in WINDOWS) + " dB",
        f"level {loudness.median_db:+.1f} dB ({loudness.low_db:+.1f} to {loudness.high_db:+.1f})",
    ]
    if "rise_ms" in said:
        parts.append(
            f"rise {said['rise_ms']:.1f} ms, {said['sharp']:.0%} within {SHARP_MS:g} ms, "
            f"originals {said['original_rise_ms']:.1f} ms, {said['original_sharp']:.0%}"
        )
    if "pre_ring_db" in said:
        parts.append(f"pre-ring {said['pre_ring_db']:+.1f} dB")
    if "ear" in said:
        parts.append(f"ear {said['ear']:.4f}, {said['ear_mos']:.2f} of 5")
    if "visqol_mos" in said:
        parts.append(f"ViSQOL {said['visqol_mos']:.2f} of 5")
    print(f"{way}: {'; '.join(parts)}", flush=True)
    return said


def _channel(waveform: np.ndarray) -> Tensor:
    return torch.from_numpy(waveform)[None]


if __name__ == "__main__":
    main()
