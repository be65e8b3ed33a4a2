"""Bring persons under the current field key, a batch at a time, while requests go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.enrollment.store.persons import forget_indexes, seal_again
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log
from shared.plumbing.sealed import Vault


@dataclass(frozen=True, slots=True)
class Rotated:
    """What one batch did: persons sealed anew, entries of retired keys deleted."""

    sealed: int
    forgotten: int


async def rotate_keys(
    tx: Connection, vault: Vault, most: int, request_id: str, at: datetime
) -> Rotated:
    """Rotate one batch and log it. Nothing of the run is remembered elsewhere: whatever stopped
    it, the next run finds what is left by its key.
    """
    done = Rotated(await seal_again(tx, vault, most), await forget_indexes(tx, vault, most))
    if done.sealed or done.forgotten:
        await write_log(tx, [_deed(vault, done, request_id, at)])
    return done


def _deed(vault: Vault, done: Rotated, request_id: str, at: datetime) -> Deed:
    return Deed(
        pool_code="",
        at=at,
        actor="operator",
        institution_code="",
        request_id=request_id,
        action="rotate-keys",
        subject=f"field-key:{vault.current}",
        from_state="",
        to_state=f"{done.sealed} sealed, {done.forgotten} entries forgotten",
    )
