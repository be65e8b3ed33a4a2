"""The log that shows who did what, and its sealing: one changed, missing or moved row is found."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import orjson

from shared.ids import new_id
from shared.plumbing.clock import Clock, business_day, to_wire
from shared.plumbing.database import Connection, Pool

EMPTY_HASH = hashlib.sha256(b"").digest()


class Deed(NamedTuple):
    """One act on one subject: who, for which institution, from which state to which.

    `before` and `after` are the bytes of the subject's facts; only their hashes are kept.
    """

    pool_code: str
    at: datetime
    actor: str
    institution_code: str
    request_id: str
    action: str
    subject: str
    from_state: str
    to_state: str
    before: bytes = b""
    after: bytes = b""


class LogRow(NamedTuple):
    """A row of `log` up to `content_hash`: the type `log_row` of the database."""

    month: date
    id: UUID
    pool_code: str
    at: datetime
    actor: str
    institution_code: str
    request_id: str
    action: str
    subject: str
    from_state: str
    to_state: str
    before_hash: bytes
    after_hash: bytes
    content_hash: bytes


def log_row(deed: Deed) -> LogRow:
    """The row of a deed, with the hash of its content."""
    row_id = new_id()
    before = hashlib.sha256(deed.before).digest() if deed.before else EMPTY_HASH
    after = hashlib.sha256(deed.after).digest() if deed.after else EMPTY_HASH
    content = content_hash(
        row_id, deed.pool_code, deed.at, deed.actor, deed.institution_code, deed.request_id,
        deed.action, deed.subject, deed.from_state, deed.to_state, before, after,
    )  # fmt: skip
    return LogRow(
        business_day(deed.at).replace(day=1), row_id, deed.pool_code, deed.at, deed.actor,
        deed.institution_code, deed.request_id, deed.action, deed.subject, deed.from_state,
        deed.to_state, before, after, content,
    )  # fmt: skip


def content_hash(
    row_id: UUID, pool_code: str, at: datetime, actor: str, institution_code: str,
    request_id: str, action: str, subject: str, from_state: str, to_state: str,
    before_hash: bytes, after_hash: bytes,
) -> bytes:  # fmt: skip
    """SHA-256 over a row's content, each field in its place."""
    fields = [
        str(row_id), pool_code, to_wire(at), actor, institution_code, request_id, action, subject,
        from_state, to_state, before_hash.hex(), after_hash.hex(),
    ]  # fmt: skip
    return hashlib.sha256(orjson.dumps(fields)).digest()


INSERT_LOG = """
insert into log (month, id, pool_code, at, actor, institution_code, request_id, action, subject,
                 from_state, to_state, before_hash, after_hash, content_hash)
select * from unnest($1::log_row[])
"""


async def write_log(tx: Connection, deeds: Sequence[Deed]) -> None:
    """Log deeds in the transaction that does them."""
    await tx.execute(INSERT_LOG, [log_row(deed) for deed in deeds])


def block_hash(
    number: int, xid_from: int, xid_until: int, row_count: int, root: bytes, prior_hash: bytes
) -> bytes:
    """The hash of a sealed block, over its place, its rows' root and the block before it."""
    place = f"{number}|{xid_from}|{xid_until}|{row_count}|".encode()
    return hashlib.sha256(place + root + prior_hash).digest()


def block_root(content_hashes: Sequence[bytes]) -> bytes:
    """The root over a block's rows, which are taken in the order of their ids."""
    return hashlib.sha256(b"".join(content_hashes)).digest()


_LAST_BLOCK = """
select number, xid_until::text::bigint as xid_until, hash from sealed_block
order by number desc limit 1
"""
_ROWS_BELOW = """
select content_hash from log where xid >= $1::bigint::text::xid8 and xid < $2::bigint::text::xid8
order by id
"""
_INSERT_BLOCK = """
insert into sealed_block
values ($1, $2::bigint::text::xid8, $3::bigint::text::xid8, $4, $5, $6, $7, $8)
"""


