"""Tell audit what hospitals did about its warnings: kept when said, told when audit is up."""

from __future__ import annotations

import structlog

from services.settlement.domain.warning import WarningReply
from services.settlement.store import warnings
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.peer import Peer, PeerDown, PeerRefused

log = structlog.get_logger()

_BATCH = 50


class WarningReplies:
    """Passes them on one by one. Told twice they are one there: the key is their own id."""

    def __init__(self, pool: Pool, clock: Clock, audit: Peer) -> None:
        self._pool = pool
        self._clock = clock
        self._audit = audit

    async def tell(self) -> None:
        """Tell what was not told yet, until audit does not answer: the rest then goes later."""
        async with transaction(self._pool, [AGENCY]) as tx:
            waiting = await warnings.unsent(tx, _BATCH)
        for one in waiting:
            try:
                not_taken = await self._tell(one)
            except PeerDown:
                return
            async with transaction(self._pool, [AGENCY]) as tx:
                await warnings.mark_sent(tx, one, self._clock.now(), not_taken)

    async def _tell(self, one: WarningReply) -> str | None:
        answer = {"case_ref": one.case_ref, "rule": one.rule, "way": one.way.value}
        body = {
            "asked_for": {"pool_code": one.pool_code, "institution_code": one.institution_code},
            "answers": [answer | ({"reason": one.reason} if one.reason else {})],
        }
        path = f"/audit/v1/checks/{one.check_id}/feedback:for-hospital"
        try:
            await self._audit.post(path, body, key=f"warning-reply-{one.reply_id}")
        except PeerRefused as refused:
            log.error("audit takes no such answer to a warning", refused=refused.code)
            return refused.code
        return None
