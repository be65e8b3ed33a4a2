"""Ask settlement, in batches, what flagged claims come to without what is disputed of them.

It stands beside everything: no request waits for it, and while settlement does not answer, the
flags keep what their rules took for at risk.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import structlog

from services.audit.actions.price_flags import Open, flags_to_price, note_prices
from services.audit.domain.dispute import AtStake, Dispute
from services.audit.domain.rule import RuleBook
from services.audit.store.money_at_risk import Asked
from shared.money import Money
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.peer import Peer, PeerDown

log = structlog.get_logger()

_BATCH = 200


class MoneyAtRisk:
    """Takes the flags whose money is not known; any number of processes may, twice is once."""

    def __init__(self, pool: Pool, clock: Clock, book: RuleBook, settlement: Peer) -> None:
        self._pool = pool
        self._clock = clock
        self._book = book
        self._settlement = settlement

    async def ask(self) -> None:
        """Ask for all that is open, until none is left or settlement does not answer."""
        found = _BATCH
        while found == _BATCH:
            at = self._clock.now()
            async with transaction(self._pool, [AGENCY]) as tx:
                waiting = await flags_to_price(tx, self._book, _BATCH)
            found = len(waiting)
            if not waiting:
                return
            try:
                answers = await self._answers(waiting)
            except PeerDown:
                log.warning("settlement prices nothing at the moment", flags=found)
                return
            async with transaction(self._pool, [AGENCY]) as tx:
                await note_prices(tx, answers, at)

    async def _answers(self, waiting: list[Open]) -> list[Asked]:
        answers = [Asked(one.flag) for one in waiting if one.dispute is None]
        of_pool: dict[str, list[Open]] = defaultdict(list)
        for one in waiting:
            if one.dispute is not None:
                of_pool[one.flag.pool_code].append(one)
        for pool_code, of_its in of_pool.items():
            items = [_item(one.flag.claim_id, one.dispute) for one in of_its if one.dispute]
            body = {"pool": pool_code, "items": items}
            said = await self._settlement.post("/settlement/v1/prices", body)
            answers += [_asked(one, item) for one, item in zip(of_its, said["items"], strict=True)]
        return answers


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