async def seal(pool: Pool, clock: Clock, anchor: Path) -> bool:
    """Close all finished rows into a block and anchor its hash; False if there was none.

    Rows below the snapshot's xmin are finished for good: no running transaction can add one.
    The anchor, a file outside the database, is written first: a database that lost its last
    blocks, or an owner who rewrote them all, disagrees with it.
    """
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("select pg_try_advisory_xact_lock(hashtext('seal'))"):
            return False
        last = await connection.fetchrow(_LAST_BLOCK)
        number, xid_from, prior = (
            (last["number"] + 1, last["xid_until"], last["hash"]) if last else (1, 0, EMPTY_HASH)
        )
        until = await connection.fetchval(
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        )
        if until <= xid_from:
            return False
        hashes = [r["content_hash"] for r in await connection.fetch(_ROWS_BELOW, xid_from, until)]
        if not hashes:
            return False
        root = block_root(hashes)
        sealed = block_hash(number, xid_from, until, len(hashes), root, prior)
        await asyncio.to_thread(_append, anchor, f"{number} {sealed.hex()}\n")
        await connection.execute(
            _INSERT_BLOCK, number, xid_from, until, len(hashes), root, prior, sealed, clock.now()
        )
        return True


def _append(anchor: Path, line: str) -> None:
    with anchor.open("a", encoding="ascii") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


_BLOCKS = """
select number, xid_from::text::bigint as xid_from, xid_until::text::bigint as xid_until, row_count,
       root, prior_hash, hash
from sealed_block order by number
"""
_SEALED_ROWS = """
select id, pool_code, at, actor, institution_code, request_id, action, subject, from_state,
       to_state, before_hash, after_hash, content_hash
from log where xid >= $1::bigint::text::xid8 and xid < $2::bigint::text::xid8 order by id
"""


async def check_seals(
    connection: Connection | asyncpg.Connection[asyncpg.Record], anchor: Path
) -> list[str]:
    """What is not as it was sealed: changed, missing or added rows, blocks, or anchors.

    To be asked when the sealer is idle: between anchoring a block and storing it, it is ahead.
    A block that nobody anchored is told from one that was anchored otherwise: the one is what a
    restore with older anchors looks like, the other an edit. Both are findings, since whoever
    rewrites blocks can also cut their anchors.
    """
    anchored = await asyncio.to_thread(_anchors, anchor)
    faults = []
    number, until, prior = 0, 0, EMPTY_HASH
    for block in await connection.fetch(_BLOCKS):
        if (block["number"], block["xid_from"], block["prior_hash"]) != (number + 1, until, prior):
            faults.append(f"block {block['number']} does not follow block {number}")
        number, until, prior = block["number"], block["xid_until"], block["hash"]
        rows = await connection.fetch(_SEALED_ROWS, block["xid_from"], until)
        faults += [f"row {row['id']} was changed" for row in rows if not _as_written(row)]
        root = block_root([row["content_hash"] for row in rows])
        if (len(rows), root) != (block["row_count"], block["root"]):
            faults.append(f"block {number} does not hold the rows that it sealed")
        place = (number, block["xid_from"], until, block["row_count"], block["root"])
        if block["hash"] != block_hash(*place, block["prior_hash"]):
            faults.append(f"block {number} was changed")
        if number not in anchored:
            faults.append(f"block {number} has no anchor")
        elif block["hash"].hex() not in anchored[number]:
            faults.append(f"block {number} is not the one that was anchored")
    return faults + [f"block {lost} was anchored and is gone" for lost in anchored if lost > number]


def anchors_cut(anchor: Path, copy: Path) -> list[str]:
    """What a copy of the anchors has that they have no longer: nobody may cut them unseen, not
    together with the blocks themselves either."""
    if not copy.exists():
        return [f"there is no copy {copy}"]
    here, kept = _anchors(anchor), _anchors(copy)
    return [
        f"block {number} was anchored otherwise, or its anchor was cut: so says {copy}"
        for number, hashes in kept.items()
        if not hashes <= here.get(number, set())
    ]


def _as_written(row: asyncpg.Record) -> bool:
    *content, kept = row
    return bool(content_hash(*content) == kept)


def _anchors(anchor: Path) -> dict[int, set[str]]:
    """Every hash that was anchored under a number: one more where storing its block failed."""
    anchored: dict[int, set[str]] = {}
    if anchor.exists():
        for line in anchor.read_text(encoding="ascii").splitlines():
            number, _, hashed = line.partition(" ")
            anchored.setdefault(int(number), set()).add(hashed)
    return anchored
