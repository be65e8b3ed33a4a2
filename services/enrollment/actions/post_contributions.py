"""Book contributions: each a month of a person, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.record_state import record_states
from services.enrollment.domain.contribution import due, month_rates
from services.enrollment.domain.membership import History
from services.enrollment.domain.posting import Contribution
from services.enrollment.domain.refusals import Refusal, Refused
from services.enrollment.store.contributions import insert_contributions
from services.enrollment.store.histories import read_histories
from services.enrollment.store.persons import id_numbers
from services.enrollment.told.contribution import told_contribution
from shared.ids import new_id
from shared.money import Money
from shared.period import Month
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log
from shared.plumbing.outbox import tell


@dataclass(frozen=True, slots=True)
class Payment:
    """What is asked to be booked: a month of a person, on a base."""

    person_ref: str
    month: Month
    base: Money


@dataclass(frozen=True, slots=True)
class Booked:
    """The contributions, and each person's new version."""

    contributions: tuple[Contribution, ...]
    versions: Mapping[str, int]


async def post_contributions(
    tx: Connection, acting: Acting, payments: Sequence[Payment]
) -> Booked | Refused:
    """Book payments; a person's months of one act make one new version."""
    refs = sorted({payment.person_ref for payment in payments})
    known = await read_histories(tx, refs, acting.pool_code)
    histories = {ref: of_ref.history for ref, of_ref in known.items()}
    booked = []
    for item, payment in enumerate(payments):
        contribution = _assess(acting, payment, histories.get(payment.person_ref))
        if isinstance(contribution, Refusal):
            return Refused(contribution, item)
        booked.append(contribution)
        histories[payment.person_ref] = histories[payment.person_ref].paying((payment.month,))
    numbers = await id_numbers(tx, acting.vault, refs)
    changed = {ref: (known[ref], histories[ref]) for ref in refs}
    versions = await record_states(tx, acting, "post-contributions", changed, numbers)
    await insert_contributions(tx, booked)
    await tell(tx, [told_contribution(contribution) for contribution in booked])
    await write_log(tx, [_deed(acting, contribution) for contribution in booked])
    return Booked(tuple(booked), versions)


def _assess(acting: Acting, payment: Payment, history: History | None) -> Contribution | Refusal:
    if history is None:
        return Refusal.PERSON_UNKNOWN
    if payment.month > Month.of(acting.today):
        return Refusal.MONTH_NOT_BEGUN
    if payment.month in history.months:
        return Refusal.MONTH_ALREADY_PAID
    spell = history.in_month(payment.month, acting.pool_code)
    if spell is None:
        return Refusal.NOT_INSURED_IN_MONTH
    rates = month_rates(acting.book, acting.pool_code, spell.kind, payment.month, acting.today)
    if isinstance(rates, Refusal):
        return rates
    return Contribution(
        contribution_id=new_id(),
        person_ref=payment.person_ref,
        month=payment.month,
        spell=spell,
        due=due(payment.base, rates),
        rates=rates,
        book=acting.book.hash,
        posted_at=acting.at,
    )


def _deed(acting: Acting, contribution: Contribution) -> Deed:
    subject = f"contribution:{contribution.contribution_id}"
    after = told_contribution(contribution).data
    return acting.deed("post-contribution", subject, "", "posted", after=after)
