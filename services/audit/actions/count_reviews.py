"""Count what reviews made of each rule; those that are seldom confirmed go on trial."""

from __future__ import annotations

from datetime import datetime

import orjson

from services.audit.actions.record_changes import AUDIT
from services.audit.domain.rule_record import RuleRecord
from services.audit.store import rule_records
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


async def count_reviews(
    tx: Connection, pool_code: str, cause: str, at: datetime
) -> set[tuple[str, int]]:
    """Record a pool's counts, and log each rule whose trial begins or ends by them; returns the
    rules on trial, as (rule, version). `cause` names the run."""
    before = await rule_records.of_pool(tx, pool_code)
    now = {(one.rule, one.version): one for one in await rule_records.count(tx, pool_code)}
    await rule_records.lay(tx, pool_code, list(now.values()), at)
    turned = [
        (before.get(key), after)
        for key, after in now.items()
        if after.on_trial != (key in before and before[key].on_trial)
    ]
    await write_log(tx, [_deed(old, new, cause, at) for old, new in turned])
    return {key for key, one in now.items() if one.on_trial}


def _deed(before: RuleRecord | None, after: RuleRecord, cause: str, at: datetime) -> Deed:
    return Deed(
        pool_code=after.pool_code,
        at=at,
        actor=AUDIT,
        institution_code="",
        request_id=cause,
        action="rule-trial-begun" if after.on_trial else "rule-trial-ended",
        subject=f"rule:{after.rule}/{after.version}",
        from_state="trial" if before is not None and before.on_trial else "speaking",
        to_state="trial" if after.on_trial else "speaking",
        before=b"" if before is None else orjson.dumps(before),
        after=orjson.dumps(after),
    )
