"""Births without a prenatal visit before them, counted at the ends of hospitals' months."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.month_end import Asked
from shared.plumbing.database import Connection

_COUNT = """
select m.pool_code, m.institution_code, m.last, m.days, m.lookback, count(*)::int as births
from (select distinct * from unnest($1::text[], $2::text[], $3::date[], $4::int[], $5::int[])
      as u(pool_code, institution_code, last, days, lookback)) m
join claim c on c.pool_code = m.pool_code and c.institution_code = m.institution_code
    and c.discharged_on > m.last - m.days and c.discharged_on <= m.last
where c.benefit = 'delivery' and c.status = 'settled' and not exists (
    select from claim v
    where v.pool_code = c.pool_code and v.person_ref = c.person_ref and v.benefit = 'prenatal'
      and v.status = 'settled' and v.event_on between c.event_on - m.lookback and c.event_on)
group by 1, 2, 3, 4, 5
"""


async def unrecorded(tx: Connection, asked: Mapping[UUID, tuple[Claim, Asked]]) -> dict[UUID, int]:
    """For each claim how many such births its hospital has at the end of its month, so far:
    one statement for all of them."""
    if not asked:
        return {}
    places = {claim_id: _place(claim, how) for claim_id, (claim, how) in asked.items()}
    rows = await tx.fetch(_COUNT, *(list(column) for column in zip(*places.values(), strict=True)))
    births = {tuple(row)[:-1]: row["births"] for row in rows}
    return {claim_id: births.get(place, 0) for claim_id, place in places.items()}


def _place(claim: Claim, how: Asked) -> tuple[str, str, date, int, int]:
    last = _last_day(claim.discharged_on)
    days = (how.month_end_days, how.lookback_days)
    return (claim.pool_code, claim.institution_code, last, *days)


def _last_day(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
