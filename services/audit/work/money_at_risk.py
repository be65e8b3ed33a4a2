"""Ask settlement, in batches, what flagged claims come to without what is disputed of them.

It stands beside everything: no request waits for it, and while settlement does not answer, the
flags keep what their rules took for at risk.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.audit.actions.price_flags import Open, flags_to_price, note_prices
from services.audit.domain.dispute import AtStake, Dispute
from services.audit.domain.rule import RuleBook
from services.audit.store.money_at_risk import Asked
from shared.money import Money
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.peer import Peer, PeerDown, PeerRefused

log = structlog.get_logger()

_BATCH = 200
# More of them have settlement to blame, not themselves; in which order they come is then all one.
_BEHIND_MAX = 5 * _BATCH


class MoneyAtRisk:
    """Takes the flags whose money is not known; any number of processes may, twice is once.

    A batch that gets no answer in time would get none the next time either: the next one is half
    as large, and grows again with every answer. Its flags go behind all others, which wait no
    longer for one that settlement has no answer to.
    """

    def __init__(self, pool: Pool, clock: Clock, book: RuleBook, settlement: Peer) -> None:
        self._pool = pool
        self._clock = clock
        self._book = book
        self._settlement = settlement
        self._most = _BATCH
        self._behind: list[UUID] = []

    async def ask(self) -> None:
        """Ask for all that is open, until none is left or settlement does not answer."""
        more = True
        while more:
            async with transaction(self._pool, [AGENCY]) as tx:
                waiting = await flags_to_price(tx, self._book, self._most, self._behind)
            more = len(waiting) == self._most
            try:
                await self._ask_and_note(waiting)
            except PeerDown:
                log.warning("settlement prices nothing at the moment", flags=len(waiting))
                return
            self._most = min(_BATCH, 2 * self._most)

    async def _ask_and_note(self, waiting: list[Open]) -> None:
        """What one pool was answered is kept, whatever becomes of the next one's question."""
        of_pool: dict[str, list[Open]] = defaultdict(list)
        for one in waiting:
            if one.gone:
                log.warning("no such rule any more", rules=one.gone, flag=str(one.flag.flag_id))
            if one.dispute is not None:
                of_pool[one.flag.pool_code].append(one)
        await self._note(
            [Asked(one.flag) for one in waiting if one.dispute is None], self._clock.now()
        )
        for pool_code, of_its in of_pool.items():
            at = self._clock.now()
            try:
                answers = await self._priced(pool_code, of_its)
            except Exception:  # whatever it is, it must not come first again
                self._put_behind(of_its)
                raise
            await self._note(answers, at)
            self._forget(of_its)

    def _put_behind(self, some: list[Open]) -> None:
        self._forget(some)
        self._behind = [*self._behind, *(one.flag.flag_id for one in some)][-_BEHIND_MAX:]
        self._most = max(1, len(some) // 2)

    def _forget(self, some: list[Open]) -> None:
        ids = {one.flag.flag_id for one in some}
        self._behind = [one for one in self._behind if one not in ids]

    async def _note(self, answers: list[Asked], at: datetime) -> None:
        if answers:
            async with transaction(self._pool, [AGENCY]) as tx:
                await note_prices(tx, answers, at)

    async def _priced(self, pool_code: str, some: list[Open]) -> list[Asked]:
        """What settlement says of each; of a batch that it will not take, its halves are asked,
        so that one claim which it cannot read does not stand in the way of the others for ever."""
        items = [_item(one.flag.claim_id, one.dispute) for one in some if one.dispute]
        try:
            said = await self._settlement.post(
                "/settlement/v1/prices", {"pool": pool_code, "items": items}
            )
        except PeerRefused as refused:
            if len(some) == 1:
                log.warning("settlement takes no such question", refused=refused.code)
                return [Asked(some[0].flag, refused=refused.code)]
            half = len(some) // 2
            first = await self._priced(pool_code, some[:half])
            return first + await self._priced(pool_code, some[half:])
        return [_asked(one, item) for one, item in zip(some, said["items"], strict=True)]


def _item(claim_id: object, dispute: Dispute) -> dict[str, Any]:
    item: dict[str, Any] = {
        "settlement_id": str(claim_id),
        "less": [
            {"item_code": code, "amount": amount.to_wire()}
            for code, amount in sorted(dispute.less.items())
        ],
    }
    return item | ({"corrected": {"mode": dispute.mode}} if dispute.mode else {})


def _asked(one: Open, said: dict[str, Any]) -> Asked:
    """Where the law would pay none of it as disputed, all that the claim came to is at stake."""
    parts = said["difference"] or said["settled"]
    if parts is None:
        return Asked(one.flag, refused=said["refused"]["code"])
    fund, member, institution = (
        Money.from_wire(parts[name]) for name in ("fund", "member", "institution")
    )
    return Asked(one.flag, AtStake(fund, member, institution, said["book"]))
