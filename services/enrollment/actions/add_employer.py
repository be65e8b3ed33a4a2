"""Add an employer to a pool."""

from __future__ import annotations

from services.enrollment.actions.acting import Acting
from services.enrollment.domain.employer import Employer
from services.enrollment.domain.refusals import Refusal
from services.enrollment.store.employers import insert_employer
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


async def add_employer(tx: Connection, acting: Acting, employer: Employer) -> Employer | Refusal:
    """Write an employer under the agency's number, which is given once."""
    if not await insert_employer(tx, employer, acting.at):
        return Refusal.EMPLOYER_KNOWN
    subject = f"employer:{employer.employer_ref}"
    await write_log(tx, [acting.deed("add-employer", subject, "", employer.kind.value)])
    return employer
