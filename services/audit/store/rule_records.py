"""What reviews made of rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from services.audit.domain.rule_record import RuleRecord
from services.audit.store.rows import insert_rows
from shared.plumbing.database import Connection

# A flag's last decision counts; one that says the records do not tell says nothing of the rule.
_COUNT = """
select f.rule, f.rule_version as version, count(*)::int as reviewed,
       (count(*) filter (where d.verdict = 'confirmed'))::int as confirmed
from (select distinct flag_id, rule, rule_version from finding
      where pool_code = $1 and flag_id is not null) f
join (select distinct on (flag_id) flag_id, verdict from decision
      where pool_code = $1 order by flag_id, number desc) d using (flag_id)
where d.verdict <> 'unclear' group by 1, 2 order by 1, 2
"""
_CLEAR = "delete from rule_record where pool_code = $1"
_OF_POOL = """
select pool_code, rule, version, reviewed, confirmed from rule_record where pool_code = $1
"""
_ON_TRIAL = """
select pool_code, rule, version from rule_record where pool_code = any($1::text[]) and on_trial
"""


async def count(tx: Connection, pool_code: str) -> list[RuleRecord]:
    """Count a pool's decisions, by version of each rule."""
    return [RuleRecord(pool_code, *row) for row in await tx.fetch(_COUNT, pool_code)]


async def lay(tx: Connection, pool_code: str, records: Sequence[RuleRecord], at: datetime) -> None:
    """Lay a pool's records anew."""
    await tx.execute(_CLEAR, pool_code)
    rows = [asdict(one) | {"on_trial": one.on_trial, "counted_at": at} for one in records]
    await insert_rows(tx, "rule_record", rows)


async def of_pool(tx: Connection, pool_code: str) -> dict[tuple[str, int], RuleRecord]:
    """A pool's records as last counted, by rule and version."""
    rows = await tx.fetch(_OF_POOL, pool_code)
    return {(row["rule"], row["version"]): RuleRecord(*row) for row in rows}


async def on_trial(tx: Connection, pools: Collection[str]) -> set[tuple[str, str, int]]:
    """The rules on trial, as (pool, rule, version)."""
    rows = await tx.fetch(_ON_TRIAL, sorted(pools))
    return {(row["pool_code"], row["rule"], row["version"]) for row in rows}
