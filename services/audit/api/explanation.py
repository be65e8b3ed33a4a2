"""A finding in words, from the rule's own template and the two claims as stored."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from services.audit.domain.claim import Claim
from services.audit.domain.rule import Rule
from services.audit.store.findings import StoredFinding

Language = Literal["zh", "en"]

_WORDS: dict[Language, dict[str, str]] = {
    language: tomllib.loads(
        (Path(__file__).parent / "words" / f"{language}.toml").read_text(encoding="utf-8")
    )["legal_basis"]
    for language in ("zh", "en")
}


def explain(
    rule: Rule, finding: StoredFinding, claim: Claim, rival: Claim, language: Language
) -> str:
    """What the rule found, with both claims, the money, the version and the legal basis."""
    template: str = getattr(rule.explanation, language)
    return template.format(
        claim=claim.claim_id,
        institution=claim.institution_code,
        event_on=claim.event_on,
        settled_on=claim.settled_on,
        fund=claim.parts.fund,
        rival=rival.claim_id,
        rival_institution=rival.institution_code,
        rival_event_on=rival.event_on,
        rival_settled_on=rival.settled_on,
        rival_fund=rival.parts.fund,
        days=finding.days_between,
        rule=rule.id,
        version=rule.version,
        legal_basis=legal_basis(rule, language),
        **{name: getattr(rule.parameters, name) for name in rule.parameters.evidence},
    )


def legal_basis(rule: Rule, language: Language) -> str:
    """The documents and articles that a rule stands on."""
    words = _WORDS[language]
    return words["semicolon"].join(
        words["one" if len(basis.articles) == 1 else "many"].format(
            document=getattr(basis.document, language),
            number=getattr(basis.number, language),
            articles=words["comma"].join(str(article) for article in basis.articles),
        )
        for basis in rule.legal_basis
    )
