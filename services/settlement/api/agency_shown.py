"""The forms of what the agency's own staff is answered, for the description."""

from __future__ import annotations

from typing import Literal

from services.settlement.api.shown import Amount, BookHash, DayText, IdText, Instant
from services.settlement.api.wire import Code, MonthText
from shared.plumbing.edge import Wire


class AgreementMade(Wire):
    """The agreement that was put in force."""

    institution_code: Code
    level: int


class AgreementShown(AgreementMade):
    """An agreement; `end` is the first day without it, null while it runs."""

    start: DayText
    end: DayText | None


class AgreementsShown(Wire):
    """Agreements that the caller may see."""

    items: list[AgreementShown]


class ItemListed(Wire):
    """The catalogue item that was listed."""

    item_code: Code


class BookProposed(Wire):
    """A proposal for another person to approve."""

    proposal: int
    book: BookHash


class BookApproved(Wire):
    """The book that is current in two seconds."""

    book: BookHash


class PeriodClosed(Wire):
    """The month that was closed."""

    month: MonthText


class DeductionShown(Wire):
    """An amount decided by audit: to be deducted from the next payment run, or recovered."""

    deduction_id: IdText
    settlement_id: IdText
    institution_code: Code
    flag_id: IdText
    decision: int
    kind: Literal["deduct", "recover"]
    amount: Amount
    taken_at: Instant


class DeductionsShown(Wire):
    """Deductions in one state."""

    items: list[DeductionShown]
