"""Claims of a stretch of days, person by person, and what reviews came to on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import date
from itertools import groupby
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.reason import Verdict
from services.audit.store.claims import to_claim
from shared.plumbing.database import Connection

_PERSONS_A_PAGE = 500
_PAGE = """
select c.* from claim c
join (select distinct person_ref from claim
      where pool_code = $1 and settled_on >= $2 and settled_on < $3 and person_ref > $4
      order by person_ref limit $5) p using (person_ref)
where c.pool_code = $1 order by c.person_ref, c.settled_at, c.claim_id
"""
_VERDICTS = """
select distinct on (claim_id) claim_id, verdict from decision
where pool_code = $1 and claim_id = any($2::uuid[]) and verdict is not null
order by claim_id, decided_at desc, number desc
"""


async def persons_settled(
    tx: Connection, pool_code: str, since: date, until: date
) -> AsyncIterator[list[list[Claim]]]:
    """All claims of each person of a pool with a claim settled since a day and before another, some
    hundred persons at a time."""
    after = ""
    while rows := await tx.fetch(_PAGE, pool_code, since, until, after, _PERSONS_A_PAGE):
        yield [
            [to_claim(row) for row in those]
            for _, those in groupby(rows, key=lambda row: row["person_ref"])
        ]
        after = rows[-1]["person_ref"]


async def verdicts(tx: Connection, pool_code: str, claims: Collection[UUID]) -> dict[UUID, Verdict]:
    """The latest verdict on each of these claims that was reviewed."""
    rows = await tx.fetch(_VERDICTS, pool_code, list(claims))
    return {row["claim_id"]: Verdict(row["verdict"]) for row in rows}
