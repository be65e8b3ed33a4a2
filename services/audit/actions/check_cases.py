"""Check cases before they are filed, and keep what the hospital says to the warnings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from services.audit.domain.case import Case
from services.audit.domain.check import Warned, WarningAnswer, check
from services.audit.domain.claimed_case import case_of
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.rule import RuleSet, Stage
from services.audit.store import checks, claims, rule_records, snoozes
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


async def check_cases(
    tx: Connection,
    cases: Sequence[Case],
    rule_set: RuleSet,
    groups: ItemGroups,
    stage: Stage,
    on: date,
) -> list[Warned]:
    """Ask the rules of each case on a day, beside the others of the request and those claims of
    the same persons that the wall of `tx` lets through: a hospital is told of its own alone. A case
    named by its stay or claim that is filed already is not compared with itself. `groups` are those
    of the caller's pool."""
    filed = await claims.of_person_refs(tx, {(case.pool, case.person) for case in cases})
    named = {case.case_id for case in cases}
    others = [c for c in filed if c.is_live and named.isdisjoint((str(c.claim_id), c.stay_id))]
    known = [*cases, *(case_of(claim, groups) for claim in others)]
    quiet = await snoozes.muted(tx, {(case.pool, case.institution) for case in cases}, on)
    trial = await rule_records.on_trial(tx, {case.pool for case in cases})
    tried = {(rule, version) for _, rule, version in trial}
    muted = {rule for _, _, rule in quiet} | {
        rule.id for rule in rule_set.rules if (rule.id, rule.version) in tried
    }
    return [check(case, known, rule_set, stage, muted) for case in cases]


async def answer_warnings(
    tx: Connection,
    pool_code: str,
    institution_code: str,
    check_id: UUID,
    said: Sequence[WarningAnswer],
    *,
    by: str,
    request_id: str,
    at: datetime,
) -> None:
    """Keep a hospital's answers to the warnings of one check; what it says again replaces nothing
    and stands beside what it said before."""
    await checks.record(tx, pool_code, institution_code, check_id, said, at)
    deed = Deed(
        pool_code=pool_code,
        at=at,
        actor=by,
        institution_code=institution_code,
        request_id=request_id,
        action="check-answered",
        subject=f"check:{check_id}",
        from_state="",
        to_state="answered",
    )
    await write_log(tx, [deed])
