"""Births without a prenatal visit before them, counted at the ends of hospitals' months."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.month_end import Asked
from shared.plumbing.database import Connection

_COUNT = """
select m.pool_code, m.institution_code, m.last, count(*)::int as births
from (select distinct * from unnest($1::text[], $2::text[], $3::date[])
      as u(pool_code, institution_code, last)) m
join claim c on c.pool_code = m.pool_code and c.institution_code = m.institution_code
    and c.discharged_on > m.last - $4::int and c.discharged_on <= m.last
where c.benefit = 'delivery' and c.status = 'settled' and not exists (
    select from claim v
    where v.pool_code = c.pool_code and v.person_ref = c.person_ref and v.benefit = 'prenatal'
      and v.status = 'settled' and v.event_on between c.event_on - $5::int and c.event_on)
group by 1, 2, 3
"""


async def unrecorded(tx: Connection, asked: Mapping[UUID, tuple[Claim, Asked]]) -> dict[UUID, int]:
    """For each claim how many such births its hospital has at the end of its month, so far."""
    alike: dict[Asked, list[Claim]] = defaultdict(list)
    for claim, how in asked.values():
        alike[how].append(claim)
    counted: dict[UUID, int] = {}
    for how, claims in alike.items():
        rows = await tx.fetch(
            _COUNT, [c.pool_code for c in claims], [c.institution_code for c in claims],
            [_last_day(c.discharged_on) for c in claims], how.month_end_days, how.lookback_days,
        )  # fmt: skip
        births = {tuple(row)[:3]: row["births"] for row in rows}
        for c in claims:
            place = (c.pool_code, c.institution_code, _last_day(c.discharged_on))
            counted[c.claim_id] = births.get(place, 0)
    return counted


def _last_day(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
