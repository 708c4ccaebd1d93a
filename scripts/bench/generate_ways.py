"""held-out sounds and a model with a prior → what variations, morphs, loops and continuations do.

A part of `bench_generate.py`.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill.bundle.loaded import LoadedModel
from distill.generation.making import NewSound

AMOUNTS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
WAYS = 6
LONGEST_WAY_S = 3.0
"""How many sounds each way is tried with, and the most of each, in seconds."""
END_S, END_DBFS = 0.005, -50.0


def mel_of(model: LoadedModel, waveform: Tensor) -> Tensor:
    """Waveform (T,) → mel in dB (M, F)."""
    chunks = model.codec.mels([waveform[None]], model.sample_rate_hz)
    return model.codec.spectrogram.to_decibels(torch.cat(list(chunks), dim=-1))[0, 0]


def end_dbfs(sound: NewSound) -> float:
    """Level of the last moments."""
    end = sound.waveform[-round(END_S * sound.codes.sample_rate_hz) :]
    return 10 * math.log10(float(end.square().mean()) + 1e-12)


def measure_ways(model: LoadedModel, waveforms: Sequence[Tensor]) -> dict[str, Any]:
    """What variations, morphs, loops and continuations do."""
    longest = round(LONGEST_WAY_S * model.sample_rate_hz)
    held_out = [wave[:longest] for wave in waveforms if len(wave) > 4800][:WAYS]
    found: dict[str, Any] = {}
    like = {}
    for amount in AMOUNTS:
        apart = []
        for wave in held_out:
            codes = model.encode(wave, model.sample_rate_hz)
            (new,) = model.new_sounds(1, like=codes, amount=amount)
            apart.append(_apart(mel_of(model, new.waveform), mel_of(model, model.decode(codes)[0])))
        like[amount] = statistics.mean(apart)
    found["like_db"] = like
    found["loop_seam"] = _loops(model)
    found["morph_db"] = _morphs(model, held_out)
    found["continued"] = _continuations(model, held_out)
    print(f"ways: {json.dumps(found)}", flush=True)
    return found


def _apart(one: Tensor, other: Tensor) -> float:
    """Mean absolute difference of mels in dB, the shorter one filled with silence."""
    low = min(float(one.min()), float(other.min()))
    frames = max(one.shape[1], other.shape[1])
    both = [
        torch.nn.functional.pad(mel, (0, frames - mel.shape[1]), value=low) for mel in (one, other)
    ]
    return float((both[0] - both[1]).abs().mean())


def _loops(model: LoadedModel) -> dict[str, float]:
    """The jump of the mel over the seam, over the median one inside, of loops that do not die away:
    the median, and in how many it is not larger. Those that die away go from silence to an attack.
    """
    ratios, died = [], 0
    for sound in model.new_sounds(3 * WAYS, loop=True, length_s=1.0):
        if end_dbfs(sound) < END_DBFS:
            died += 1
            continue
        twice = sound.waveform.repeat(3)
        mel = mel_of(model, twice)
        jumps = (mel[:, 1:] - mel[:, :-1]).abs().mean(dim=0)
        frames = len(sound.waveform) / model.codec.spectrogram.config.hop_length
        seam = round(frames)
        inside = jumps[round(frames * 1.1) : round(frames * 1.9)].median()
        ratios.append(float(jumps[seam - 1 : seam + 1].mean() / inside))
    return {
        "died_away": died,
        "go_on": len(ratios),
        "median_ratio": statistics.median(ratios) if ratios else math.nan,
        "not_larger": sum(ratio <= 1 for ratio in ratios) / max(1, len(ratios)),
    }


def _morphs(model: LoadedModel, waves: Sequence[Tensor]) -> dict[str, list[float]]:
    """Mean distances to both ends along the way."""
    to_first, to_second = [], []
    for first, second in zip(waves[::2], waves[1::2], strict=False):
        ends = [model.encode(wave, model.sample_rate_hz) for wave in (first, second)]
        mels = [
            mel_of(model, sound.waveform) for sound in model.new_sounds(6, morph=(ends[0], ends[1]))
        ]
        to_first.append([_apart(mel, mels[0]) for mel in mels])
        to_second.append([_apart(mel, mels[-1]) for mel in mels])
    return {
        "to_first": np.mean(to_first, axis=0).round(2).tolist(),
        "to_second": np.mean(to_second, axis=0).round(2).tolist(),
    }


def _continuations(model: LoadedModel, waves: Sequence[Tensor]) -> dict[str, float]:
    """How far the beginnings are from what was given, once scaled, and how loud what follows is."""
    apart, later = [], []
    for wave in waves:
        given = wave[: model.sample_rate_hz // 2]
        (sound,) = model.new_sounds(1, beginning=given, length_s=len(given) / 48_000 + 0.5)
        kept = len(given) - model.sample_rate_hz // 50
        start, wanted = sound.waveform[:kept].double(), given[:kept].double()
        scale = float((start * wanted).sum() / wanted.square().sum())
        apart.append(float((start - scale * wanted).abs().max()))
        later.append(float(sound.waveform[len(given) :].square().mean().sqrt()))
    return {"largest_difference": max(apart), "rms_after": statistics.mean(later)}
