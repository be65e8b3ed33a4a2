"""What a figure is: measured values, what they are divided by, and one JSON line of it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any


class Void(Exception):
    """The run does not count: the ledger does not balance, or something was lost or doubled."""


def spread(values: Sequence[float]) -> float:
    """The distance from the least to the greatest, over the median."""
    middle = statistics.median(values)
    return round((max(values) - min(values)) / middle, 3) if middle else 0.0


def say(
    figure: str,
    value: float | None,
    unit: str,
    *,
    ceiling: float | None = None,
    ratio: float | None = None,
    spread: float | None = None,
    required: float | None = None,
    **more: Any,
) -> None:
    """Print a figure as one line of JSON."""
    line: Mapping[str, Any] = {
        "figure": figure, "value": _short(value), "ceiling": _short(ceiling),
        "ratio": None if ratio is None else round(ratio, 3), "unit": unit, "spread": spread,
        "required": required, **more,
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def medians_of(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each named part over the runs."""
    return {name: round(statistics.median(p[name] for p in parts), 3) for name in parts[0]}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
