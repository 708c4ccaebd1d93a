"""word in `stages=` → the stage's class. A new stage is added here."""

from __future__ import annotations

from distill.training.codec.stage import CodecStage
from distill.training.stage import Stage

STAGES: dict[str, type[Stage]] = {CodecStage.name: CodecStage}
