"""Which cash benefits follow from a settled case, by the pool's rules of its day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from services.settlement.domain.allowance import (
    AllowanceClaim,
    Base,
    Event,
    NutritionClaim,
)
from services.settlement.domain.case import Case
from services.settlement.domain.claimed import Claimed
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.entitled import EntitlementKind
from services.settlement.domain.loss import Loss
from services.settlement.domain.pricing import Deferred, entitled, price
from services.settlement.domain.refusals import Refused
from services.settlement.domain.steps import Step
from services.settlement.domain.surgery import Surgery
from shared.money import NOTHING, Money
from shared.policy.book import Book
from shared.policy.shapes import Circumstance


@dataclass(frozen=True, slots=True)
class Opening:
    """What is opened: days of an allowance, a subsidy's amount; `until` where it is due later."""

    kind: EntitlementKind
    event: Event
    days: int | None
    amount: Money | None
    payee: str | None
    until: date | None
    steps: tuple[Step, ...]
    rates: tuple[str, ...]


def openings(case: Case, book: Book) -> tuple[Opening, ...]:
    """What a birth, a loss or a surgery opens; what its rules refuse opens nothing."""
    event = event_of(case.claimed)
    return () if event is None else _openings(_without_bill(case), event, book)


@lru_cache(maxsize=20_000)
def _openings(case: Case, event: Event, book: Book) -> tuple[Opening, ...]:
    """Most births of a day open the very same; their bills differ."""
    found = (_allowance(case, event, book), _nutrition(case, event, book))
    return tuple(opening for opening in found if opening is not None)


def with_base(case: Case, base: Base) -> Case:
    """The case as a claim of its allowance. Raises ValueError where it is no event of one."""
    event = event_of(case.claimed)
    if event is None:
        raise ValueError(case.claimed)
    claim = replace(
        allowance_claim(case, event),
        base_monthly=base.base_monthly,
        wage_sum=base.wage_sum,
        heads=base.heads,
        employers=base.employers,
    )
    return _of_cash(case, claim)


def event_of(claimed: Claimed) -> Event | None:
    """The event of an allowance that a case is; a visit or a complication is none."""
    match claimed:
        case Delivery():
            return "birth"
        case Loss():
            return "loss"
        case Surgery():
            return "family_planning"
    return None


def allowance_claim(case: Case, event: Event) -> AllowanceClaim:
    """The claim of an allowance that the record of a case supports; its base is not known yet."""
    within = Circumstance.OUTSIDE_REGULATION not in case.circumstances
    match case.claimed:
        case Delivery() as birth:
            return AllowanceClaim(event, birth.mode, birth.infants, birth.weeks,
                                  within_regulation=within)  # fmt: skip
        case Loss() as loss:
            return AllowanceClaim(event, weeks=loss.weeks, within_regulation=within)
        case Surgery() as surgery:
            return AllowanceClaim(event, procedure=surgery.procedure, within_regulation=within)
    raise ValueError(event)


def _without_bill(case: Case) -> Case:
    return replace(case, cost=None, bed=None, account_available=NOTHING)


def _of_cash(case: Case, claim: Claimed) -> Case:
    """The same case as a claim of a sum: it has no bill."""
    return replace(_without_bill(case), claimed=claim)


def _allowance(case: Case, event: Event, book: Book) -> Opening | None:
    claim = allowance_claim(case, event)
    found = entitled(_of_cash(case, claim), claim, book)
    if isinstance(found, Refused) or not found.days:
        return None
    return Opening(
        EntitlementKind.ALLOWANCE, event, found.days, None, found.payee, found.until, found.steps,
        found.rate_ids,
    )  # fmt: skip


def _nutrition(case: Case, event: Event, book: Book) -> Opening | None:
    if event not in ("birth", "loss"):
        return None
    weeks = case.claimed.weeks if isinstance(case.claimed, Loss) else None
    priced = price(_of_cash(case, NutritionClaim(weeks)), book)
    until = None
    if isinstance(priced, Deferred):
        until, priced = priced.until, priced.priced
    if isinstance(priced, Refused):
        return None
    return Opening(
        EntitlementKind.NUTRITION, event, None, priced.fund, priced.payee, until, priced.steps,
        priced.rate_ids,
    )  # fmt: skip
