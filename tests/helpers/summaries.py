"""`summary.json` of a run → what it says of the codec."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def codec_summary(run_dir: Path) -> dict[str, Any]:
    """Verdict, figures, health and warnings."""
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())["stages"]["codec"]
    return summary
