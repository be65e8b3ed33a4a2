"""From where on the numbers speak: data, in `thresholds.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

THRESHOLDS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
LIKELY: Final[float] = THRESHOLDS["likely"]["chance"]
"""From this chance on a claim is more likely wrong than right: its score is kept, whether it is
flagged or not."""
