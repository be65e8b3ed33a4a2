"""Import persons from an employer's list or an older system: each registered, or nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.register_person import (
    Registered,
    Registration,
    register_persons,
)
from services.enrollment.domain.refusals import Refused
from shared.plumbing.database import Connection


async def import_persons(
    tx: Connection, acting: Acting, listed: Sequence[Registration]
) -> list[Registered] | Refused:
    """Register the persons of a list in its order."""
    done: list[Registered] = []
    for those in _apart(listed):
        registered = await register_persons(tx, acting, those)
        if isinstance(registered, Refused):
            return Refused(registered.refusal, len(done) + registered.item)
        done += registered
    return done


def _apart(listed: Sequence[Registration]) -> Iterator[list[Registration]]:
    """The list in its order, cut where an ID number comes again: that is then somebody known."""
    those: list[Registration] = []
    numbers: set[str] = set()
    for asked in listed:
        if asked.id_number in numbers:
            yield those
            those, numbers = [], set()
        those.append(asked)
        numbers.add(asked.id_number)
    yield those
