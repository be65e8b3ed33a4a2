"""The service's refusals as problems: status, and titles in two languages."""

from __future__ import annotations

import tomllib
from importlib import resources

from services.enrollment.domain.refusals import Refusal, Refused
from shared.plumbing.amiss import Words
from shared.plumbing.problems import Fault, Kind, Problem

_UNPROCESSABLE = 422
_STATUS = {
    Refusal.EMPLOYER_KNOWN: 409,
    Refusal.NAME_DIFFERS: 409,
    Refusal.ALREADY_REGISTERED: 409,
    Refusal.NOT_AFTER_LAST_SPELL: 409,
    Refusal.INSURED_ELSEWHERE: 409,
    Refusal.NO_SPELL_TO_END: 409,
    Refusal.MONTH_ALREADY_PAID: 409,
    Refusal.PERSON_UNKNOWN: 404,
}


def _words(language: str) -> dict[str, str]:
    file = resources.files("services.enrollment.api") / "words" / f"{language}.toml"
    return {slug: str(text) for slug, text in tomllib.loads(file.read_text("utf-8")).items()}


_EN, _ZH = _words("en"), _words("zh")

KINDS = {
    refusal: Kind(
        refusal.number,
        refusal.slug,
        _STATUS.get(refusal, _UNPROCESSABLE),
        _EN[refusal.slug],
        _ZH[refusal.slug],
        refusal.retryable,
    )
    for refusal in Refusal
}


def problem_of(refused: Refusal | Refused) -> Problem:
    """The problem that answers a refusal; of a list, it points at the item."""
    if isinstance(refused, Refusal):
        return Problem(KINDS[refused])
    kind = KINDS[refused.refusal]
    return Problem(
        kind, [Fault(f"/items/{refused.item}", kind.slug, Words(kind.title, kind.title_zh))]
    )
