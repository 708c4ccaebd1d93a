"""What a test needs beyond `pip install distill[dev]`: looked for, but not imported."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def require(package: str, extra: str) -> None:
    """Skip the module, or the test, where the package is not installed. To import it, as pytest's
    own `importorskip` does, takes seconds, also in runs that leave these tests out.
    """
    if find_spec(package) is None:
        pytest.skip(f"needs the extra `{extra}`", allow_module_level=True)
