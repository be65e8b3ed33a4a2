"""The statement about an institution's claims by what was coded."""

from __future__ import annotations

from services.audit.domain.case_mix import Alike
from shared.money import Money
from shared.period import Period
from shared.plumbing.database import Connection

_ALIKE = """
select benefit, diagnoses, procedures, count(*) as cases, sum(total_fen)::bigint as total_fen
from claim
where pool_code = $1 and institution_code = $2 and discharged_on >= $3 and discharged_on < $4
  and status = 'settled'
group by benefit, diagnoses, procedures
"""


async def alike(
    tx: Connection, pool_code: str, institution_code: str, discharged: Period
) -> list[Alike]:
    """What an institution discharged in a period and was not undone since."""
    rows = await tx.fetch(_ALIKE, pool_code, institution_code, discharged.start, discharged.end)
    return [
        Alike(
            row["benefit"], row["diagnoses"], row["procedures"], row["cases"],
            Money(row["total_fen"]),
        )
        for row in rows
    ]  # fmt: skip
