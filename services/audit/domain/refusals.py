"""Why a review step is refused: closed and numbered; a number is never used again."""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """A refused step: number, slug, and whether asking again may help."""

    NOT_OPEN = (4001, "flag-not-open", False)
    NOT_FIRST_REVIEWED = (4002, "flag-not-first-reviewed", False)
    SAME_REVIEWER = (4003, "second-reviewer-is-first", False)
    CHANGED_MEANWHILE = (4004, "flag-changed-meanwhile", True)
    AMOUNT_ABOVE_FUND = (4005, "amount-above-fund-part", False)
    AMOUNT_NOT_OF_OUTCOME = (4006, "amount-does-not-fit-outcome", False)
    CLAIM_REVERSED = (4007, "claim-reversed", False)
    DEDUCTION_PENDING = (4008, "deduction-still-pending", True)
    ALREADY_DEDUCTED = (4009, "already-deducted", False)

    def __init__(self, number: int, slug: str, retryable: bool) -> None:
        self.number = number
        self.slug = slug
        self.retryable = retryable
