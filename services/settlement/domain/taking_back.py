"""A claim that the law as known now would refuse: the fund pays nothing of it."""

from __future__ import annotations

from dataclasses import replace

from services.settlement.domain.person import PersonState
from services.settlement.domain.pricing import ENGINE
from services.settlement.domain.refusals import Refused
from services.settlement.domain.settlement import Settlement, Shares
from services.settlement.domain.steps import Step, StepKind, stored_steps
from shared.money import NOTHING, Money
from shared.policy.book import Book


def taken_back(
    settlement: Settlement, refused: Refused, person: PersonState | None, bill: Money, book: Book
) -> Settlement | None:
    """The settlement as if it had been refused: the whole bill is the member's. None where no
    article says so, or where the same question may be answered otherwise later."""
    cited = refused.citation
    if cited is None or person is None or refused.refusal.retryable:
        return None
    why = (("reason", refused.refusal.slug),)
    steps = (
        Step(StepKind.PAID_NO_MORE, cited, settlement.shares.fund, why),
        Step(StepKind.MEMBER_PAYS, cited, bill),
    )
    hers = Shares(
        total=bill,
        fund=NOTHING,
        member=bill,
        member_account=NOTHING,
        member_cash=bill,
        institution=NOTHING,
        other_fund=NOTHING,
        desk_fund=NOTHING,
        desk_member=bill,
    )
    return replace(
        settlement,
        state_version=person.version,
        shares=hers,
        steps=stored_steps(steps),
        rates=(),
        book=book.hash,
        engine=ENGINE,
    )
