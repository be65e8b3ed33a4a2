"""Events of a test: told into an outbox as any service tells them."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.plumbing.database import Connection
from shared.plumbing.outbox import Told, tell

TOPIC = "maternity.enrollment.person-state.v1"
AT = datetime(2024, 3, 28, 2, 0, tzinfo=UTC)


def event(key: str, sequence: int, *, topic: str = TOPIC, data: bytes = b"{}") -> Told:
    """The event number `sequence` of an aggregate that is named like its key."""
    return Told(
        topic=topic, type="enrollment.person.state-changed", key=key, aggregate_id=key,
        sequence=sequence, pool_code="000000", at=AT, data=data, source="/enrollment/000000",
        subject=f"persons/{key}", schema="person_state/v1.json",
    )  # fmt: skip


async def tell_numbers(tx: Connection, key: str, *sequences: int, topic: str = TOPIC) -> None:
    """Tell these numbers of one key, in this order."""
    await tell(tx, [event(key, sequence, topic=topic) for sequence in sequences])
