"""Ask a rule of history, without recording anything."""

from __future__ import annotations

from datetime import date

from services.audit.domain.dry_run import Asked, Yield, asked_of_person, yield_of
from services.audit.domain.item_group import GroupsOfPools
from services.audit.domain.month_end import asked_by
from services.audit.domain.rule import Rule
from services.audit.store import history, month_ends
from shared.plumbing.database import Connection


async def dry_run(
    tx: Connection, rule: Rule, groups: GroupsOfPools, pool_code: str, since: date, until: date
) -> Yield:
    """What a rule would have found among the claims of a pool that were settled since a day and
    before another, whatever the days on which it is valid."""
    asked, its = Asked(), groups.of_pool(pool_code)
    async for persons in history.persons_settled(tx, pool_code, since, until):
        counted = {
            c.claim_id: (c, how)
            for claims in persons
            for c in claims
            if (how := asked_by([rule], c))
        }
        clustered = await month_ends.unrecorded(tx, counted)
        for claims in persons:
            asked = asked.plus(asked_of_person(rule, claims, since, until, clustered, its))
    return yield_of(asked, await history.verdicts(tx, pool_code, asked.hits))
