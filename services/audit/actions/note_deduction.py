"""Note what settlement says of a decided deduction."""

from __future__ import annotations

from datetime import datetime

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.flag import DeductionAnswer, answer
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claims, flags
from shared.plumbing.database import Connection


class UnknownFlag(Exception):
    """Settlement answers for a flag that audit does not have."""


async def note_deduction(
    tx: Connection, said: DeductionAnswer, cause: str, time_limits: TimeLimits, at: datetime
) -> None:
    """Note that a deduction was taken, refused or released. Raises UnknownFlag."""
    found = await flags.lock(tx, [(said.pool_code, said.flag_id)])
    if not found:
        raise UnknownFlag
    await claims.raise_version(tx, said.pool_code, said.claim_id, said.sequence)
    flag = found[0]
    after = answer(flag, said)
    if after is flag:
        return
    change = Change(flag, after, f"deduction-{said.said}", AUDIT, said.reason, cause, said.amount)
    await record_changes(tx, [change], time_limits, at)
