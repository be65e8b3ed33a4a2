"""Price settled claims again without what is disputed of them; nothing is recorded or told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from uuid import UUID

from services.settlement.domain.disputed import Dispute, PricedAgain, priced_again
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.store import disputed
from shared.plumbing.database import Connection
from shared.policy.book import Book

Shelf = Callable[[Connection, Collection[str]], Awaitable[Mapping[str, Book]]]
"""Archived books by hash; one that was never archived is missing."""

_AT_A_TIME = 25
"""Claims that are priced before others may go on: who settles at a desk waits for none of this."""


async def price_again(
    tx: Connection, pool_code: str, shelf: Shelf, asked: Sequence[tuple[UUID, Dispute]]
) -> list[PricedAgain]:
    """What each disputed claim of a pool would come to, in the order asked."""
    claims = await disputed.claims(tx, pool_code, {claim for claim, _ in asked})
    books = await shelf(tx, {claim.book for claim in claims.values()})
    lines = await disputed.lines(tx, pool_code, [one for one in asked if one[0] in claims])
    priced = []
    for number, (claim_id, dispute) in enumerate(asked):
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        claim = claims.get(claim_id)
        if claim is None:
            unknown = Refused(Refusal.SETTLEMENT_UNKNOWN)
            priced.append(PricedAgain(claim_id, refused=unknown))
            continue
        priced.append(priced_again(claim, dispute, lines.get(claim_id, ()), books.get(claim.book)))
    return priced
