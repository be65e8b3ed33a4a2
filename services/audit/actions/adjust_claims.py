"""Adjust claims: what they come to after settlement priced them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.audit.actions.record_changes import AUDIT
from services.audit.actions.reverse_claims import UnknownClaim
from services.audit.domain.claim import Adjustment, ClaimStatus
from services.audit.store import claims
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


async def adjust_claims(
    tx: Connection,
    adjustments: Sequence[Adjustment],
    causes: Mapping[Adjustment, str],
    at: datetime,
) -> None:
    """Add adjustments to their claims, in the order in which they were told. Raises UnknownClaim.

    `causes` gives the event that told of each.
    """
    keys = [(a.pool_code, a.claim_id) for a in adjustments]
    if len(await claims.known(tx, keys)) < len(set(keys)):
        raise UnknownClaim
    deeds = []
    for adjustment in adjustments:
        institution_code = await claims.adjust(tx, adjustment)
        if institution_code is not None:
            deeds.append(
                Deed(
                    pool_code=adjustment.pool_code,
                    at=at,
                    actor=AUDIT,
                    institution_code=institution_code,
                    request_id=causes[adjustment],
                    action="claim-adjusted",
                    subject=f"claim:{adjustment.claim_id}",
                    from_state=ClaimStatus.SETTLED,
                    to_state=ClaimStatus.SETTLED,
                )
            )
    await write_log(tx, deeds)
