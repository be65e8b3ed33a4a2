"""A group with a row that fails, too many callers, a dead backend, callers that hang up: who has no
part in it is settled all the same, and each settlement stays whole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from deploy.local.postgres import Postgres
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.settlement.grouped import (
    A,
    B,
    counted,
    effects_of,
    group_of,
    like_of_the_file,
    settle_all,
    stays_like,
    whole,
)
from tests.support.agency import until_true
from tests.support.running import Client
from tests.support.stays import lay_stays

house = house_of_the_file()
like = like_of_the_file()


@pytest.fixture
async def killer(postgres: Postgres) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that may end any backend."""
    connection = await asyncpg.connect(postgres.dsn())
    yield connection
    await connection.close()


async def test_a_poison_row_fails_alone(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 40)
    poison = stays[23]
    await house.owner.execute(
        f"""
        create function fail_one() returns trigger language plpgsql as $$ begin
            if new.stay_id = '{poison}' then raise exception 'poison'; end if;
            return new;
        end $$;
        create trigger fail_one before insert on settlement
            for each row execute function fail_one();
        """
    )
    try:
        with counted(group_of(house)) as grown:
            answers = await settle_all(nanjing_a, stays, like[1])
    finally:
        await house.owner.execute("drop function fail_one cascade")
    failed = [s for s, a in zip(stays, answers, strict=True) if a.status_code != 201]
    assert failed == [poison]
    assert answers[23].status_code == 500
    assert grown["halved"] > 0
    assert whole(await effects_of(house, stays), 39)
    again = await nanjing_a.post(f"/stays/{poison}/settle", like[1])
    assert again.status_code == 201


async def test_a_broken_unique_index_is_the_fault_of_its_own_row(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 12)
    await settle_all(nanjing_a, await stays_like(house, like, 1), like[1])
    (poison,) = await house.owner.fetch("select * from stay where stay_id = $1", stays[5])
    # What another claim opened makes room for what stands in the way of this one's.
    await house.owner.execute(
        "update entitlement set state = 'withdrawn' where settlement_id = (select settlement_id"
        " from settlement order by settlement_id limit 1)"
    )
    await house.owner.execute(
        "insert into entitlement select $1, gen_random_uuid(), kind, $2, $3, settlement_id,"
        " 'birth', null, null, 'opened', null, null, '[]', '{}', '', '', now(), 1"
        " from unnest('{allowance,nutrition}'::text[]) kind,"
        " (select settlement_id from settlement order by settlement_id limit 1) elsewhere",
        NANJING, poison["person_ref"], poison["pregnancy_id"],
    )  # fmt: skip
    with counted(group_of(house)) as grown:
        answers = await settle_all(nanjing_a, stays, like[1])
    failed = [s for s, a in zip(stays, answers, strict=True) if a.status_code != 201]
    assert failed == [stays[5]]
    assert answers[5].status_code == 500
    assert grown["again"] == 0
    assert whole(await effects_of(house, [s for s in stays if s != stays[5]]), 11)


async def _queued(house: House, commands: int, calls: list[asyncio.Task[Any]], done: int) -> None:
    """Wait until so many have their place in the queue, and so many calls were told of none."""
    group = group_of(house)
    await until_true(
        lambda: (group.length(), sum(call.done() for call in calls)) == (commands, done)
    )


def _called(client: Client, stays: list[UUID], body: Any) -> list[asyncio.Task[httpx.Response]]:
    return [asyncio.create_task(client.post(f"/stays/{stay}/settle", body)) for stay in stays]


