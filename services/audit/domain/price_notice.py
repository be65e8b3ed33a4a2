"""Price notices: what a county announced of its prices is no institution's own growth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.audit.domain.by_two import ByTwo, ended, withdrawn
from services.audit.domain.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceNotice(ByTwo):
    """From `month` (`YYYY-MM`) on prices in the county `region` changed by the share `change`:
    0.05 is five per cent dearer."""

    region: str
    month: str
    change: Decimal


def taken_back(notice: PriceNotice, by: str) -> PriceNotice | Refusal:
    """Somebody takes it back. Lower prices that count stand: without them less growth would be
    seen, and that is for two people to say, by another notice of that county and month."""
    return ended(notice, by) if notice.change > 0 else withdrawn(notice, by)
