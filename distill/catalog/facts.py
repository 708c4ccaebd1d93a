"""an entry of the library → facts of the model in words, for the terminal and for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.catalog.entry import Entry, PriorFacts, VocoderFacts
from distill.catalog.files import shown_name
from distill.codec.level_health import LevelRow, show_share
from distill.codec.yardstick import YARDSTICK, rate, show_figures
from distill.model.layout import CodeLayout
from distill.system.terminal import duration, plain, quantity
from distill.vocoder.state import DEFAULT_NAME

BARS = "▁▂▃▄▅▆▇█"
WITHOUT_SOUNDS = (
    "it makes variations, morphs and continuations of sounds that are given, but no new sounds by "
    "themselves, no loops and no sounds of a class"
)
"""What a model can do that was shared without its sounds."""
WITH_SOUNDS = "whoever has this file can hear the sounds that it was made of"
"""What is said of a model that keeps sounds, when it is handed over."""
VOCODERS = {"hifigan": "HiFi-GAN", "phasegradient": "Phase"}
"""How the type of a vocoder begins, and what it is called here."""


@dataclass(frozen=True)
class ModelRow:
    """What a list of models shows of one, in words; empty where there is nothing to say."""

    name: str
    """With what to type, where two models have one name."""
    id: str
    date: str
    codes: str
    mel_error: str
    closeness: str
    utilization: str
    """Of the worst level."""
    vocoder: str
    bits: str
    """What its prior needs for a second of held-out sound, and whether it has no sounds; empty if
    there is no prior.
    """
    size: str
    collection: str


def row_of(entry: Entry) -> ModelRow:
    """The row of a model."""
    rating = rate(entry.heard)
    mel_db = entry.heard.get("mel_db")
    bits = entry.prior and entry.prior.final_bits_per_s
    return ModelRow(
        name=plain(shown_name(entry.name, entry.file)),
        id=plain(entry.id[:8]),
        date=_date(entry.save_date),
        codes=_codes(entry),
        mel_error="" if mel_db is None else YARDSTICK["mel_db"].show(mel_db),
        closeness=str(rating.closeness) if rating else "",
        utilization=show_share(entry.worst_utilization),
        vocoder=vocoder_label(entry),
        bits="" if bits is None else f"{bits:,.0f} bits/s{_sounds(entry, ', no sounds')}",
        size=f"{entry.size_bytes / 1e6:.1f} MB",
        collection=plain(
            f"{entry.dataset_name}: {quantity(entry.dataset_file_count, 'file')}, "
            f"{duration(entry.dataset_total_duration_s)}"
        ),
    )


def level_rows(entry: Entry) -> list[LevelRow]:
    """The health of each level of a model's codebooks.

    An entry does not hold over how many positions it was measured, so each level is judged.
    """
    names = {key: key.removeprefix("level_").replace("_", " ") for key in entry.codebook_health}
    return [
        LevelRow.of(plain(names[key]), figures, min_utilization=entry.min_utilization)
        for key, figures in entry.codebook_health.items()
    ]


def facts_of(entry: Entry, path: Path) -> list[tuple[str, str]]:
    """Everything that the index holds about a model, whose file is `path`: what each fact is about,
    and the fact in words. What there is nothing to say about is left out.
    """
    row, rating = row_of(entry), rate(entry.heard)
    low = entry.low_levels, entry.low_codebook_size
    layout = CodeLayout(1, entry.levels, entry.codebook_size, *low)
    facts = (
        ("id", entry.id),
        ("description", entry.description),
        ("tags", ", ".join(entry.tags)),
        ("file", f"{path} ({row.size})"),
        ("checksum", entry.checksum),
        ("collection", row.collection),
        (
            "trained",
            f"{_date(entry.training_date)}, {quantity(entry.training_epochs, 'epoch')}, "
            f"saved {row.date} by distill {entry.distill_version}",
        ),
        (
            "codes",
            f"{layout.words}, "
            f"{entry.bitrate_kbps:.2f} kbit/s a channel at {entry.sample_rate_hz:,} Hz",
        ),
        ("train loss", _curve(entry.loss_curve["train_losses"], entry.final_train_loss)),
        ("val loss", _curve(entry.loss_curve["val_losses"], entry.final_val_loss)),
        ("held out", ", ".join(show_figures(entry.heard))),
        ("sounds", f"{rating.closeness}: {rating.reason}" if rating else ""),
        ("quantizer", ", ".join([entry.quantizer, *entry.packages])),
        ("vocoder", _vocoder(entry)),
        ("prior", _prior(entry, row.bits)),
        ("classes", ", ".join(entry.prior.classes) if entry.prior else ""),
    )
    return [(key, plain(words)) for key, words in facts if words]


def _codes(entry: Entry) -> str:
    """Levels and codes of each: `3 × 256`, and those of the low rows: `3 × 256 + 4 × 128`."""
    low = f" + {entry.low_levels} × {entry.low_codebook_size}" if entry.low_levels else ""
    return f"{entry.levels} × {entry.codebook_size}{low}"


def vocoder_label(entry: Entry) -> str:
    """The model's own vocoder: `HiFi-GAN (200 ep)`; empty if it has none."""
    if entry.vocoder is None:
        return ""
    kind = entry.vocoder.type
    plain_kind = kind.lower().replace("-", "").replace("_", "")
    for beginning, label in VOCODERS.items():
        if plain_kind.startswith(beginning):
            kind = label
    return plain(f"{kind} ({entry.vocoder.epochs} ep)")


def sparkline(values: Sequence[float | None]) -> str:
    """A curve as one line of text; None leaves a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join(
        " " if value is None else BARS[min(7, int(8 * (value - low) / span))] for value in values
    )


def _vocoder(entry: Entry) -> str:
    if entry.vocoder is None:
        return f"none of its own ({DEFAULT_NAME})"
    facts = entry.vocoder
    loss, date = _number(facts.final_loss), _date(facts.training_date)
    return f"{vocoder_label(entry)}, final loss {loss}, trained {date}{_on_others(facts)}"


def _prior(entry: Entry, bits: str) -> str:
    if entry.prior is None:
        return "none yet, so no new sounds"
    facts = entry.prior
    date = _date(facts.training_date)
    told = f"{facts.type} ({facts.epochs} ep), {bits}, trained {date}{_on_others(facts)}"
    return told + _sounds(entry, f"; without its sounds: {WITHOUT_SOUNDS}")


def _sounds(entry: Entry, words: str) -> str:
    """The words, if the model was shared without its sounds."""
    return words if entry.is_without_sounds else ""


def _on_others(facts: VocoderFacts | PriorFacts) -> str:
    return f" on other sounds: {facts.dataset_name}" if facts.other_sounds else ""


def _curve(values: Sequence[float | None], final: float | None) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    last = _number(final) or _number(known[-1])
    return last if len(known) == 1 else f"{sparkline(values)}  {known[0]:.4g} → {last}"


def _date(text: str) -> str:
    """2026-01-31T14:00:00+0000 → 2026-01-31 14:00."""
    return plain(text[:16].replace("T", " "))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
