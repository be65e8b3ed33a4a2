"""Whether a person is insured on a day, and how long contributions have run without a gap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.enrollment.domain.membership import History, Spell
from services.enrollment.domain.paid_months import Run, run_until
from services.enrollment.domain.refusals import Refusal
from shared.period import Month
from shared.policy.book import Book, NoRule
from shared.policy.cells import INTERRUPTION
from shared.policy.rules import Citation
from shared.policy.shapes import MemberKind

ALLOWANCE = "allowance"
# Who reached retirement pays no more and keeps the insurance (Social Insurance Law art. 27);
# early retirees are treated as retirees (merger scheme, 2(2)).
_PAY_NO_MORE = frozenset({MemberKind.RETIREE, MemberKind.EARLY_RETIREE})


class Standing(StrEnum):
    """How a person stands on a day."""

    INSURED = "insured"
    INTERRUPTED = "interrupted"
    NOT_INSURED = "not_insured"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A person's standing on a day; `by` is the clause on interruption, where it was asked."""

    on: date
    standing: Standing
    spell: Spell | None
    paid: Run | None
    by: Citation | None


def entitlement(
    history: History, on: date, benefit: str | None, book: Book, known_on: date
) -> Entitlement | Refusal:
    """How a person stands on a day, for one benefit or, unnamed, for all of them.

    Contributions are interrupted from the month after the last paid one, later by the months of
    grace that the pool's clause gives. No month paid at all counts as interrupted.
    """
    month = Month.of(on)
    paid = run_until(history.months, month)
    spell = history.on(on)
    if spell is None:
        return Entitlement(on, Standing.NOT_INSURED, None, paid, None)
    if spell.kind in _PAY_NO_MORE:
        return Entitlement(on, Standing.INSURED, spell, paid, None)
    try:
        clause = book.on(spell.pool_code, spell.kind, on=on, known_on=known_on).ask(INTERRUPTION)
    except NoRule:
        return Refusal.NO_RULE
    goes_on = clause.value.stops == ALLOWANCE and benefit not in (None, ALLOWANCE)
    paid_enough = paid is not None and month <= paid.last.plus(clause.value.grace_months)
    standing = Standing.INSURED if goes_on or paid_enough else Standing.INTERRUPTED
    return Entitlement(on, standing, spell, paid, clause.citation)
