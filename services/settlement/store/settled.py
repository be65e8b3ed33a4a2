"""Statements that find settled claims again with the facts that they rest on, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.settlement.domain.adjustment import Adjustment
from services.settlement.domain.care import Care, Waiting
from services.settlement.domain.entitled import Entitlement
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Stay
from services.settlement.store import adjustments, care, entitlements
from services.settlement.store.ledger import settlement_from_row
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import PREGNANCY_COLUMNS, pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.ids import NO_ID
from shared.plumbing.database import Connection
from shared.policy.shapes import Benefit


@dataclass(frozen=True, slots=True)
class Settled:
    """A live claim at its event number `sequence`, its facts as they are known now, and what was
    proposed beside it, what it opened; of a visit also the care that it belongs to, and what `waits` there."""

    settlement: Settlement
    sequence: int
    stay: Stay
    pregnancy: Pregnancy | None
    person: PersonState | None
    beside: Sequence[Adjustment]
    entitlements: Sequence[Entitlement]
    care: Care | None = None
    waits: Waiting = field(default_factory=dict)


# Later visits of a pregnancy follow those that are looked at: they share its limits.
_LIVE = """
select s.*, c.sequence from claim c join settlement s using (pool_code, settlement_id)
where c.pool_code = $1 and c.state = 'settled' and c.settlement_id > $2
  and (s.rule_on between $3 and $4 or s.benefit = 'prenatal' and exists (
      select from claim e join settlement f using (pool_code, settlement_id)
      where e.pool_code = c.pool_code and e.pregnancy_id = c.pregnancy_id and e.state = 'settled'
        and e.visit is not null and e.settlement_id < c.settlement_id
        and f.rule_on between $3 and $4))
"""
_IN_ORDER = "order by c.settlement_id limit $5"
# A person's claims are those of her pregnancies, found by the hash that keeps them apart, and those
# of no pregnancy.
_OF_PERSON = """
  and c.settlement_id in (
      select h.settlement_id from pregnancy p join settlement h using (pool_code, pregnancy_id)
      where p.pool_code = $1 and hashtextextended(p.person_ref, 0) = hashtextextended($6::text, 0)
        and p.person_ref = $6
      union all
      select h.settlement_id from settlement h
      where h.pool_code = $1 and h.person_ref = $6 and h.pregnancy_id is null)
"""
LIVE = _LIVE + _IN_ORDER
LIVE_OF_PERSON = _LIVE + _OF_PERSON + _IN_ORDER
_STAYS = "select * from stay where pool_code = $1 and stay_id = any($2)"
_PREGNANCIES = f"""
select {PREGNANCY_COLUMNS} from pregnancy where pool_code = $1 and pregnancy_id = any($2)
"""  # noqa: S608
_PERSONS = "select state::text as state_json, as_of from person_state where person_ref = any($1)"
# In the order of all who lock several claims.
_LOCK = """
select c.settlement_id from claim c
join unnest($2::uuid[], $3::bigint[]) seen(settlement_id, sequence) using (settlement_id, sequence)
where c.pool_code = $1 and c.state = 'settled' order by c.settlement_id for share of c
"""


async def live(
    tx: Connection,
    pool_code: str,
    since: date,
    until: date,
    *,
    person_ref: str = "",
    after: UUID = NO_ID,
    limit: int,
) -> list[Settled]:
    """Claims that stand, whose rule's date lies from `since` to `until`, both included; of one
    person, or of all (`person_ref` empty); and the visits that were settled after such a visit of
    the same pregnancy. In the order of their ids, which is that of settling, beyond `after`."""
    asked = (pool_code, after, since, until, limit)
    if person_ref:
        rows = await tx.fetch(LIVE_OF_PERSON, *asked, person_ref)
    else:
        rows = await tx.fetch(LIVE, *asked)
    stays = await tx.fetch(_STAYS, pool_code, [row["stay_id"] for row in rows])
    pregnancies = await tx.fetch(_PREGNANCIES, pool_code, [row["pregnancy_id"] for row in rows])
    persons = await tx.fetch(_PERSONS, [row["person_ref"] for row in rows])
    stay_of = {row["stay_id"]: stay_from_row(row) for row in stays}
    pregnancy_of = {row["pregnancy_id"]: pregnancy_from_row(row) for row in pregnancies}
    person_of = {p.person_ref: p for p in map(person_from_row, persons)}
    beside = await adjustments.of_claims(tx, pool_code, [row["settlement_id"] for row in rows])
    opened = await entitlements.of_settlements(tx, pool_code, [r["settlement_id"] for r in rows])
    visits = [row["pregnancy_id"] for row in rows if row["benefit"] == Benefit.PRENATAL]
    cares = await care.of_pregnancies(tx, pool_code, visits)
    return [
        Settled(
            settlement_from_row(row),
            row["sequence"],
            stay_of[row["stay_id"]],
            pregnancy_of.get(row["pregnancy_id"]),
            person_of.get(row["person_ref"]),
            beside.get(row["settlement_id"], ()),
            opened.get(row["settlement_id"], ()),
            *(cares[row["pregnancy_id"]] if row["benefit"] == Benefit.PRENATAL else ()),
        )
        for row in rows
    ]


async def hold(tx: Connection, pool_code: str, claims: Sequence[Settled]) -> bool:
    """Keep claims from moving until the transaction ends; False when one moved since it was read."""
    rows = await tx.fetch(
        _LOCK,
        pool_code,
        [claim.settlement.settlement_id for claim in claims],
        [claim.sequence for claim in claims],
    )
    return len(rows) == len(claims)
