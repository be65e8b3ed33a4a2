"""Indicators of agreements with institutions: what is measured, and what a limit leaves above it.

An agreement names what an institution undertakes to keep to; each indicator here is a plain count
over its settled claims, that anybody can repeat with pencil and paper.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from services.audit.domain.by_two import ByTwo, TwoState
from services.audit.domain.claim import Claim
from services.audit.domain.refusals import Refusal
from shared.money import NOTHING, Money
from shared.period import Month

CASES_LEAST = 30
"""Under so many cases in a window nothing is said, as with growth."""
REPEAT_DAYS = 15
"""A stay that begins so many days after another ended, or fewer, is a repeat admission. No document
of ours names the number: it is an example."""
_SMALLEST = Decimal("0.0001")


class Indicator(StrEnum):
    """What is watched: the share of cesareans among births; of the bills of stays what lies
    outside the scope of insurance; the mean bill of a birth, in yuan; the share of stays that soon
    follow another of the same person in the same institution."""

    CESAREAN_RATE = "caesarean-rate"
    OUT_OF_SCOPE_SHARE = "out-of-scope-share"
    AVERAGE_COST = "average-cost"
    REPEAT_ADMISSION = "repeat-admission"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorLimit(ByTwo):
    """What an indicator may come to from a month on, over the last `window_months`; for one
    institution, or where None for every one of the pool that has no limit of its own. A later
    month's limit stands instead of an earlier; without a `limit` there is none any more."""

    indicator: Indicator
    institution_code: str | None
    since: str
    window_months: int
    limit: Decimal | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over an institution's claims; stays are all claims with a night in hospital."""

    births: int = 0
    cesareans: int = 0
    births_cost: Money = NOTHING
    cesareans_cost: Money = NOTHING
    stays: int = 0
    repeats: int = 0
    stays_cost: Money = NOTHING
    repeats_cost: Money = NOTHING
    out_of_scope: Money = NOTHING

    def plus(self, more: Tally) -> Tally:
        """Both together."""
        return Tally(*(getattr(self, f.name) + getattr(more, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Measured:
    """An indicator of an institution's window that ends with a month, beside its limit.

    `value` is a share, or yuan; `spent` is the money looked at, `excess` what of it lies above what
    the limit allows, nothing where the limit is kept.
    """

    institution_code: str
    month: str
    months: int
    indicator: Indicator
    cases: int
    value: Decimal
    limit: Decimal
    spent: Money
    excess: Money

    @property
    def low_volume(self) -> bool:
        """Whether the cases are too few to say anything."""
        return self.cases < CASES_LEAST

    @property
    def passed(self) -> bool:
        """Whether the limit is passed, by enough cases."""
        return self.value > self.limit and not self.low_volume


def fitting(limit: IndicatorLimit) -> IndicatorLimit | Refusal:
    """A limit as asked for: that of a share is at most 1."""
    share = limit.indicator is not Indicator.AVERAGE_COST
    if share and limit.limit is not None and limit.limit > 1:
        return Refusal.LIMIT_NOT_OF_INDICATOR
    return limit


def tally(claims: Iterable[Claim]) -> dict[tuple[str, str], Tally]:
    """By institution and month of discharge. All claims of a pool's institutions are to be given:
    a repeat is told by the claims before it."""
    sums: dict[tuple[str, str], Tally] = {}
    stays: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        _add(sums, claim, _of_birth(claim))
        if claim.days_in_hospital > 0:
            stays.setdefault((claim.institution_code, claim.person_ref), []).append(claim)
    for those in stays.values():
        those.sort(key=lambda claim: (claim.admitted_on, claim.discharged_on, claim.claim_id))
        for claim, before in zip(those, [None, *those], strict=False):
            _add(sums, claim, _of_stay(claim, before))
    return sums


def in_force(
    limits: Collection[IndicatorLimit], indicator: Indicator, institution_code: str, month: str
) -> IndicatorLimit | None:
    """The limit that an institution's month is held to: its own before the pool's, the latest."""
    meant = [
        limit
        for limit in limits
        if limit.state is TwoState.STANDING
        and limit.indicator is indicator
        and limit.institution_code in (None, institution_code)
        and limit.since <= month
    ]
    if not meant:
        return None
    return max(meant, key=lambda limit: (limit.institution_code is not None, limit.since))


def measured(
    sums: Mapping[tuple[str, str], Tally], limits: Collection[IndicatorLimit]
) -> list[Measured]:
    """Every institution's months that have claims and a limit, by institution and month. A window
    never begins before its limit does."""
    found = []
    for institution_code, month in sorted(sums):
        for indicator in Indicator:
            limit = in_force(limits, indicator, institution_code, month)
            if limit is None or limit.limit is None:
                continue
            months = [one for one in _window(month, limit.window_months) if one >= limit.since]
            together = Tally()
            for one in months:
                together = together.plus(sums.get((institution_code, one), Tally()))
            told = _measure(indicator, together, limit.limit)
            if told is not None:
                found.append(
                    Measured(
                        institution_code, month, len(months), indicator, told[0], told[1],
                        limit.limit, told[2], told[3],
                    )
                )  # fmt: skip
    return found


def _add(sums: dict[tuple[str, str], Tally], claim: Claim, more: Tally) -> None:
    place = (claim.institution_code, claim.discharged_on.isoformat()[:7])
    sums[place] = sums.get(place, Tally()).plus(more)


def _of_birth(claim: Claim) -> Tally:
    if claim.benefit != "delivery":
        return Tally()
    bill = claim.parts.total
    if claim.mode == "cesarean":
        return Tally(births=1, cesareans=1, births_cost=bill, cesareans_cost=bill)
    return Tally(births=1, births_cost=bill)


def _of_stay(claim: Claim, before: Claim | None) -> Tally:
    bill = claim.parts.total
    soon = before is not None and timedelta(0) <= (
        claim.admitted_on - before.discharged_on
    ) <= timedelta(days=REPEAT_DAYS)
    return Tally(
        stays=1, stays_cost=bill, out_of_scope=claim.out_of_scope,
        repeats=1 if soon else 0, repeats_cost=bill if soon else NOTHING,
    )  # fmt: skip


def _window(month: str, months: int) -> list[str]:
    last = Month.parse(month)
    return [str(last.plus(at)) for at in range(1 - months, 1)]


def _measure(
    indicator: Indicator, t: Tally, limit: Decimal
) -> tuple[int, Decimal, Money, Money] | None:
    """Cases, value, money looked at and money above the limit; None where nothing can be said."""
    bar = Fraction(limit)
    match indicator:
        case Indicator.CESAREAN_RATE:
            n, value, spent = t.births, _part(t.cesareans, t.births), t.births_cost
            others = t.births - t.cesareans
            dearer = _part(t.cesareans_cost.fen, t.cesareans) - (
                _part(t.births_cost.fen - t.cesareans_cost.fen, others)
            )
            # Without other births there is nothing that a cesarean is dearer than.
            above = (t.cesareans - bar * t.births) * max(dearer if others else 0, Fraction(0))
        case Indicator.OUT_OF_SCOPE_SHARE:
            n, spent = t.stays, t.out_of_scope
            value = _part(t.out_of_scope.fen, t.stays_cost.fen)
            above = t.out_of_scope.fen - bar * t.stays_cost.fen
        case Indicator.AVERAGE_COST:
            n, spent = t.births, t.births_cost
            value = _part(t.births_cost.fen, 100 * t.births)
            above = t.births_cost.fen - bar * 100 * t.births
        case Indicator.REPEAT_ADMISSION:
            n, value, spent = t.stays, _part(t.repeats, t.stays), t.stays_cost
            above = (t.repeats - bar * t.stays) * _part(t.repeats_cost.fen, t.repeats)
    if n == 0:
        return None
    excess = Money(max(0, (2 * above.numerator + above.denominator) // (2 * above.denominator)))
    told = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(
        _SMALLEST, rounding=ROUND_HALF_UP
    )
    return n, told, spent, excess


def _part(some: int, whole: int) -> Fraction:
    return Fraction(some, whole) if whole else Fraction(0)
