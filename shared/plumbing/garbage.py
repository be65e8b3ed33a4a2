"""When a serving process looks for cycles of objects that nobody holds any more."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """What a start leaves behind never goes away: frozen, it is not walked again under load."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
