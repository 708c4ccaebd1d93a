"""name of a stage, as `stages=` has it → the stage. To add one, enter it here."""

from __future__ import annotations

from distill.training.codec.stage import CodecStage
from distill.training.stage import Stage

STAGES: dict[str, type[Stage]] = {CodecStage.name: CodecStage}
