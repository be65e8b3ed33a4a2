"""All claims that stand, read once from end to end with their facts: for a what-if."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.settlement.domain.adjustment import PRICED_ALONE
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.stay import Stay
from services.settlement.domain.what_if import Borne
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.money import Money
from shared.plumbing.database import Connection

_ROWS = 2000

_PARTS = ("fund", "member", "institution", "other_fund")
_STANDS = ", ".join(f"s.{part}_fen + coalesce(a.{part}_fen, 0) as stands_{part}" for part in _PARTS)
ADJUSTED = ", ".join(f"sum({part}_fen)::bigint as {part}_fen" for part in _PARTS)
"""What a claim's released adjustments, `a` beside `s` its settlement, come to."""
FACTS = f"""s.institution_level, s.settled_at, {_STANDS}, t.*,
       p.institution_code as pregnancy_institution, p.person_ref as pregnancy_person,
       lower(p.period) as period_start, upper(p.period) as period_end, p.delivered_on, p.ended_by,
       p.version as pregnancy_version, i.state::text as state_json, i.as_of
from claim c
join settlement s on s.pool_code = c.pool_code and s.settlement_id = c.settlement_id
join stay t on t.pool_code = s.pool_code and t.stay_id = s.stay_id
left join pregnancy p on p.pool_code = s.pool_code and p.pregnancy_id = s.pregnancy_id
    and p.cancelled_at is null
left join person_state i on i.person_ref = s.person_ref"""
"""A claim's level, amounts and facts: the end of a select, and what it reads from."""
# Half of the claims to each of two processes, and so on: an id's hash says to which.
_STANDING = f"""
select s.benefit as settled_benefit, {FACTS}
left join (
    select pool_code, settlement_id, {ADJUSTED} from adjustment
    where state = 'released' group by 1, 2
) a on a.pool_code = s.pool_code and a.settlement_id = s.settlement_id
where c.state = 'settled' and s.rule_on between $1 and $2 and s.benefit = any($3)
  and abs(uuid_hash(c.settlement_id)::bigint) % $4 = $5
"""  # noqa: S608
_LEFT_OUT = """
select count(*) from claim c join settlement s using (pool_code, settlement_id)
where c.state = 'settled' and s.rule_on between $1 and $2 and s.benefit <> all($3)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A claim that stands: what it comes to with its adjustments, and its facts as known now."""

    benefit: str
    level: int
    settled_at: datetime
    stands: Borne
    stay: Stay
    pregnancy: Pregnancy | None
    person: PersonState | None


async def standing_claims(
    tx: Connection, since: date, until: date, part: int = 0, parts: int = 1
) -> AsyncIterator[list[Stored]]:
    """Batch by batch, in no order, those whose rule's date lies from `since` to `until`, both
    included, and whose price rests on the case alone; of `parts` of them that number `part`, all
    as of one moment."""
    # One pass over whole tables: hashes in memory, not on disk.
    await tx.execute("set local work_mem = '128MB'")
    cursor = await tx.cursor(_STANDING, since, until, PRICED_ALONE, parts, part)
    while rows := await cursor.fetch(_ROWS):
        yield [
            Stored(
                benefit=row["settled_benefit"],
                level=row["institution_level"],
                settled_at=row["settled_at"],
                stands=stands_from_row(row),
                stay=stay_from_row(row),
                pregnancy=pregnancy_from_row(row) if row["pregnancy_version"] else None,
                person=person_from_row(row) if row["state_json"] else None,
            )
            for row in rows
        ]


async def left_out(tx: Connection, since: date, until: date) -> int:
    """How many claims stand whose price rests on other claims too."""
    found: int = await tx.fetchval(_LEFT_OUT, since, until, PRICED_ALONE)
    return found


def stands_from_row(row: Any) -> Borne:
    """Who bears what of a claim, its released adjustments included."""
    return Borne(*(Money(row[f"stands_{part}"]) for part in _PARTS))
