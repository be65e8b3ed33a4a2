"""Field keys change while the service works: nobody is lost, nobody is registered twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from cryptography.exceptions import InvalidTag

from services.enrollment.work.key_rotation import run_rotation
from shared.plumbing.clock import SystemClock
from shared.plumbing.database import open_pool
from shared.plumbing.field_keys import read_keys
from shared.plumbing.sealed import KeyNotHeld, Vault
from tests.enrollment.conftest import (
    Enrollment,
    credentials,
    id_number,
    registration,
    serving,
)
from tests.support.postgres import ServiceDatabases

OLD, NEW = "1:" + "0123456789abcdef" * 2, "2:" + "fedcba9876543210" * 2
OLD_FIRST, NEW_FIRST = f"{OLD},{NEW}", f"{NEW},{OLD}"
BEFORE, DURING = 40, 40


class Process:
    """Starts the service with other keys on the same database, as a rolling restart does."""

    def __init__(self, dsns: Mapping[str, str], folder: Path, secrets: dict[str, str]) -> None:
        self.dsns = dsns
        self._folder = folder
        self._secrets = secrets

    @asynccontextmanager
    async def with_keys(self, field_key: str) -> AsyncIterator[Enrollment]:
        async with serving(self.dsns, self._folder, self._secrets, field_key) as here:
            yield here

    async def rotate(self, field_key: str, batch: int = 3, batches: int | None = None) -> int:
        """The command's run; with `batches`, one that is killed after so many."""
        owner = await open_pool(self.dsns["owner"], size=1)
        counted = [0, 0]

        def note(sealed: int, _: int) -> None:
            counted[0] += sealed
            counted[1] += 1
            if counted[1] == batches:
                raise InterruptedError

        try:
            await run_rotation(owner, Vault(field_key), SystemClock(), note, batch)
        except InterruptedError:
            pass
        finally:
            await owner.close()
        return counted[0]


@pytest.fixture
async def process(service_databases: ServiceDatabases, tmp_path: Path) -> Process:
    dsns = service_databases("enrollment")
    owner = await open_pool(dsns["owner"], size=1)
    secrets = await credentials(owner)
    await owner.close()
    return Process(dsns, tmp_path, secrets)


async def registered(here: Enrollment, sequence: int, key: str = "") -> str:
    """Register a retiree of a number; 409 says that the person is registered already."""
    body = registration(id_number=id_number(sequence), kind="retiree", employer_ref=None)
    while True:
        answer = await here.post("/persons", body, key=key or uuid4().hex)
        if answer.status_code == 201:
            return str(answer.json()["person_ref"])
        if not answer.json()["retryable"]:
            assert answer.status_code == 409, answer.text
            return ""


async def found(here: Enrollment, sequence: int) -> str:
    answer = await here.post("/persons:find", {"id_number": id_number(sequence)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["id_number"] == f"653001********{id_number(sequence)[-4:]}"
    return str(answer.json()["person_ref"])


async def under_keys(owner: asyncpg.Pool[asyncpg.Record]) -> dict[str, set[int]]:
    """Under which keys persons stand: by the row, by the sealed bytes, by the index."""
    rows = await owner.fetch("select key_id, id_number_sealed, name_sealed from person")
    sealed = {field[0] for row in rows for field in (row["id_number_sealed"], row["name_sealed"])}
    entries = await owner.fetch("select distinct key_id from person_index")
    return {
        "row": {row["key_id"] for row in rows},
        "sealed": sealed,
        "index": {row["key_id"] for row in entries},
    }


async def test_keys_rotate_under_load(process: Process) -> None:
    async with process.with_keys(OLD) as old:
        refs = {n: await registered(old, n, key=f"first-{n}") for n in range(1, BEFORE + 1)}
    everybody = range(1, BEFORE + DURING + 1)
    async with process.with_keys(OLD_FIRST) as behind, process.with_keys(NEW_FIRST) as ahead:
        assert await process.rotate(NEW_FIRST, batches=2) == 6  # stopped half-way: it goes on below
        for here in (behind, ahead):
            assert {n: await found(here, n) for n in refs} == refs

        async def ask(n: int) -> None:
            """Both processes register the same number at the same moment, and find it."""
            won = await asyncio.gather(registered(behind, n), registered(ahead, n))
            assert sum(map(bool, won)) == (n > BEFORE), (n, won)
            refs.setdefault(n, "".join(won))
            assert await found(behind, n) == await found(ahead, n) == refs[n]

        async def load(first: int) -> None:
            for n in range(first, len(everybody) + 1, 4):
                await ask(n)

        sealed, *_ = await asyncio.gather(process.rotate(NEW_FIRST), *map(load, range(1, 5)))
        assert sealed >= BEFORE - 6
        await process.rotate(NEW_FIRST)  # those that the process behind has sealed meanwhile
        assert await under_keys(ahead.owner) == {"row": {2}, "sealed": {2}, "index": {1, 2}}
        persons = await ahead.owner.fetchval("select count(*) from person")
        assert persons == len(refs) == len(everybody)
        for here in (behind, ahead):  # the kept answer, by the same body
            assert await registered(here, 1, key="first-1") == refs[1]
    async with process.with_keys(NEW) as new:
        await process.rotate(NEW)
        assert await under_keys(new.owner) == {"row": {2}, "sealed": {2}, "index": {2}}
        assert [await found(new, n) for n in everybody] == [refs[n] for n in everybody]
        assert await registered(new, 7) == ""
        logged = await new.owner.fetch("select to_state from log where action = 'rotate-keys'")
        assert sum(int(row["to_state"].split()[0]) for row in logged) >= BEFORE


async def test_a_key_that_is_still_needed_cannot_be_left_out(process: Process) -> None:
    async with process.with_keys(OLD) as here:
        await registered(here, 1)
    with pytest.raises(KeyNotHeld, match="field key 1"):
        async with process.with_keys(NEW):
            pass
    with pytest.raises(KeyNotHeld):
        await process.rotate(NEW)
    with pytest.raises(InvalidTag):
        async with process.with_keys("1:" + "f" * 32):
            pass


async def test_a_number_of_an_old_key_is_no_gap(process: Process) -> None:
    async with process.with_keys(OLD) as here:
        await registered(here, 1)
    async with process.with_keys(NEW_FIRST) as here:
        answer = await here.post("/coverage-gaps", {"items": [{"id_number": id_number(1)}]})
        assert answer.json()["gaps"] == []


def test_keys_as_an_operator_writes_them() -> None:
    assert [key.id for key in read_keys(NEW_FIRST)] == [2, 1]
    assert [key.id for key in read_keys("ab" * 16)] == [1]
    for wrong in ("", "ab", "0:" + "ab" * 16, "256:" + "ab" * 16, "x:" + "ab" * 16,
                  f"{OLD},{OLD}", f"{OLD},3:{OLD[2:]}", "1:" + "zz" * 16):  # fmt: skip
        with pytest.raises(ValueError, match="field key") as refused:
            read_keys(wrong)
        assert "ab" * 16 not in str(refused.value)
