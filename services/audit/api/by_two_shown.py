"""The forms of audit's answers on what two people tell the watch."""

from __future__ import annotations

from services.audit.api.shown import Amount, IdText, Instant, MonthText, Shown
from services.audit.domain.by_two import TwoState
from services.audit.domain.indicator import Indicator


class ByTwoShown(Shown):
    """Who asked for it and why, who approved it, and who ended it; it counts while `standing`.
    `replaced_by` is the one of the same place and month that was set instead of it."""

    id: IdText
    state: TwoState
    reason: str
    by: str
    asked_at: Instant
    approved_by: str | None
    ended_by: str | None
    replaced_by: IdText | None


class PriceNoticeShown(ByTwoShown):
    """From `month` on prices in the county `region` changed by a share: 0.05 is five per cent
    dearer."""

    region: str
    month: MonthText
    change: str


class PriceNoticesShown(Shown):
    """A page of notices; `next` is the `after` of the next page, null on the last."""

    price_notices: list[PriceNoticeShown]
    next: IdText | None


class IndicatorLimitShown(ByTwoShown):
    """What an indicator may come to from the month `since` on, over the last `window_months`: a
    share, or yuan. `institution_code` is null where it is meant for all of the pool, `limit` where
    there is none any more."""

    indicator: Indicator
    institution_code: str | None
    since: MonthText
    window_months: int
    limit: str | None


class IndicatorLimitsShown(Shown):
    """A page of limits; `next` is the `after` of the next page, null on the last."""

    indicator_limits: list[IndicatorLimitShown]
    next: IdText | None


class IndicatorMonthShown(Shown):
    """An indicator over the `months` that end with `month`, beside its limit: `excess` is the money
    that lies above it. With `low_volume` the cases are too few to say anything."""

    month: MonthText
    months: int
    indicator: Indicator
    cases: int
    value: str
    limit: str
    excess: Amount
    low_volume: bool
    passed: bool
