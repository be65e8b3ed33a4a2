"""Take in claims that settlement told of: record those not known yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from services.audit.actions.record_changes import AUDIT
from services.audit.domain.claim import Claim, Reversal
from services.audit.store import claims
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


async def take_in_claims(
    tx: Connection,
    heard: Sequence[Claim],
    reversals: Sequence[Reversal],
    causes: Mapping[UUID, str],
    at: datetime,
) -> list[Claim]:
    """Record claims; returns the new ones. `causes` gives the event that told of each.

    First the persons of all claims that this group settles or reverses are locked: who compares
    them elsewhere sees the group whole or not at all.
    """
    reversed_keys = [(r.pool_code, r.claim_id) for r in reversals]
    persons = {(c.pool_code, c.person_ref) for c in heard}
    await claims.lock_persons(tx, persons | await claims.persons_of(tx, reversed_keys))
    known = await claims.known(tx, [(c.pool_code, c.claim_id) for c in heard])
    new = [c for c in heard if (c.pool_code, c.claim_id) not in known]
    if new:
        await claims.record(tx, new)
        await write_log(tx, [_deed(claim, causes[claim.claim_id], at) for claim in new])
    return new


def _deed(claim: Claim, cause: str, at: datetime) -> Deed:
    return Deed(
        pool_code=claim.pool_code,
        at=at,
        actor=AUDIT,
        institution_code=claim.institution_code,
        request_id=cause,
        action="claim-recorded",
        subject=f"claim:{claim.claim_id}",
        from_state="",
        to_state=claim.status,
        after=orjson.dumps(claim, default=str),
    )
