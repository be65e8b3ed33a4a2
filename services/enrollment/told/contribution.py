"""A contribution as it is told: income of the one fund."""

from __future__ import annotations

from services.enrollment.domain.posting import Contribution
from shared.contracts.person import ContributionPosted
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def told_contribution(c: Contribution) -> Told:
    """The event of a contribution: told once, keyed by its person."""
    event = ContributionPosted(
        contribution_id=str(c.contribution_id),
        person_ref=c.person_ref,
        pool_code=c.spell.pool_code,
        county_code=c.spell.county_code,
        kind=c.spell.kind.value,
        month=str(c.month),
        base=c.due.base.to_wire(),
        employer=c.due.employer.to_wire(),
        individual=c.due.individual.to_wire(),
        posted_at=to_wire(c.posted_at),
        document=c.citation().document,
        article=c.citation().article,
    )
    return Told(
        topic=event.topic,
        type=event.type,
        key=c.person_ref,
        aggregate_id=event.contribution_id,
        sequence=1,
        pool_code=c.spell.pool_code,
        at=c.posted_at,
        data=event.to_bytes(),
        source=f"/enrollment/{c.spell.pool_code}",
        subject=f"contributions/{event.contribution_id}",
        schema=event.schema_path(),
    )
