"""Any one thing of the sealed log is altered, at random: it is found, each time.

What is altered: a row's column, with or without its hash made anew; a row, or a block, or the end of
the log, gone; two rows in each other's place; a row twice or in another block; a block's column.
"""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from shared.plumbing.database import Connection, open_pool
from shared.plumbing.journal import Deed, check_seals, content_hash, seal, write_log
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases

ALTERATIONS = 1000 if os.environ.get("FAULTS") == "long" else 150
BLOCKS, ROWS = 12, 6
SEED = 13
TEXTS = (
    "pool_code", "actor", "institution_code", "request_id", "action", "subject", "from_state",
    "to_state",
)  # fmt: skip
HASHES = ("before_hash", "after_hash", "content_hash")
COLUMNS = (
    "id, pool_code, at, actor, institution_code, request_id, action, subject, from_state,"
    " to_state, before_hash, after_hash"
)


async def test_whatever_is_altered_is_found(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    dsns, clock, anchor = service_databases("settlement"), FixedClock(), tmp_path / "anchors"
    service, owner = await open_pool(dsns["service"]), await open_pool(dsns["owner"], size=2)
    for block in range(BLOCKS):
        async with service.acquire() as tx, tx.transaction():
            await write_log(tx, [_deed(clock, f"claim:{block}-{n}") for n in range(ROWS)])
        assert await seal(service, clock, anchor)
        clock.at += timedelta(minutes=5)
    dice = random.Random(SEED)  # noqa: S311
    async with owner.acquire() as tx:
        assert await check_seals(tx, anchor) == []
        missed = []
        for number in range(ALTERATIONS):
            kind = KINDS[number % len(KINDS)]
            undo = tx.transaction()
            await undo.start()
            changed = await kind(tx, dice)
            if not await check_seals(tx, anchor):
                missed.append(f"{number}: {changed}")
            await undo.rollback()
        assert not missed, missed
        assert await check_seals(tx, anchor) == []
    await service.close()
    await owner.close()


def _deed(clock: FixedClock, subject: str) -> Deed:
    return Deed(
        pool_code="000000", at=clock.now(), actor="his", institution_code="H1", request_id="r",
        action="settle", subject=subject, from_state="", to_state="settled",
        after=subject.encode(),
    )  # fmt: skip


async def _row(tx: Connection, dice: random.Random) -> UUID:
    ids = await tx.fetch("select id from log order by id")
    picked: UUID = dice.choice(ids)["id"]
    return picked


async def _column(tx: Connection, dice: random.Random) -> str:
    """A column of a row says something else."""
    row = await _row(tx, dice)
    column = dice.choice((*TEXTS, *HASHES, "at"))
    if column == "at":
        value: object = dice.choice((-1, 1)) * timedelta(milliseconds=dice.randrange(1, 10**9))
        await tx.execute("update log set at = at + $2 where id = $1", row, value)
    elif column in HASHES:
        await tx.execute(f"update log set {column} = $2 where id = $1", row, dice.randbytes(32))
    else:
        value = f"{dice.randrange(10**6):06d}"
        await tx.execute(f"update log set {column} = $2 where id = $1", row, value)
    return f"{column} of {row}"


async def _forged(tx: Connection, dice: random.Random) -> str:
    """A column says something else, and the row's own hash was made to fit."""
    what = await _column(tx, dice)
    row = UUID(what.rpartition(" ")[2])
    content = await tx.fetchrow(f"select {COLUMNS} from log where id = $1", row)
    assert content is not None
    await tx.execute(
        "update log set content_hash = $2 where id = $1", row,
        content_hash(*content) if "content_hash" not in what else dice.randbytes(32),
    )  # fmt: skip
    return f"forged {what}"


async def _gone(tx: Connection, dice: random.Random) -> str:
    row = await _row(tx, dice)
    await tx.execute("delete from log where id = $1", row)
    return f"{row} is gone"


async def _twice(tx: Connection, dice: random.Random) -> str:
    row = await _row(tx, dice)
    await tx.execute(
        f"insert into log (month, {COLUMNS}, content_hash, xid)"
        f" select month, gen_random_uuid(), {COLUMNS.removeprefix('id, ')}, content_hash, xid"
        " from log where id = $1",
        row,
    )
    return f"{row} is there twice"


async def _moved(tx: Connection, dice: random.Random) -> str:
    """A row stands among those of another block."""
    row = await _row(tx, dice)
    await tx.execute(
        "update log set xid = (select xid from log where xid <>"
        " (select xid from log where id = $1) order by md5(id::text || $2) limit 1) where id = $1",
        row, str(dice.random()),
    )  # fmt: skip
    return f"{row} was moved"


async def _swapped(tx: Connection, dice: random.Random) -> str:
    """Two rows stand in each other's place."""
    rows = await tx.fetch("select id from log order by id")
    one, other = dice.sample([row["id"] for row in rows], 2)
    await tx.execute(
        "update log set id = gen_random_uuid(), actor = $2 where id = $1", one, "aside"
    )
    await tx.execute("update log set id = $2 where id = $1", other, one)
    await tx.execute("update log set id = $1, actor = 'his' where actor = 'aside'", other)
    return f"{one} and {other} were swapped"


async def _block(tx: Connection, dice: random.Random) -> str:
    number = dice.randrange(1, BLOCKS + 1)
    what = dice.choice(
        ("row_count = row_count + 1", "root = sha256(root)", "prior_hash = sha256(prior_hash)",
         "hash = sha256(hash)")
    )  # fmt: skip
    await tx.execute(f"update sealed_block set {what} where number = $1", number)
    return f"block {number}: {what}"


async def _cut_off(tx: Connection, dice: random.Random) -> str:
    """The end of the log is gone, rows and blocks alike, as if it had never been."""
    number = dice.randrange(1, BLOCKS + 1)
    await tx.execute(
        "delete from log where xid::text::bigint >="
        " (select xid_from::text::bigint from sealed_block where number = $1)",
        number,
    )
    await tx.execute("delete from sealed_block where number >= $1", number)
    return f"cut off from block {number} on"


KINDS: tuple[Callable[[Connection, random.Random], Awaitable[str]], ...] = (
    _column, _forged, _gone, _twice, _moved, _swapped, _block, _cut_off,
)  # fmt: skip
