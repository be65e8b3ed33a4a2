"""A finding in words, from the rule's own template and the evidence that was found."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.audit.api.shapes import claim_shape
from services.audit.domain.citation import cited
from services.audit.domain.claim import Claim
from services.audit.domain.rule import Rule
from services.audit.domain.watch_rule import WATCH_RULES, WatchRule
from services.audit.store.findings import StoredFinding
from services.audit.store.series import StoredSeriesFinding
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.policy.speech import LANGUAGES, Language


def _words(part: str) -> dict[Language, dict[str, str]]:
    folder = Path(__file__).parent / "words"
    return {
        language: tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))[part]
        for language in LANGUAGES
    }


_VALUES = _words("values")
_FINDINGS = _words("findings")


def explain(
    rule: Rule,
    evidence: Mapping[str, str],
    *,
    claim: str,
    institution: str,
    at_risk: Money,
    language: Language,
) -> str:
    """What a rule found, in its own words, with all the evidence, the money, the version and the
    legal basis."""
    template: str = getattr(rule.explanation, language)
    parameters = rule.parameters.model_dump(include=set(rule.parameters.evidence))
    told = {name: str(value) for name, value in parameters.items()} | dict(evidence)
    return template.format(
        claim=claim,
        institution=institution,
        at_risk=at_risk,
        rule=rule.id,
        version=rule.version,
        legal_basis=cited(rule.legal_basis, language),
        **{name: _VALUES[language].get(value, value) for name, value in told.items()},
    )


def explain_finding(
    finding: StoredFinding, rule: Rule | None, claim: Claim, language: Language
) -> str:
    """What a rule found of a stored claim; or that this version of it is no longer among ours."""
    if rule is None:
        return _gone(finding, language)
    return explain(
        rule,
        finding.evidence,
        claim=str(claim.claim_id),
        institution=claim.institution_code,
        at_risk=finding.at_risk,
        language=language,
    )


def title_of(finding: StoredFinding, rule: Rule | None, language: Language) -> str:
    """The name of the rule that found it; where that version is no longer among ours, that."""
    return _gone(finding, language) if rule is None else getattr(rule.title, language)


def _gone(finding: StoredFinding, language: Language) -> str:
    return _FINDINGS[language]["rule-gone"].format(rule=finding.rule, version=finding.rule_version)


def finding_shape(
    finding: StoredFinding, rule: Rule | None, claim: Claim, rival: Claim | None
) -> dict[str, Any]:
    """A finding under its flag, with the other claim where it takes two, and in words."""
    days = finding.evidence.get("days")
    return {
        "finding_id": str(finding.finding_id),
        "rule": finding.rule,
        "rule_version": finding.rule_version,
        "title": title_of(finding, rule, "en"),
        "title_zh": title_of(finding, rule, "zh"),
        "days_between": None if days is None else int(days),
        "amount_at_risk": finding.at_risk.to_wire(),
        "evidence": finding.evidence,
        "rival": None if rival is None else claim_shape(rival),
        "explanation": explain_finding(finding, rule, claim, "en"),
        "explanation_zh": explain_finding(finding, rule, claim, "zh"),
    }


def ground_shape(
    finding: StoredFinding, rule: Rule | None, claim: Claim, *, own: bool
) -> dict[str, Any]:
    """A finding as its institution is told of it; in full where all it tells of is its `own`."""
    return {
        "rule": finding.rule,
        "rule_version": finding.rule_version,
        "title": title_of(finding, rule, "en"),
        "title_zh": title_of(finding, rule, "zh"),
        "amount_at_risk": finding.at_risk.to_wire(),
        "explanation": explain_finding(finding, rule, claim, "en") if own else None,
        "explanation_zh": explain_finding(finding, rule, claim, "zh") if own else None,
        "legal_basis": cited(rule.legal_basis, "en") if rule else "",
        "legal_basis_zh": cited(rule.legal_basis, "zh") if rule else "",
    }


def watch_shape(found: StoredSeriesFinding) -> dict[str, Any]:
    """The rule and the law that a finding over months stands on."""
    rule = _watched_by(found)
    return {
        "rule": rule.id,
        "rule_version": rule.version,
        "title": rule.title.en,
        "title_zh": rule.title.zh,
        "legal_basis": cited(rule.legal_basis, "en"),
        "legal_basis_zh": cited(rule.legal_basis, "zh"),
    }


def watch_ground_shape(alarms: Sequence[StoredSeriesFinding], at_risk: Money) -> dict[str, Any]:
    """The ground of a flag on a channel as its institution is told of it, in the words of the
    latest month."""
    latest = alarms[-1]
    return watch_shape(latest) | {
        "amount_at_risk": at_risk.to_wire(),
        "explanation": latest.finding.reason.en,
        "explanation_zh": latest.finding.reason.zh,
    }


def _watched_by(found: StoredSeriesFinding) -> WatchRule:
    return WATCH_RULES.in_force(found.finding.channel, business_day(found.found_at))
