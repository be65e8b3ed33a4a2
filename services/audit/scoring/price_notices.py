"""Price notices as the series take them: what a region announced is no hospital's own growth."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.audit.domain.price_notice import PriceNotice
from services.audit.scoring.claims_file import BadFile, rows_beside

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
COLUMNS = ("region", "month", "change")


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From month `at` on (counted from year 0) prices in a region changed by `log_change`."""

    region: str
    at: int
    log_change: float


def price_step(notice: PriceNotice) -> PriceStep:
    """What a notice does to the series of its region."""
    return PriceStep(notice.region, month_number(notice.month), math.log1p(notice.change))


def month_number(text: str) -> int:
    """`YYYY-MM` as months from year 0. Raises ValueError otherwise."""
    match = _MONTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a month (YYYY-MM)")
    return int(match.group(1)) * 12 + int(match.group(2)) - 1


def month_name(at: int) -> str:
    """A month counted from year 0 as `YYYY-MM`."""
    return f"{at // 12:04d}-{at % 12 + 1:02d}"


def read_price_notices(path: Path) -> Sequence[PriceStep]:
    """What the notices of a file with columns region, month and change (0.05 is five per cent
    dearer) say.

    No file, no notices. Raises BadFile.
    """
    return [_step(row, place) for row, place in rows_beside(path, COLUMNS)]


def _step(row: dict[str, str], place: str) -> PriceStep:
    try:
        at = month_number(row["month"])
    except ValueError as error:
        raise BadFile(f"{place}: column month: {error}") from None
    try:
        change = float(row["change"])
    except (ValueError, TypeError):
        change = math.nan
    if not -1 < change < 10:
        raise BadFile(f"{place}: column change: {row['change']!r} is not a share such as 0.05")
    return PriceStep(row["region"], at, math.log1p(change))
