"""The forms of audit's answers on institutions and their months."""

from __future__ import annotations

from services.audit.api.by_two_shown import IndicatorMonthShown
from services.audit.api.shown import Amount, DayText, IdText, Instant, MonthText, Shown
from services.audit.domain.flag import FlagState


class ChannelShown(Shown):
    """One channel of a month, in its own measure: as measured, what is left of it beside peers,
    region and price notices, its cases, and how far it stands out (null: nothing can be said)."""

    value: str
    own: str
    cases: int
    score: str | None


class SeriesMonthShown(Shown):
    """A month as last scored. `channel` is the loudest, over the `window_months` that end with the
    month; `expected` and `actual` are what was spent in them. All null where nothing is said."""

    institution_code: str
    month: MonthText
    claims: int
    score: str
    channel: str | None
    window_months: int | None
    cases: int | None
    expected: Amount | None
    actual: Amount | None
    explanation: str
    explanation_zh: str
    channels: dict[str, ChannelShown]
    features: str
    model: str
    scored_at: Instant


class BaselineShown(Shown):
    """That a channel's months are compared with its past since a month alone, because a flag on it
    was found explained, and by whom."""

    institution_code: str
    channel: str
    since: MonthText
    flag_id: IdText
    reason_code: str
    by: str
    approved_by: str
    decided_on: DayText


class SeriesShown(Shown):
    """A page of months, with the pasts begun anew of their institutions; `next` is the `after` of
    the next page, null on the last."""

    series: list[SeriesMonthShown]
    baselines: list[BaselineShown]
    next: str | None


class FlagsAboutShown(Shown):
    """How many flags of one rule family or channel stand in one state, and their money at risk."""

    about: str
    state: FlagState
    flags: int
    at_risk: Amount


class InstitutionShown(Shown):
    """One institution as monitoring sees it."""

    institution_code: str
    months: list[SeriesMonthShown]
    baselines: list[BaselineShown]
    indicators: list[IndicatorMonthShown]
    flags: list[FlagsAboutShown]
