"""A flag was decided by two people."""

from __future__ import annotations

from datetime import datetime

from services.audit.domain.flag import Flag, Proposal
from services.audit.told.envelope import envelope
from shared.contracts.flag import FlagDecided
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def flag_decided(flag: Flag, proposal: Proposal, at: datetime) -> Told:
    """The event of a decision; `flag` is the flag decided, `proposal` what was agreed to."""
    event = FlagDecided(
        flag_id=str(flag.flag_id),
        claim_id=str(flag.claim_id),
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        decision=flag.decision,
        outcome=proposal.outcome.value,
        amount=proposal.amount.to_wire(),
        decided_at=to_wire(at),
    )
    return envelope(flag, event, at, "")
