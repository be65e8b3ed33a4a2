"""Audit's refusals as problems: status here, words in words/*.toml by slug."""

from __future__ import annotations

import tomllib
from pathlib import Path

from services.audit.domain.refusals import Refusal
from shared.plumbing.problems import Kind, Problem

_STATUS = {
    Refusal.NOT_OPEN: 409,
    Refusal.NOT_FIRST_REVIEWED: 409,
    Refusal.SAME_REVIEWER: 422,
    Refusal.CHANGED_MEANWHILE: 409,
    Refusal.AMOUNT_ABOVE_FUND: 422,
    Refusal.AMOUNT_NOT_OF_OUTCOME: 422,
    Refusal.CLAIM_REVERSED: 422,
    Refusal.DEDUCTION_PENDING: 409,
    Refusal.ABOVE_WHAT_WAS_TAKEN: 422,
    Refusal.LINES_DO_NOT_ADD_UP: 422,
    Refusal.NOT_HEARD: 409,
    Refusal.NOT_NOTIFIED: 409,
    Refusal.NOT_INVESTIGATING: 409,
    Refusal.NOT_SECOND_REVIEWED: 409,
    Refusal.NOT_PROPOSED: 409,
    Refusal.SAME_APPROVER: 422,
    Refusal.REASON_UNKNOWN: 422,
    Refusal.REASON_NOT_OF_STEP: 422,
    Refusal.OUTCOME_NOT_OF_SUBJECT: 422,
    Refusal.HELD_BY_ANOTHER: 409,
    Refusal.NOTHING_WAITS: 404,
    Refusal.RULE_UNKNOWN: 422,
    Refusal.SNOOZE_TOO_LONG: 422,
    Refusal.SNOOZE_NOT_ASKED: 409,
    Refusal.SNOOZE_OF_ONE_PERSON: 422,
    Refusal.SNOOZE_ENDED: 409,
    Refusal.NO_APPROVAL_AWAITED: 409,
    Refusal.APPROVER_IS_ASKER: 422,
    Refusal.ENDED_ALREADY: 409,
    Refusal.ONE_IS_THERE: 409,
    Refusal.STANDS_BY_TWO: 409,
    Refusal.LIMIT_NOT_OF_INDICATOR: 422,
    Refusal.FLAGGED_ALREADY: 409,
}


def _words(language: str) -> dict[str, str]:
    path = Path(__file__).parent / "words" / f"{language}.toml"
    refusals: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["refusals"]
    return refusals


def _kinds() -> dict[Refusal, Kind]:
    en, zh = _words("en"), _words("zh")
    return {
        refusal: Kind(
            refusal.number,
            refusal.slug,
            _STATUS[refusal],
            en[refusal.slug],
            zh[refusal.slug],
            refusal.retryable,
        )
        for refusal in Refusal
    }


KINDS = _kinds()


def problem_of(refusal: Refusal) -> Problem:
    """The problem that a refusal is told as."""
    return Problem(KINDS[refusal])
