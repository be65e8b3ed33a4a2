"""What a rule in shadow finds is kept, and nobody is asked about it; what lacks a fact is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.audit.domain.library import Library, read_library
from services.audit.domain.rule import Mode, RuleBook
from services.audit.heard.claim import claim_handler
from shared.plumbing.inbox import Inbox
from tests.audit.conftest import CONSUMER, Audit, FixedClock
from tests.audit.events import Telling


def in_shadow(rule_id: str) -> Library:
    """The rules that ship, one of them in shadow."""
    shipped = read_library()
    rules = tuple(
        rule.model_copy(update={"mode": Mode.SHADOW}) if rule.id == rule_id else rule
        for rule in shipped.rules.rules
    )
    return replace(shipped, rules=RuleBook(rules, shipped.rules.groups))


@pytest.mark.parametrize(("shadow", "flags"), [("duplicate-claim", 0), ("split-stay", 1)])
async def test_a_shadow_finding_raises_no_flag(audit: Audit, shadow: str, flags: int) -> None:
    handler = claim_handler(FixedClock(), in_shadow(shadow))
    heard = replace(audit, inbox=Inbox(CONSUMER, audit.pool, audit.source, handler, FixedClock()))
    first, second = Telling(born="2026-01-01"), Telling(born="2026-01-03")
    await heard.hear(first.settled(), second.settled())
    assert len(await heard.flags()) == flags
    rows = await audit.owner.fetch(
        "select rule, shadow, flag_id is null as unflagged from finding order by rule"
    )
    assert [tuple(row) for row in rows] == [("duplicate-claim", not flags, not flags)]
    before = await audit.contents()
    await heard.replay()
    assert await audit.contents() == before
    await heard.hear(first.reversed())


async def test_rules_that_lack_a_fact_are_named(audit: Audit) -> None:
    claim = Telling()
    await audit.hear(claim.settled())
    [judged] = (await audit.client("r1").get(f"/claims/{claim.claim_id}")).json()["judgements"]
    assert {"male-delivery", "age-of-person", "bed-days-beyond-stay"} <= set(judged["silent"])
    assert "duplicate-claim" not in judged["silent"]
    assert await audit.flags() == []
