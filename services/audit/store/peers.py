"""Statements about the claims that one is held beside."""

from __future__ import annotations

from services.audit.domain.claim import Claim, ClaimStatus
from services.audit.domain.peers import ENOUGH, Peers, Places, year_before
from shared.money import Money
from shared.plumbing.database import Connection

PEERS = """
select count(*) as n, count(*) filter (where total_fen < $7) as below,
       percentile_disc(array[0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]) within group (order by total_fen) as places
from claim
where pool_code = $1 and benefit = $2 and institution_level = $3 and event_on between $4 and $5
  and mode is not distinct from $6 and status = $8 and claim_id <> $9
"""


async def of_claim(tx: Connection, claim: Claim) -> Peers:
    """The peers of a claim that stand today."""
    since, until = year_before(claim)
    row = await tx.fetchrow(
        PEERS, claim.pool_code, claim.benefit, claim.institution_level, since, until, claim.mode,
        claim.parts.total.fen, ClaimStatus.SETTLED, claim.claim_id,
    )  # fmt: skip
    assert row is not None  # noqa: S101 - a count is always answered
    if row["n"] < ENOUGH:
        return Peers(row["n"], row["below"], None)
    return Peers(row["n"], row["below"], Places(*(Money(fen) for fen in row["places"])))
