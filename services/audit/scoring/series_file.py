"""What is written of hospital-months: series_flags.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ibis.expr import types as ir

from services.audit.scoring.price_notices import PriceNotice


def write_series_flags(features: ir.Table, notices: Sequence[PriceNotice], path: Path) -> None:
    """Score every hospital-month with claims."""
    path.write_text("hospital_id,month,score,channel,window,n,expected,actual,excess_yuan,reason\n")