async def test_a_hospital_that_fills_its_share_is_told_to_wait_and_others_pass(
    house: House, nanjing_a: Client, nanjing_b: Client, like: tuple[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(group_of(house), "_share_most", 3)
    laid = await lay_stays(house.owner, like[0], [A], pregnancies=10)
    (theirs,) = (await lay_stays(house.owner, like[0], [B], pregnancies=1))[0]
    async with house.owner.acquire() as held, held.transaction():
        await held.execute("lock table idempotency in access exclusive mode")
        ours = _called(nanjing_a, [group[0] for group in laid], like[1])
        (other,) = _called(nanjing_b, [theirs], like[1])
        await _queued(house, 4, ours, done=7)
    answers = await asyncio.gather(*ours)
    statuses = Counter(a.status_code for a in answers)
    assert statuses == {201: 3, 503: 7}
    refused = next(a for a in answers if a.status_code == 503)
    assert int(refused.headers["retry-after"]) >= 1
    assert (await other).status_code == 201


async def test_the_queue_is_bounded_over_all_hospitals(
    house: House, nanjing_a: Client, nanjing_b: Client, like: tuple[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(group_of(house), "_queue_most", 4)
    laid = await lay_stays(house.owner, like[0], [A, B], pregnancies=6)
    async with house.owner.acquire() as held, held.transaction():
        await held.execute("lock table idempotency in access exclusive mode")
        calls = _called(nanjing_a, [group[0] for group in laid[:3]], like[1])
        calls += _called(nanjing_b, [group[1] for group in laid[3:]], like[1])
        await _queued(house, 4, calls, done=2)
    answers = await asyncio.gather(*calls)
    assert Counter(answer.status_code for answer in answers) == {201: 4, 503: 2}


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("moment", ["within WRITE", "after WRITE was committed"])
async def test_an_unknown_outcome_is_found_out_and_answered(
    house: House, nanjing_a: Client, like: tuple[str, Any], moment: str, count: int,
    killer: asyncpg.Connection[asyncpg.Record], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The backend is killed in the middle of the statement; or the commit's answer is lost."""
    stays = await stays_like(house, like, count)
    act = group_of(house)._act
    write, broken = act.write, []

    async def dying(connection: Any, entries: Any) -> Any:
        if broken:
            return await write(connection, entries)
        broken.append(True)
        pid = connection.get_server_pid()
        if moment == "within WRITE":
            statement = asyncio.create_task(connection.execute("select pg_sleep(5)"))
            await asyncio.sleep(0.2)
        else:
            await write(connection, entries)
            statement = asyncio.create_task(asyncio.sleep(0.2))
        assert await killer.fetchval("select pg_terminate_backend($1)", pid)
        await statement
        await connection.execute("select 1")
        raise AssertionError("the backend outlived its termination")

    monkeypatch.setattr(act, "write", dying)
    answers = await settle_all(nanjing_a, stays, like[1])
    assert [a.status_code for a in answers] == [201] * count, answers[0].text
    assert whole(await effects_of(house, stays), count)
    told = {a.json()["settlement_id"] for a in answers}
    rows = await house.owner.fetch("select settlement_id from claim where stay_id = any($1)", stays)
    assert told == {str(row["settlement_id"]) for row in rows}


async def test_terminated_backends_under_load_cost_no_caller_its_answer(
    house: House, nanjing_a: Client, like: tuple[str, Any],
    killer: asyncpg.Connection[asyncpg.Record],
) -> None:  # fmt: skip
    database = await house.owner.fetchval("select current_database()")
    killed = 0

    async def terminate() -> None:
        nonlocal killed
        while True:
            await asyncio.sleep(random.uniform(0.2, 0.5))  # noqa: S311
            killed += await killer.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where usename = 'settlement_group' and datname = $1",
                database,
            )

    terminating = asyncio.create_task(terminate())
    stays: list[UUID] = []
    answers: list[httpx.Response] = []
    while len(stays) < 400 or killed < 2:
        some = await stays_like(house, like, 20)
        stays += some
        # With the server away for all five tries "busy" is the honest answer; the key is kept.
        answers += await settle_all(nanjing_a, some, like[1])
    terminating.cancel()
    await asyncio.wait([terminating])
    assert {a.status_code for a in answers} <= {201, 503}
    late = [s for s, a in zip(stays, answers, strict=True) if a.status_code == 503]
    settled = await effects_of(house, stays)
    assert whole(settled, settled["settlement"])
    assert settled["settlement"] >= len(stays) - len(late)


async def test_callers_that_hang_up_leave_a_whole_settlement_or_none(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 200)
    chance = random.Random(7)  # noqa: S311

    async def rude(stay: UUID) -> None:
        task = asyncio.create_task(nanjing_a.post(f"/stays/{stay}/settle", like[1]))
        await asyncio.sleep(chance.uniform(0, 0.05))
        task.cancel()
        await asyncio.wait([task])

    for start in range(0, 200, 25):
        await asyncio.gather(*(rude(stay) for stay in stays[start : start + 25]))
    await until_true(lambda: group_of(house).length() == 0)
    effects = await effects_of(house, stays)
    assert whole(effects, effects["settlement"])
    assert effects["settlement"] > 0
    idle = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and state like 'idle in transaction%' and usename <> current_user"
    )
    # The relay is between two statements now and then; what a caller left would stay so for 10 s.
    async with asyncio.timeout(5):
        while await house.owner.fetchval(idle):
            await asyncio.sleep(0.01)
    answers = await settle_all(nanjing_a, stays, like[1])
    assert {a.status_code for a in answers} <= {201, 409}
    assert whole(await effects_of(house, stays), 200)
