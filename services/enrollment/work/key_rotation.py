"""The rotation of field keys: batch after batch, each in a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

from services.enrollment.actions.rotate_keys import rotate_keys
from services.enrollment.store.persons import check_keys, count_under_other_keys
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.sealed import Vault

_BATCH = 200
_LOCKED_SECONDS = 0.1


async def run_rotation(
    owner: Pool, vault: Vault, clock: Clock, done: Callable[[int, int], None], batch: int = _BATCH
) -> None:
    """Rotate until every person is under the current key; `done` hears what each batch did.

    Small batches: a request that changes one of their persons waits for the batch at most. May be
    stopped at any moment and started again. Raises as `check_keys` does.
    """
    request_id = uuid4().hex
    async with owner.acquire() as connection:
        await check_keys(connection, vault)
    while True:
        async with transaction(owner, [AGENCY]) as tx:
            rotated = await rotate_keys(tx, vault, batch, request_id, clock.now())
            left = 0 if rotated.sealed else await count_under_other_keys(tx, vault)
        done(rotated.sealed, rotated.forgotten)
        if not rotated.sealed and not rotated.forgotten:
            if not left:
                return
            await asyncio.sleep(_LOCKED_SECONDS)  # somebody holds the last ones
