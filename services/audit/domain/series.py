"""What the statistics say of institutions' months: each month as it was scored, and the alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.audit.domain.rule import Words
from shared.money import NOTHING, Money

BORNE_BY_MOTHERS = frozenset({"own_share", "agreement-out-of-scope-share"})
"""Channels whose money is what the fund did not pay: whatever they show, the fund lost nothing."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Which features were looked at, and which model said what it says of them."""

    features: str
    model: str


@dataclass(frozen=True, slots=True)
class Loudest:
    """The channel that gave a month its score, over the `window_months` that end with it.

    `expected` and `actual` are what was spent in them on `cases` claims.
    """

    channel: str
    window_months: int
    cases: int
    expected: Money
    actual: Money


@dataclass(frozen=True, slots=True)
class ChannelMonth:
    """One channel of one month, in the channel's own measure: as measured, what is left of it
    beside peers, region and price notices, the cases, and how far it stands out (None: not said).
    """

    value: Decimal
    own: Decimal
    cases: int
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class SeriesMonth:
    """An institution's month, `YYYY-MM`; `loudest` is None where nothing can be said of it yet."""

    institution_code: str
    month: str
    claims: int
    score: Decimal
    loudest: Loudest | None
    reason: Words
    channels: Mapping[str, ChannelMonth]


@dataclass(frozen=True, slots=True)
class Contributor:
    """A claim that an alarm rests on, and the money by which it lies above what such cases usually
    came to."""

    claim_id: str
    excess: Money


@dataclass(frozen=True, slots=True)
class SeriesFinding:
    """One alarm: `month` is `YYYY-MM`, `window_months` how many months it looks back over,
    `cases` how many claims they hold; `reason` says it in words, `features` and `model` are the
    versions that said it. `contributors` are the claims that it rests on most, greatest first."""

    pool_code: str
    institution_code: str
    channel: str
    month: str
    score: Decimal
    window_months: int
    cases: int
    expected: Money
    actual: Money
    reason: Words
    features: str
    model: str
    contributors: tuple[Contributor, ...] = ()

    @property
    def excess(self) -> Money:
        """What was spent above what was expected; less than nothing where it was below."""
        return self.actual - self.expected

    @property
    def at_risk(self) -> Money:
        """What the fund may have paid without ground."""
        if self.channel in BORNE_BY_MOTHERS:
            return NOTHING
        return max(self.excess, NOTHING, key=lambda amount: amount.fen)
