"""One event as a consumer meets it, from whichever bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes at a place in a topic, with their headers, nothing decoded yet."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """A record whose CloudEvents attributes were read: at least once, in order per key."""

    id: UUID
    type: str
    key: str
    sequence: int
    record: Record


class Source(Protocol):
    """Where a consumer takes its records from."""

    async def take(self) -> list[Record]:
        """The next records, in order per partition; empty after a short wait without any."""
        ...

    async def done(self) -> None:
        """All records taken so far had their effect: never deliver them to this group again."""
        ...

    async def again(self) -> None:
        """The last records had no effect: deliver them again."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Undecodable(Exception):
    """The record's headers are not those of an event."""


def read_event(record: Record) -> Event:
    """Read the CloudEvents attributes of a record. Raises Undecodable."""
    try:
        return Event(
            id=UUID(record.headers["ce_id"]),
            type=record.headers["ce_type"],
            key=record.key,
            sequence=int(record.headers["ce_sequence"]),
            record=record,
        )
    except (KeyError, ValueError) as error:
        raise Undecodable(str(type(error).__name__)) from error
