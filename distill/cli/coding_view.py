"""facts about coded files → the lines to print, with the most important facts first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

from distill.cli.coding_work import Coded, Decoded, Encoded, Reconstructed
from distill.codec.yardstick import YARDSTICK, rate, show_figures
from distill.listen.rows import medians
from distill.system.terminal import duration, quantity


def encoded_line(target: Path, result: Encoded, *, verbose: bool) -> str:
    """`codes/kick.distillcodes: 412 bytes, 1.2 s`."""
    line = f"{target}: {result.size_bytes:,} bytes, {duration(result.coded.duration_s)}"
    return f"{line}, {_details(result.coded, result.took_s)}" if verbose else line


def decoded_line(target: Path, result: Decoded, *, verbose: bool) -> str:
    """`decoded/kick.wav: 1.2 s`."""
    line = f"{target}: {duration(result.coded.duration_s)}"
    return f"{line}, {_details(result.coded, result.took_s)}" if verbose else line


def reconstructed_line(target: Path, result: Reconstructed, *, verbose: bool) -> str:
    """`listen/kick.wav: mel error 0.58 dB, 0.67 dB as written, onset error 2.40 dB, peak loss
    1.20 dB, level -0.8 dB, rise 4.5 ms (original 2.0 ms): recognisable (soft attacks)`; with
    `verbose`, these words are not the last. For two channels, `side -12.1 dB (original -12.4 dB)`
    tells how loud their difference is beside the whole.
    """
    line = f"{target}: {_errors(result)}"
    if not verbose:
        return line
    return f"{line}, {duration(result.coded.duration_s)}, {_rates(result.coded)}, {_speeds(result)}"


def mean_line(results: Sequence[Reconstructed], *, verbose: bool) -> str:
    """The last line, over all files; short and long files count equally. Of levels and attacks, it
    is the median: one much too quiet and one much too loud are not right in the mean.
    """
    coded = [result.coded for result in results]
    whole = Reconstructed(
        Coded(sum(c.duration_s for c in coded), 0, 0, sum(c.bits for c in coded)),
        sum(result.encode_s for result in results),
        sum(result.decode_s for result in results),
        mel_db=fmean(result.mel_db for result in results),
        written_db=fmean(result.written_db for result in results),
        onset_db=fmean(result.onset_db for result in results),
        peak_db=fmean(result.peak_db for result in results),
        level_db=median(result.level_db for result in results),
        attacks=medians([result.attacks for result in results]),
    )
    line = f"mean of {quantity(len(results), 'file')}: {_errors(whole)}"
    return f"{line}, {_bitrate(whole.coded)}, {_speeds(whole)}" if verbose else line


def _errors(result: Reconstructed) -> str:
    figures = result.figures
    parts = [
        *show_figures({"mel_db": result.mel_db}),
        f"{YARDSTICK['mel_db'].show(result.written_db)} as written",
        *show_figures({key: value for key, value in figures.items() if key != "mel_db"}),
    ]
    if result.side_db is not None:
        parts.append(f"side {result.side_db:z.1f} dB (original {result.original_side_db:z.1f} dB)")
    rating = rate(figures)
    return ", ".join(parts) + (f": {rating.closeness}{rating.fault}" if rating else "")


def _details(coded: Coded, took_s: float) -> str:
    return f"{_rates(coded)}, {_speed(coded.duration_s, took_s)}"


def _rates(coded: Coded) -> str:
    channels = quantity(coded.channels, "channel")
    return f"{channels} at {coded.sample_rate_hz:,} Hz, {_bitrate(coded)}"


def _bitrate(coded: Coded) -> str:
    return f"{coded.bits / coded.duration_s / 1000:.2f} kbit/s"


def _speeds(result: Reconstructed) -> str:
    seconds = result.coded.duration_s
    return (
        f"encoded at {_speed(seconds, result.encode_s)}, "
        f"decoded at {_speed(seconds, result.decode_s)}"
    )


def _speed(duration_s: float, elapsed_s: float) -> str:
    """Seconds of sound for each second of work: `12 x real time`."""
    factor = duration_s / elapsed_s
    return f"{factor:.0f} x real time" if factor >= 10 else f"{factor:.1f} x real time"
