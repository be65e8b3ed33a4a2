"""A stay in hospital, or a visit, and its bill, as the hospital tells of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.claimed import Medical, benefit_of
from services.settlement.domain.cost import Cost, sum_of
from services.settlement.domain.refusals import Refusal, Refused
from shared.money import Money
from shared.policy.shapes import Benefit, Circumstance


class StayState(StrEnum):
    """open -> discharged -> settled, and back: to discharged by a reversal, to open by reopening.
    What was opened by mistake is cancelled, for good."""

    OPEN = "open"
    DISCHARGED = "discharged"
    SETTLED = "settled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the record says at discharge: the days, what was done, and the bill's total.

    `diagnoses` (ICD-10, the principal one first) and `procedures` (ICD-9-CM-3) are as the hospital
    coded them. No price rests on them.
    """

    event_on: date
    discharged_on: date
    claimed: Medical
    bill: Money
    circumstances: frozenset[Circumstance] = frozenset()
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """`cost` sums the lines so far; `version` counts the changes, and guards each of them.

    Only family planning belongs to no pregnancy. An outpatient visit is a stay of one day.
    """

    pool_code: str
    stay_id: UUID
    institution_code: str
    stay_number: str
    person_ref: str
    pregnancy_id: UUID | None
    state: StayState
    version: int
    admitted_on: date
    outcome: Outcome | None
    line_count: int
    cost: Cost
    benefit: Benefit = Benefit.DELIVERY


_BILL_MOST = Money(10**12)


def discharged(stay: Stay, outcome: Outcome) -> Stay | Refusal:
    """The stay after discharge; until it is settled another outcome may be stated."""
    if stay.state is StayState.CANCELLED:
        return Refusal.STAY_CANCELLED
    if stay.state is StayState.SETTLED:
        return Refusal.STAY_ALREADY_SETTLED
    if benefit_of(outcome.claimed) is not stay.benefit:
        return Refusal.OUTCOME_OF_ANOTHER_BENEFIT
    if not stay.admitted_on <= outcome.event_on <= outcome.discharged_on:
        return Refusal.DATES_OUT_OF_ORDER
    return replace(stay, state=StayState.DISCHARGED, outcome=outcome, version=stay.version + 1)


def unlike_lines(stay: Stay) -> Refused:
    """That a total which was told is not what the lines sum to: which is told in turn."""
    total = stay.cost.total.to_wire()
    return Refused(Refusal.LINES_DO_NOT_SUM, None, (("lines_total", total),))


def with_cost(stay: Stay, added: Cost, lines: int) -> Stay | Refusal:
    """The stay with more lines; closed once discharged, and no bill is as large as all that."""
    if stay.state is StayState.CANCELLED:
        return Refusal.STAY_CANCELLED
    if stay.state is not StayState.OPEN:
        return Refusal.STAY_CLOSED
    if stay.cost.total + added.total > _BILL_MOST:
        return Refusal.LINES_DO_NOT_SUM
    return replace(
        stay,
        cost=sum_of([stay.cost, added]),
        line_count=stay.line_count + lines,
        version=stay.version + 1,
    )


def less_cost(stay: Stay, removed: Cost, lines: int = 0) -> Stay:
    """The stay without a part of its bill, in the same change as `with_cost` made."""
    return replace(stay, cost=stay.cost.less(removed), line_count=stay.line_count - lines)


def reopened(stay: Stay) -> Stay | Refusal:
    """The stay as before its discharge, which is taken back with all that it stated."""
    if stay.state is StayState.DISCHARGED:
        return replace(stay, state=StayState.OPEN, outcome=None, version=stay.version + 1)
    return {
        StayState.CANCELLED: Refusal.STAY_CANCELLED,
        StayState.SETTLED: Refusal.STAY_ALREADY_SETTLED,
    }.get(stay.state, Refusal.STAY_NOT_DISCHARGED)


def cancelled(stay: Stay) -> Stay | Refusal:
    """The stay as if it had not been: its discharge and its lines were taken back before."""
    if stay.state is StayState.OPEN:
        if stay.line_count:
            return Refusal.STAY_HAS_LINES
        return replace(stay, state=StayState.CANCELLED, version=stay.version + 1)
    return {
        StayState.CANCELLED: Refusal.STAY_CANCELLED,
        StayState.SETTLED: Refusal.STAY_ALREADY_SETTLED,
    }.get(stay.state, Refusal.STAY_CLOSED)
