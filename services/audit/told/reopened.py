"""A flag opened again."""

from __future__ import annotations

from datetime import datetime

from services.audit.domain.flag import Flag
from services.audit.told.envelope import envelope, subject_of
from shared.contracts.flag import FlagReopened
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def flag_reopened(flag: Flag, reason: str, at: datetime, causation_id: str) -> Told:
    """The event of a flag that people must look at again; `reason` is a code, no free text."""
    event = FlagReopened(
        flag_id=str(flag.flag_id),
        **subject_of(flag),
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        reason=reason,
        reopened_at=to_wire(at),
    )
    return envelope(flag, event, at, causation_id)
