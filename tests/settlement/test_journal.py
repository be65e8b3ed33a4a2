"""The sealed log: whatever is changed, removed, moved or cut off afterwards is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from shared.plumbing.database import Pool, open_pool
from shared.plumbing.journal import Deed, anchors_cut, check_seals, seal, write_log
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases


@dataclass
class Sealed:
    """A log of three blocks of three rows."""

    owner: Pool
    service: Pool
    anchor: Path
    clock: FixedClock

    async def log(self, *subjects: str) -> None:
        async with self.service.acquire() as tx, tx.transaction():
            await write_log(tx, [self._deed(subject) for subject in subjects])

    def _deed(self, subject: str) -> Deed:
        return Deed(
            pool_code="000000", at=self.clock.now(), actor="his", institution_code="H1",
            request_id="r", action="settle", subject=subject, from_state="", to_state="settled",
            after=subject.encode(),
        )  # fmt: skip

    async def broken(self) -> list[str]:
        async with self.service.acquire() as connection:
            return await check_seals(connection, self.anchor)


@pytest.fixture
async def sealed(service_databases: ServiceDatabases, tmp_path: Path) -> AsyncIterator[Sealed]:
    dsns = service_databases("settlement")
    owner, service = await open_pool(dsns["owner"]), await open_pool(dsns["service"])
    made = Sealed(owner, service, tmp_path / "anchors", FixedClock())
    for block in range(3):
        await made.log(*(f"claim:{block}{n}" for n in range(3)))
        assert await seal(service, made.clock, made.anchor)
    yield made
    await owner.close()
    await service.close()


async def test_a_log_as_it_was_sealed_is_whole(sealed: Sealed) -> None:
    assert await sealed.broken() == []
    await sealed.log("claim:not-sealed-yet")
    assert await sealed.broken() == []
    assert await sealed.owner.fetchval("select count(*) from sealed_block") == 3


COLUMNS = {
    "pool_code": "'111111'", "at": "at + interval '1 second'", "actor": "'other'",
    "institution_code": "'H2'", "request_id": "'other'", "action": "'reverse'",
    "subject": "'claim:other'", "from_state": "'other'", "to_state": "'reversed'",
    "before_hash": "'\\x00'", "after_hash": "'\\x00'", "content_hash": "'\\x00'",
    "id": "gen_random_uuid()",
}  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_changed_row_is_found(sealed: Sealed, column: str) -> None:
    changed = await sealed.owner.execute(
        f"update log set {column} = {COLUMNS[column]} where subject = 'claim:11'"  # noqa: S608
    )
    assert changed == "UPDATE 1"
    assert await sealed.broken()


@pytest.mark.parametrize(
    ("act", "words"),
    {
        "delete from log where subject = 'claim:11'": "block 2 does not hold the rows",
        # A row is moved to another block, then two rows change places.
        "update log set xid = (select xid from log where subject = 'claim:00')"
        " where subject = 'claim:11'": "block 1 does not hold the rows",
        "update log set id = case subject when 'claim:10' then (select id from log where subject ="
        " 'claim:12') else (select id from log where subject = 'claim:10') end,"
        " month = month + case subject when 'claim:10' then 31 else 0 end"
        " where subject in ('claim:10', 'claim:12')": "was changed",
        "insert into log select month, gen_random_uuid(), pool_code, at, actor, institution_code,"
        " request_id, action, subject, from_state, to_state, before_hash, after_hash,"
        " content_hash, xid from log where subject = 'claim:11'": "block 2 does not hold the rows",
        "delete from sealed_block where number = 3": "block 3 was anchored and is gone",
        "delete from sealed_block where number = 2": "block 3 does not follow",
        "update sealed_block set row_count = 4 where number = 2": "block 2 was changed",
    }.items(),
)  # fmt: skip
async def test_removed_moved_and_cut_off_rows_are_found(
    sealed: Sealed, act: str, words: str
) -> None:
    await sealed.owner.execute(act)
    assert [line for line in await sealed.broken() if words in line], await sealed.broken()


async def test_an_owner_who_rewrites_all_disagrees_with_the_anchor(sealed: Sealed) -> None:
    await sealed.owner.execute("delete from sealed_block")
    await sealed.owner.execute("delete from log where subject = 'claim:22'")
    other = sealed.anchor.with_name("forged")
    assert await seal(sealed.owner, sealed.clock, other)
    assert "block 1 is not the one that was anchored" in await sealed.broken()


async def test_a_crash_between_anchor_and_block_heals_at_the_next_sealing(sealed: Sealed) -> None:
    with sealed.anchor.open("a", encoding="ascii") as file:
        file.write(f"4 {'00' * 32}\n")
    assert await sealed.broken() == ["block 4 was anchored and is gone"]
    sealed.clock.at += timedelta(seconds=1)
    await sealed.log("claim:next")
    assert await seal(sealed.service, sealed.clock, sealed.anchor)
    assert await sealed.broken() == []


async def test_rows_of_a_running_transaction_wait_for_their_block(sealed: Sealed) -> None:
    async with sealed.service.acquire() as tx, tx.transaction():
        await write_log(tx, [sealed._deed("claim:late")])
        await sealed.log("claim:early")
        assert not await seal(sealed.service, sealed.clock, sealed.anchor)
    assert await seal(sealed.service, sealed.clock, sealed.anchor)
    assert await sealed.broken() == []
    assert await sealed.owner.fetchval("select row_count from sealed_block where number = 4") == 2


async def test_an_anchor_that_was_cut_is_told_from_one_that_says_otherwise(sealed: Sealed) -> None:
    first, *_ = sealed.anchor.read_text(encoding="ascii").splitlines(keepends=True)
    sealed.anchor.write_text(first + f"2 {'0' * 64}\n", encoding="ascii")
    assert await sealed.broken() == [
        "block 2 is not the one that was anchored",
        "block 3 has no anchor",
    ]


async def test_blocks_cut_off_together_with_their_anchors_are_found_by_a_copy(
    sealed: Sealed, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    assert anchors_cut(sealed.anchor, copy) == [f"there is no copy {copy}"]
    whole = sealed.anchor.read_text(encoding="ascii")
    copy.write_text(whole, encoding="ascii")
    assert anchors_cut(sealed.anchor, copy) == []
    await sealed.owner.execute("delete from log where xid >= (select xid_from from sealed_block"
                               " where number = 3)")  # fmt: skip
    await sealed.owner.execute("delete from sealed_block where number = 3")
    sealed.anchor.write_text("".join(whole.splitlines(keepends=True)[:2]), encoding="ascii")
    assert await sealed.broken() == []  # beside the database nothing tells of it any more
    said = f"block 3 was anchored otherwise, or its anchor was cut: so says {copy}"
    assert anchors_cut(sealed.anchor, copy) == [said]
