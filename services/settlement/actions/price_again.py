"""Price settled claims again without what is disputed of them; nothing is recorded or told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from uuid import UUID

from services.settlement.domain.disputed import Dispute, PricedAgain, comparable, priced_again
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
    unknown = Refused(Refusal.SETTLEMENT_UNKNOWN)
    under: dict[UUID, Book | Refusal] = {}
    priced = []
    for number, (claim_id, dispute) in enumerate(asked):
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        claim = claims.get(claim_id)
        if claim is None:
            priced.append(PricedAgain(claim_id, refused=unknown))
            continue
        if claim_id not in under:
            under[claim_id] = comparable(claim, books.get(claim.book))
        book = under[claim_id]
        if isinstance(book, Refusal):
            priced.append(PricedAgain(claim_id, refused=Refused(book)))
        else:
            priced.append(priced_again(claim, dispute, lines.get(claim_id, ()), book))
    return priced
