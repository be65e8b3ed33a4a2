"""The envelope of a flag's events: one aggregate, counted by what was told of it."""

from __future__ import annotations

from datetime import datetime

from services.audit.domain.flag import Flag, OnClaim
from shared.contracts.contract import Contract
from shared.plumbing.outbox import Told


def envelope(flag: Flag, event: Contract, at: datetime, causation_id: str) -> Told:
    """An event of a flag; `flag` is the flag after the change that is told."""
    return Told(
        topic=event.topic,
        type=event.type,
        key=str(flag.flag_id),
        aggregate_id=str(flag.flag_id),
        sequence=flag.told,
        pool_code=flag.pool_code,
        at=at,
        data=event.to_bytes(),
        source=f"/audit/{flag.pool_code}",
        subject=f"flags/{flag.flag_id}",
        schema=event.schema_path(),
        causation_id=causation_id,
    )


def subject_of(flag: Flag) -> dict[str, str | None]:
    """What the flag stands on: a claim, or a channel of its institution since a month."""
    if isinstance(flag.subject, OnClaim):
        return {"claim_id": str(flag.subject.claim_id), "channel": None, "month": None}
    return {"claim_id": None, "channel": flag.subject.channel, "month": flag.subject.month}
