"""Find who of the universal enrolment list is not insured (应保尽保)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.enrollment.actions.acting import Acting
from services.enrollment.domain.id_number import IdNumber, read_id_number
from services.enrollment.domain.refusals import Refusal, Refused
from services.enrollment.store.persons import insured_on
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


@dataclass(frozen=True, slots=True)
class Gap:
    """Somebody of the list, by the place in it, who is not insured."""

    item: int
    id_number: IdNumber


async def find_gaps(
    tx: Connection, acting: Acting, id_numbers: Sequence[str], on: date
) -> list[Gap] | Refused:
    """Those of a list who are insured nowhere on a day. Of the list nothing is kept."""
    numbers: list[IdNumber] = []
    for item, text in enumerate(id_numbers):
        number = read_id_number(text, acting.today)
        if isinstance(number, Refusal):
            return Refused(number, item)
        numbers.append(number)
    insured = await insured_on(tx, acting.vault, numbers, on)
    gaps = [Gap(item, number) for item, number in enumerate(numbers) if number not in insured]
    found = f"{len(gaps)} of {len(numbers)}"
    subject = f"coverage-gaps:{acting.request_id}"
    await write_log(tx, [acting.deed("find-gaps", subject, "", found)])
    return gaps
