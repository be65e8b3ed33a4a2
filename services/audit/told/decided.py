"""A flag was decided by two people."""

from __future__ import annotations

from datetime import datetime

from services.audit.domain.flag import Flag, Proposal
from services.audit.domain.reason import Verdict
from services.audit.told.envelope import envelope, subject_of
from shared.contracts.flag import FlagDecided, LineAmount
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def flag_decided(flag: Flag, proposal: Proposal, verdict: Verdict, at: datetime) -> Told:
    """The event of a decision; `flag` is the flag decided, `proposal` what was agreed to."""
    event = FlagDecided(
        flag_id=str(flag.flag_id),
        **subject_of(flag),
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        decision=flag.decision,
        outcome=proposal.outcome.value,
        amount=proposal.amount.to_wire(),
        decided_at=to_wire(at),
        verdict=verdict.value,
        lines=[
            LineAmount(line_number=line.line_number, amount=line.amount.to_wire())
            for line in proposal.lines
        ],
    )
    return envelope(flag, event, at, "")
