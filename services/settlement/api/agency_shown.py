"""The forms of what the agency's own staff is answered, for the description."""

from __future__ import annotations

from typing import Literal

from services.settlement.api.shown import Amount, BookHash, DayText, IdText, Instant
from services.settlement.api.wire import AgreementPlace, Code, MonthText, StayBenefit
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
    """Agreements that the caller may see, by institution and first day; the next page is after
    `next`."""

    items: list[AgreementShown]
    next: AgreementPlace | None


class AgreementEnded(Wire):
    """The agreement that was ended: its first day, and the first day without it."""

    institution_code: Code
    start: DayText
    end: DayText


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
    """Deductions in one state, newest first; the next page is after `next`."""

    items: list[DeductionShown]
    next: IdText | None


class ProfileProposed(Wire):
    """A profile that waits for another person's approval."""

    proposal: int


class ProfileWaits(Wire):
    """A proposed profile as it will speak once another person approves it. Its access key and
    secret are never shown."""

    proposal: int
    proposed_at: Instant
    institution_code: Code
    scheme: Literal["csb_ms", "csb_s", "x_tif", "signed_body", "signed_body_sm2", "private_line"]
    networks: list[str]
    infcode_text: bool
    refused_as: Literal[-1, -2]
    med_types: dict[str, StayBenefit]
    insurance_types: list[Literal["310", "510"]]
    demanded: dict[str, list[str]]
    matn_stas: dict[str, Literal["unknown", "neither", "planning", "pregnant", "nursing"]]
    elsewhere: list[str]


class ProfilesWait(Wire):
    """Profiles that wait for another person's approval, oldest first."""

    items: list[ProfileWaits]


class ProfileApproved(Wire):
    """The hospital whose profile is in force."""

    institution_code: str
