"""Which channels have a new past, by what people decided."""

from __future__ import annotations

from services.audit.domain.baseline import Baseline, first_month
from shared.plumbing.database import Connection

# Limits of agreements have no past. A flag's last decision counts, and of what it was decided on the months that were known then.
_OF_POOL = """
select d.institution_code, d.channel, d.flag_id, d.reason_code, d.by, d.approved_by, d.decided_at,
       f.month, f.window_months
from decision d
join lateral (
    select month, window_months from series_finding s
    where s.pool_code = d.pool_code and s.flag_id = d.flag_id and s.found_at <= d.decided_at
    order by month desc, finding_id desc limit 1) f on true
where d.pool_code = $1 and d.channel not like 'agreement-%' and d.verdict = 'explained'
  and ($2::text[] is null or d.institution_code = any($2))
  and not exists (
    select from decision later where later.pool_code = d.pool_code and later.flag_id = d.flag_id
      and later.number > d.number)
order by d.institution_code, d.channel, d.decided_at
"""


async def of_pool(
    tx: Connection, pool_code: str, institutions: list[str] | None = None
) -> list[Baseline]:
    """The new pasts of a pool's institutions, or of some of them, in the order of deciding."""
    return [
        Baseline(
            institution_code=row["institution_code"],
            channel=row["channel"],
            since=first_month(row["month"], row["window_months"]),
            flag_id=row["flag_id"],
            reason_code=row["reason_code"],
            by=row["by"],
            approved_by=row["approved_by"],
            decided_at=row["decided_at"],
        )
        for row in await tx.fetch(_OF_POOL, pool_code, institutions)
    ]
