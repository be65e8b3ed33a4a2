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
    # 4009 said that what was taken could only be dismissed; it can be lowered now.
    ABOVE_WHAT_WAS_TAKEN = (4010, "amount-above-what-was-taken", False)
    LINES_DO_NOT_ADD_UP = (4011, "lines-do-not-add-up", False)
    NOT_HEARD = (4012, "institution-not-heard", False)
    NOT_NOTIFIED = (4013, "no-statement-awaited", False)
    NOT_INVESTIGATING = (4014, "flag-not-investigated", False)
    NOT_SECOND_REVIEWED = (4015, "flag-not-second-reviewed", False)
    NOT_PROPOSED = (4016, "no-disposal-proposed", False)
    SAME_APPROVER = (4017, "approver-is-proposer", False)
    REASON_UNKNOWN = (4018, "reason-code-unknown", False)
    REASON_NOT_OF_STEP = (4019, "reason-does-not-fit", False)
    OUTCOME_NOT_OF_SUBJECT = (4020, "outcome-does-not-fit-flag", False)
    HELD_BY_ANOTHER = (4021, "flag-held-by-another", True)
    NOTHING_WAITS = (4022, "no-flag-waits", True)
    RULE_UNKNOWN = (4030, "rule-unknown", False)
    SNOOZE_TOO_LONG = (4031, "snooze-too-long", False)
    SNOOZE_NOT_ASKED = (4032, "snooze-does-not-wait", False)
    SNOOZE_OF_ONE_PERSON = (4033, "snooze-approver-is-asker", False)
    SNOOZE_ENDED = (4034, "snooze-ended", False)

    NO_APPROVAL_AWAITED = (4035, "no-approval-awaited", False)
    APPROVER_IS_ASKER = (4036, "approver-is-asker", False)
    ENDED_ALREADY = (4037, "ended-already", False)
    ONE_IS_THERE = (4038, "one-is-there-already", False)
    STANDS_BY_TWO = (4039, "stands-by-two-people", False)
    LIMIT_NOT_OF_INDICATOR = (4040, "limit-does-not-fit-indicator", False)
    FLAGGED_ALREADY = (4041, "claim-flagged-already", False)

    def __init__(self, number: int, slug: str, retryable: bool) -> None:
        self.number = number
        self.slug = slug
        self.retryable = retryable
