"""How many days of leave an allowance is paid for: by the law in force on the day of the event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from services.settlement.domain.allowance import AllowanceClaim
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.steps import Step, StepKind, Value
from shared.policy.book import Day
from shared.policy.cells import LEAVE_DAYS
from shared.policy.leave import LeaveDays
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import DeliveryMode


@dataclass(frozen=True, slots=True)
class Leave:
    """Days, the steps that made them, and the version of the rule."""

    days: int
    steps: tuple[Step, ...]
    rate_id: str


def leave_of(claim: AllowanceClaim, on: date, rules: Day) -> Leave | Refused:
    """The days for an event on a day. Raises NoRule.

    Where a later length comes with a transitional clause, who is still on leave on its first day
    has it.
    """
    rule = rules.ask(LEAVE_DAYS)
    leave = _by(rule, claim)
    later = rules.following(LEAVE_DAYS)
    if isinstance(leave, Refused) or later is None or not later.value.still_on_leave:
        return leave
    if on + timedelta(days=leave.days) <= later.since:
        return leave
    longer = _by(later, claim)
    if isinstance(longer, Refused) or longer.days <= leave.days:
        return leave
    values = (("since", later.since), ("before", leave.days))
    step = Step(StepKind.STILL_ON_LEAVE, later.citation, None, values)
    return Leave(longer.days, (*longer.steps, step), longer.rate_id)


def _by(rule: Sourced[LeaveDays], claim: AllowanceClaim) -> Leave | Refused:
    terms, cited = rule.value, rule.citation
    if claim.event == "birth":
        return _birth(rule, claim)
    days: int | None = None
    if claim.event == "loss":
        days = next(
            (
                loss.days
                for loss in terms.losses
                if loss.below_week is None or claim.weeks < loss.below_week
            ),
            None,
        )
    elif claim.event == "family_planning":
        if claim.procedure is not None:
            days = terms.family_planning.get(claim.procedure)
    else:
        days = terms.paternity
    if days is None:
        return Refused(Refusal.DAYS_NOT_KNOWN, cited)
    values: tuple[tuple[str, Value], ...] = (("event", claim.event), ("days", days))
    return Leave(days, (Step(StepKind.LEAVE, cited, None, values),), rule.rate_id)


def _birth(rule: Sourced[LeaveDays], claim: AllowanceClaim) -> Leave | Refused:
    terms, cited = rule.value, rule.citation
    days, event = terms.birth, "birth"
    if not claim.within_regulation and terms.outside_regulation is not None:
        days, event = terms.outside_regulation, "birth_outside_regulation"
    steps = [Step(StepKind.LEAVE, cited, None, (("event", event), ("days", days)))]
    supplements = _supplements(terms, claim, cited)
    if isinstance(supplements, Refused):
        return supplements
    if not terms.stacking and len(supplements) > 1:
        supplements = [max(supplements, key=lambda added: added[1])]
    for kind, more in supplements:
        steps.append(Step(kind, cited, None, (("days", more),)))
        days += more
    return Leave(days, tuple(steps), rule.rate_id)


def _supplements(
    terms: LeaveDays, claim: AllowanceClaim, cited: Citation
) -> list[tuple[StepKind, int]] | Refused:
    """Each further length; one that the pool's documents do not tell is not guessed."""
    found = []
    if (claim.mode or DeliveryMode.VAGINAL) in terms.dystocia_modes:
        if terms.dystocia is None:
            return Refused(Refusal.DAYS_NOT_KNOWN, cited)
        if terms.dystocia:
            found.append((StepKind.LEAVE_DYSTOCIA, terms.dystocia))
    more = claim.infants - 1
    if more:
        if terms.extra_infant is None:
            return Refused(Refusal.DAYS_NOT_KNOWN, cited)
        if terms.extra_infant:
            found.append((StepKind.LEAVE_INFANTS, terms.extra_infant * more))
    return found
