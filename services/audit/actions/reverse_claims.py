"""Reverse claims, and look at the flags that stood on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.claim import ClaimStatus, Reversal
from services.audit.domain.flag import FlagState, ground_gone
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claims, findings, flags
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log


class UnknownClaim(Exception):
    """A reversal came without its claim: the claim's own event lies among the dead letters."""


async def reverse_claims(
    tx: Connection, reversals: Sequence[Reversal], causes: Mapping[UUID, str],
    time_limits: TimeLimits, at: datetime,
) -> None:  # fmt: skip
    """Mark claims reversed; flags without ground close, or open again. Raises UnknownClaim.

    `causes` gives the event that told of each reversal, by claim.
    """
    keys = [(r.pool_code, r.claim_id) for r in reversals]
    if len(await claims.known(tx, keys)) < len(set(keys)):
        raise UnknownClaim
    undone = await claims.reverse(tx, reversals)
    if not undone:
        return
    await write_log(
        tx,
        [
            Deed(
                pool_code=pool_code,
                at=at,
                actor=AUDIT,
                institution_code=institution_code,
                request_id=causes[claim_id],
                action="claim-reversed",
                subject=f"claim:{claim_id}",
                from_state=ClaimStatus.SETTLED,
                to_state=ClaimStatus.REVERSED,
            )
            for pool_code, claim_id, institution_code in undone
        ],
    )
    await _look_at_flags(tx, [(pool, claim) for pool, claim, _ in undone], causes, time_limits, at)


async def _look_at_flags(
    tx: Connection, undone: Sequence[tuple[str, UUID]], causes: Mapping[UUID, str],
    time_limits: TimeLimits, at: datetime,
) -> None:  # fmt: skip
    groundless = await findings.groundless_flags(tx, undone)
    if not groundless:
        return
    changes = []
    for flag in await flags.lock(tx, [(pool, flag) for pool, flag, _ in groundless]):
        after = ground_gone(flag)
        if after is flag:
            continue
        own = (flag.pool_code, flag.claim_id) in undone
        cause = next(c for pool, f, c in groundless if (pool, f) == (flag.pool_code, flag.flag_id))
        changes.append(
            Change(
                before=flag,
                after=after,
                step="closed" if after.state is FlagState.CLOSED else "reopened",
                by=AUDIT,
                reason="claim-reversed" if own else "rival-reversed",
                cause=causes[cause],
            )
        )
    await record_changes(tx, changes, time_limits, at)
