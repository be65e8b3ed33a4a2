"""A dry run: what a rule would have found in a stretch of history, and what reviewers said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.claimed_case import case_of
from services.audit.domain.finding import ask
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.reason import Verdict
from services.audit.domain.rule import Rule
from shared.money import NOTHING, Money


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule said of some claims: how many were asked, of how many it was silent for want of a
    fact, and the money at risk of each that it hit."""

    claims: int = 0
    silent: int = 0
    hits: Mapping[UUID, Money] = field(default_factory=dict)

    def plus(self, more: Asked) -> Asked:
        """Both together."""
        return Asked(
            self.claims + more.claims, self.silent + more.silent, {**self.hits, **more.hits}
        )


@dataclass(frozen=True, slots=True)
class Yield:
    """What a dry run comes to. Of the `hits`, `reviewed` were decided by people for whatever reason
    they had been flagged, `confirmed` of these as wrong: the rule's precision, as far as it is
    known."""

    claims: int
    silent: int
    hits: int
    at_risk: Money
    reviewed: int
    confirmed: int


def asked_of_person(
    rule: Rule, claims: Sequence[Claim], since: date, until: date,
    clustered: Mapping[UUID, int], groups: ItemGroups,
) -> Asked:  # fmt: skip
    """Ask a rule of each claim of a person that was settled in a stretch of days, `until` not
    included, beside all of them; `clustered` is what was counted for claims (`month_end`),
    `groups` are those of their pool."""
    live = [claim for claim in claims if claim.is_live]
    cases = [
        replace(case_of(claim, groups), month_end_unrecorded=clustered.get(claim.claim_id))
        for claim in live
    ]
    answers = {
        claim.claim_id: ask(rule, case, cases)
        for claim, case in zip(live, cases, strict=True)
        if since <= claim.settled_on < until
    }
    return Asked(
        claims=len(answers),
        silent=sum(answer is None for answer in answers.values()),
        hits={
            claim_id: max((hit.at_risk for hit in answer), default=NOTHING)
            for claim_id, answer in answers.items()
            if answer
        },
    )


def yield_of(asked: Asked, verdicts: Mapping[UUID, Verdict]) -> Yield:
    """What was found, beside the latest verdict on each claim that has one."""
    known = [verdicts[claim_id] for claim_id in asked.hits if claim_id in verdicts]
    return Yield(
        claims=asked.claims,
        silent=asked.silent,
        hits=len(asked.hits),
        at_risk=Money.total(asked.hits.values()),
        reviewed=len(known),
        confirmed=sum(verdict is Verdict.CONFIRMED for verdict in known),
    )
