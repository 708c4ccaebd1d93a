"""word in `stages=` → the stage's class. A new stage is added here."""

from __future__ import annotations

from typing import Any

from distill.training.codec.stage import CodecStage
from distill.training.prior.stage import PriorStage
from distill.training.stage import Stage
from distill.training.vocoder.stage import VocoderStage

STAGES: dict[str, type[Stage[Any]]] = {
    CodecStage.name: CodecStage,
    VocoderStage.name: VocoderStage,
    PriorStage.name: PriorStage,
}
