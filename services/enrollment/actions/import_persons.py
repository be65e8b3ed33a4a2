"""Import persons from an employer's list or an older system: each registered, or nobody."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.register_person import Registered, Registration, register_person
from services.enrollment.domain.refusals import Refusal, Refused
from shared.plumbing.database import Connection


async def import_persons(
    tx: Connection, acting: Acting, listed: Sequence[Registration]
) -> list[Registered] | Refused:
    """Register the persons of a list one after the other, in its order."""
    done = []
    for item, asked in enumerate(listed):
        registered = await register_person(tx, acting, asked)
        if isinstance(registered, Refusal):
            return Refused(registered, item)
        done.append(registered)
    return done
