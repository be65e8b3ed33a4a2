"""Refusals as problems: the one place that knows their HTTP status."""

from __future__ import annotations

from services.settlement.api.explanation import refusal_title
from services.settlement.domain.refusals import Refusal, Refused
from shared.plumbing.problems import Kind, Problem

_STATUS = {
    Refusal.STAY_UNKNOWN: 404,
    Refusal.SETTLEMENT_UNKNOWN: 404,
    Refusal.PREGNANCY_UNKNOWN: 404,
    Refusal.BOOK_UNKNOWN: 404,
    Refusal.ADJUSTMENT_UNKNOWN: 404,
    Refusal.STAY_NUMBER_USED: 409,
    Refusal.STAY_CLOSED: 409,
    Refusal.STAY_CHANGED: 409,
    Refusal.LINE_NUMBER_USED: 409,
    Refusal.STAY_NOT_DISCHARGED: 409,
    Refusal.STAY_ALREADY_SETTLED: 409,
    Refusal.DELIVERY_ALREADY_SETTLED: 409,
    Refusal.PREGNANCY_OPEN_ALREADY: 409,
    Refusal.PREGNANCY_OVERLAPS: 409,
    Refusal.PREGNANCY_CHANGED: 409,
    Refusal.PREGNANCY_SETTLED: 409,
    Refusal.PREGNANCY_HAS_STAYS: 409,
    Refusal.PREGNANCY_ENDED: 409,
    Refusal.AGREEMENT_OVERLAPS: 409,
    Refusal.ITEM_OVERLAPS: 409,
    Refusal.ALREADY_REVERSED: 409,
    Refusal.ADJUSTMENT_DECIDED: 409,
    Refusal.ADJUSTMENT_BELOW_DEDUCTIONS: 409,
    Refusal.ADJUSTMENT_OUTDATED: 409,
    Refusal.PERIOD_CLOSED: 409,
    Refusal.EARLIER_PERIOD_OPEN: 409,
    Refusal.LOSS_ALREADY_SETTLED: 409,
    Refusal.SURGERY_ALREADY_SETTLED: 409,
    Refusal.LINE_UNKNOWN: 404,
    Refusal.STAY_CANCELLED: 409,
    Refusal.MAPPING_UNKNOWN: 404,
    Refusal.MAPPING_STANDS: 409,
    Refusal.MAPPING_DECIDED: 409,
    Refusal.AGREEMENT_UNKNOWN: 404,
    Refusal.RECONCILIATION_UNKNOWN: 404,
    Refusal.ITEM_UNKNOWN: 404,
    Refusal.IMPORT_UNKNOWN: 404,
    Refusal.STAY_HAS_LINES: 409,
    Refusal.LINE_RETURNED: 409,
    Refusal.FACTS_CHANGED: 409,
    Refusal.ENTITLEMENT_UNKNOWN: 404,
    Refusal.ENTITLEMENT_NOT_OPEN: 409,
    Refusal.ENTITLEMENT_CHANGED: 409,
    Refusal.PROFILE_UNKNOWN: 404,
    Refusal.LINE_OF_ANOTHER: 409,
    Refusal.PERSON_STATE_UNREACHABLE: 503,
    Refusal.PERSON_STATE_TOO_OLD: 503,
    Refusal.BOOK_MISSING: 503,
}
"""All others are 422: a rule refuses."""

KINDS = {
    refusal: Kind(
        number=refusal.number,
        slug=refusal.slug.replace("_", "-"),
        status=_STATUS.get(refusal, 422),
        title=refusal_title(refusal, "en"),
        title_zh=refusal_title(refusal, "zh"),
        retryable=refusal.retryable,
    )
    for refusal in Refusal
}


_TOLD = frozenset({"lines_total"})
"""Values that the caller is told: our own numbers. Others name a person, or what was sent."""


def problem_of(refused: Refusal | Refused) -> Problem:
    """A refusal as the caller is told it, with the article that decided and our own numbers."""
    if isinstance(refused, Refusal):
        return Problem(KINDS[refused])
    cited = refused.citation
    article = f"{cited.document_title} {cited.article}" if cited else ""
    values = {name: str(value) for name, value in refused.values if name in _TOLD}
    return Problem(KINDS[refused.refusal], article=article, values=values)
