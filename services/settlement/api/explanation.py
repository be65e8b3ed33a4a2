"""Sentences for people, rendered from stored steps and amounts alone: no policy is asked again."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import Shares
from services.settlement.domain.steps import Step
from shared.policy.speech import Language

_WORDS = Path(__file__).parent / "words"


@cache
def words(language: Language) -> dict[str, dict[str, str]]:
    """All words of one language, by section and key."""
    tables: dict[str, dict[str, str]] = tomllib.loads(
        (_WORDS / f"{language}.toml").read_text(encoding="utf-8")
    )
    return tables


def explain(steps: Iterable[Step], language: Language) -> list[str]:
    """One sentence a step, each with the article that decided it and what is uncertain of it."""
    return [_cited(step, language) for step in steps]


def explain_settlement(shares: Shares, steps: Iterable[Step], language: Language) -> list[str]:
    """What the receipt shows, what clearing makes of it, and then why, one sentence a step.

    The steps end with what clearing leaves each side; the mother holds the receipt in her hand.
    """
    return [*_receipt(shares, language), *explain(steps, language)]


def explain_reversal(shares: Shares, steps: Iterable[Step], language: Language) -> list[str]:
    """What is taken back, and then why it had been, one sentence a step."""
    undone = shares.negated()
    said = words(language)["receipt"]["undone"]
    spoken = {"fund": undone.desk_fund.to_wire(), "member": undone.desk_member.to_wire()}
    return [said.format_map(spoken), *explain(steps, language)]


def _receipt(shares: Shares, language: Language) -> list[str]:
    said = words(language)["receipt"]
    shown = said["shown_beside_other" if shares.other_fund else "shown"].format(
        total=shares.total.to_wire(),
        fund=shares.desk_fund.to_wire(),
        member=shares.desk_member.to_wire(),
        other_fund=shares.other_fund.to_wire(),
    )
    if shares.fund == shares.desk_fund:
        return [shown]
    keeps = shares.institution.fen < 0
    borne = -shares.institution if keeps else shares.institution
    cleared = said["hospital_keeps" if keeps else "hospital_bears"]
    return [
        shown,
        cleared.format(
            fund=shares.fund.to_wire(),
            desk_fund=shares.desk_fund.to_wire(),
            institution=borne.to_wire(),
        ),
    ]


def refusal_title(refusal: Refusal, language: Language) -> str:
    """The title of a refusal."""
    return words(language)["refusals"][refusal.slug]


def _cited(step: Step, language: Language) -> str:
    of_language = words(language)
    cited = step.citation
    labels = [of_language["labels"][label] for label in cited.label.split(",") if label]
    frame = of_language["frame"]
    return frame["labelled" if labels else "cited"].format(
        sentence=sentence(step, language),
        document_title=cited.document_title,
        article=cited.article,
        labels=frame["label_joint"].join(labels),
    )


_SPOKEN = frozenset(
    {"which", "insurance_type", "item", "mode", "event", "of", "period", "payee", "divisor",
     "circumstance", "employer", "what", "reason"}
)  # fmt: skip
"""Values that are words of the field; the others are figures, dates and the pool's own names."""


def sentence(step: Step, language: Language) -> str:
    """What a step says, without its citation."""
    of_language = words(language)
    words_of_field = of_language["refusals"] | of_language["values"]
    spoken = {}
    for name, value in step.values:
        text = str(value)
        spoken[name] = words_of_field.get(text, text) if name in _SPOKEN else text
    if step.amount is not None:
        spoken["amount"] = step.amount.to_wire()
    return of_language["steps"][step.kind.value].format_map(spoken)
