"""What group commit promises, on the real parts: each settlement whole, once, and answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.local.postgres import Postgres
from services.settlement.actions.settle import Settle, Settling
from services.settlement.api.office import Settlements
from services.settlement.api.render import settled_form
from services.settlement.store.settling import Entry
from shared.money import Money
from shared.plumbing.group import Group
from shared.plumbing.repeats import Answer, Ask
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.agency import until_true
from tests.support.running import Client
from tests.support.stays import lay_stays

A, B = f"H{NANJING}a", f"H{NANJING}b"


house = house_of_the_file()


@pytest.fixture(scope="module")
async def like(house: House) -> tuple[str, dict[str, str]]:
    """A discharged stay that others are copied from, and the body that settles each of them."""
    stay, outcome = await house.ready_stay(house.hospitals[f"a-{NANJING}"])
    return stay, {"total": outcome["total"]}


async def _stays(house: House, like: tuple[str, Any], count: int) -> list[UUID]:
    laid = await lay_stays(house.owner, like[0], [A], pregnancies=count)
    return [group[0] for group in laid]


def _group(house: House) -> Settlements:
    found: Settlements = house.running.app.state.office.settlements
    return found


def _settle(stay: UUID, total: str, key: str = "", institution: str = A) -> Settle:
    return Settle(
        ask=Ask(NANJING, institution, "settle", key or uuid4().hex, b"body of " + total.encode()),
        stay_id=stay, bill=Money.from_wire(total), actor="his", request_id="",
        form=settled_form,
    )  # fmt: skip


async def _effects(house: House, stays: list[UUID]) -> Counter[str]:
    """How many of these stays have each of a settlement's effects; whole means all alike."""
    rows = await house.owner.fetch(
        """
        select s.stay_id, st.settlement_id from unnest($1::uuid[]) s(stay_id)
        join settlement st using (stay_id)
        """,
        stays,
    )
    ids = [row["settlement_id"] for row in rows]
    counts = Counter(settlement=len(ids))
    for name, query in {
        "claim": "select count(*) from claim where settlement_id = any($1)",
        "posting": "select count(distinct settlement_id) from posting"
        " where settlement_id = any($1)",
        "outbox": "select count(*) from outbox where aggregate_id = any($1::uuid[]::text[])",
        "idempotency": "select count(*) from idempotency where object_id = any($1)",
        "log": "select count(*) from log"
        " where subject = any(select 'claim:' || unnest($1::uuid[]))",
    }.items():
        counts[name] = await house.owner.fetchval(query, ids)
    counts["stay"] = await house.owner.fetchval(
        "select count(*) from stay where stay_id = any($1) and state = 'settled'", stays
    )
    return counts


def _whole(effects: Counter[str], count: int) -> bool:
    return set(effects.values()) == {count}


async def _all(client: Client, stays: list[UUID], body: Any, key: str = "") -> list[httpx.Response]:
    return await asyncio.gather(*(client.post(f"/stays/{s}/settle", body, key=key) for s in stays))


@pytest.fixture
async def killer(postgres: Postgres) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that may end any backend."""
    connection = await asyncpg.connect(postgres.dsn())
    yield connection
    await connection.close()


@contextmanager
def _counted(group: Settlements) -> Iterator[dict[str, int]]:
    """What the group's counts grew by within the block."""
    names = ("groups", "commands", "statements", "again", "halved")
    before = {name: getattr(group.counts, name) for name in names}
    grown: dict[str, int] = {}
    yield grown
    grown.update({name: getattr(group.counts, name) - before[name] for name in names})


async def test_twins_in_flight_get_the_same_bytes_and_one_settlement(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 1)
    answers = await _all(nanjing_a, stays * 8, like[1], key="twins")
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert _whole(await _effects(house, stays), 1)


async def test_a_twin_in_flight_with_another_body_is_refused(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 1)
    right, wrong = await asyncio.gather(
        nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="other-body"),
        nanjing_a.post(f"/stays/{stays[0]}/settle", {"total": "1.00"}, key="other-body"),
    )
    assert right.status_code == 201
    assert wrong.json()["code"] == "8-key-used-with-another-body"
    assert _whole(await _effects(house, stays), 1)


async def test_a_replay_among_new_ones_gives_the_first_bytes_and_writes_nothing(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 20)
    first = await nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="replayed")
    again, *_ = await asyncio.gather(
        nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="replayed"),
        _all(nanjing_a, stays[1:], like[1]),
    )
    assert (again.status_code, again.content) == (201, first.content)
    assert _whole(await _effects(house, stays), 20)


async def test_of_many_hospitals_at_once_one_is_paid_and_the_others_are_told(
    house: House, like: tuple[str, Any]
) -> None:
    hospitals = {}
    for n in range(8):
        code = f"H{n}"
        made = await house.clerks[NANJING].post(
            "/agreements", {"institution_code": code, "level": 3, "start": "2020-01-01"}
        )
        assert made.status_code == 201
        hospitals[code] = await house.running.caller(f"his-{code}", "hospital", NANJING, code)
    for rivals in await lay_stays(house.owner, like[0], list(hospitals), pregnancies=5):
        answers = await asyncio.gather(
            *(
                hospital.post(f"/stays/{stay}/settle", like[1])
                for hospital, stay in zip(hospitals.values(), rivals, strict=True)
            )
        )
        assert sorted(a.status_code for a in answers) == [201] + [409] * 7
        codes = Counter(a.json().get("code") for a in answers)
        assert codes["1022-delivery-already-settled"] == 7
        assert _whole(await _effects(house, rivals), 1)


async def test_two_keys_for_one_stay_at_once_make_one_settlement(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    for stay in await _stays(house, like, 10):
        answers = await _all(nanjing_a, [stay, stay], like[1])
        assert sorted(a.status_code for a in answers) == [201, 409]
        refused = next(a for a in answers if a.status_code == 409)
        assert refused.json()["code"] == "1008-stay-already-settled"
        assert _whole(await _effects(house, [stay]), 1)


async def test_a_poison_row_fails_alone(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 40)
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
        with _counted(_group(house)) as grown:
            answers = await _all(nanjing_a, stays, like[1])
    finally:
        await house.owner.execute("drop function fail_one cascade")
    failed = [s for s, a in zip(stays, answers, strict=True) if a.status_code != 201]
    assert failed == [poison]
    assert answers[23].status_code == 500
    assert grown["halved"] > 0
    assert _whole(await _effects(house, stays), 39)
    again = await nanjing_a.post(f"/stays/{poison}/settle", like[1])
    assert again.status_code == 201


async def test_a_broken_unique_index_is_the_fault_of_its_own_row(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 12)
    await _all(nanjing_a, await _stays(house, like, 1), like[1])
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
    with _counted(_group(house)) as grown:
        answers = await _all(nanjing_a, stays, like[1])
    failed = [s for s, a in zip(stays, answers, strict=True) if a.status_code != 201]
    assert failed == [stays[5]]
    assert answers[5].status_code == 500
    assert grown["again"] == 0
    assert _whole(await _effects(house, [s for s in stays if s != stays[5]]), 11)


async def _queued(house: House, commands: int, calls: list[asyncio.Task[Any]], done: int) -> None:
    """Wait until so many have their place in the queue, and so many calls were told of none."""
    group = _group(house)
    await until_true(
        lambda: (group.length(), sum(call.done() for call in calls)) == (commands, done)
    )


def _called(client: Client, stays: list[UUID], body: Any) -> list[asyncio.Task[httpx.Response]]:
    return [asyncio.create_task(client.post(f"/stays/{stay}/settle", body)) for stay in stays]


async def test_a_hospital_that_fills_its_share_is_told_to_wait_and_others_pass(
    house: House, nanjing_a: Client, nanjing_b: Client, like: tuple[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(_group(house), "_share_most", 3)
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
    monkeypatch.setattr(_group(house), "_queue_most", 4)
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
    stays = await _stays(house, like, count)
    act = _group(house)._act
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
    answers = await _all(nanjing_a, stays, like[1])
    assert [a.status_code for a in answers] == [201] * count, answers[0].text
    assert _whole(await _effects(house, stays), count)
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
        some = await _stays(house, like, 20)
        stays += some
        # With the server away for all five tries "busy" is the honest answer; the key is kept.
        answers += await _all(nanjing_a, some, like[1])
    terminating.cancel()
    await asyncio.wait([terminating])
    assert {a.status_code for a in answers} <= {201, 503}
    late = [s for s, a in zip(stays, answers, strict=True) if a.status_code == 503]
    settled = await _effects(house, stays)
    assert _whole(settled, settled["settlement"])
    assert settled["settlement"] >= len(stays) - len(late)


async def test_callers_that_hang_up_leave_a_whole_settlement_or_none(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await _stays(house, like, 200)
    chance = random.Random(7)  # noqa: S311

    async def rude(stay: UUID) -> None:
        task = asyncio.create_task(nanjing_a.post(f"/stays/{stay}/settle", like[1]))
        await asyncio.sleep(chance.uniform(0, 0.05))
        task.cancel()
        await asyncio.wait([task])

    for start in range(0, 200, 25):
        await asyncio.gather(*(rude(stay) for stay in stays[start : start + 25]))
    await until_true(lambda: _group(house).length() == 0)
    effects = await _effects(house, stays)
    assert _whole(effects, effects["settlement"])
    assert effects["settlement"] > 0
    idle = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and state like 'idle in transaction%' and usename <> current_user"
    )
    # The relay is between two statements now and then; what a caller left would stay so for 10 s.
    async with asyncio.timeout(5):
        while await house.owner.fetchval(idle):
            await asyncio.sleep(0.01)
    answers = await _all(nanjing_a, stays, like[1])
    assert {a.status_code for a in answers} <= {201, 409}
    assert _whole(await _effects(house, stays), 200)


async def test_groups_with_the_same_stays_in_opposite_order_never_deadlock(
    house: House, like: tuple[str, Any]
) -> None:
    """Two replicas hold the same 8 stays under keys of their own, 200 times."""
    act = _group(house)._act
    stays = await _stays(house, like, 8 * 200)
    total = like[1]["total"]
    dsn = house.running.settings.group_dsn.get_secret_value()
    async with asyncpg.create_pool(dsn, min_size=2, max_size=2) as pool:

        async def write(some: list[UUID], meet: asyncio.Barrier) -> list[bool]:
            async with pool.acquire() as connection:
                commands = [_settle(stay, total) for stay in some]
                facts = await act.read(connection, commands)
                entries = [act.decide(c, f) for c, f in zip(commands, facts, strict=True)]
                assert all(isinstance(entry, Entry) for entry in entries)
                await meet.wait()
                return list(await act.write(connection, entries))  # type: ignore[arg-type]

        for start in range(0, len(stays), 8):
            some, meet = stays[start : start + 8], asyncio.Barrier(2)
            forth, back = await asyncio.gather(write(some, meet), write(some[::-1], meet))
            assert [a != b for a, b in zip(forth, back[::-1], strict=True)] == [True] * 8
    assert _whole(await _effects(house, stays), len(stays))


async def test_two_round_trips_a_group(house: House, like: tuple[str, Any]) -> None:
    """Counted on the connection itself, not by the group."""
    sent: list[str] = []

    async def listen(connection: Any) -> None:
        connection.add_query_logger(lambda query: sent.append(query.query))

    office = house.running.app.state.office
    dsn = house.running.settings.group_dsn.get_secret_value()
    stays = await _stays(house, like, 61)
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=1, init=listen, reset=_no_reset
    ) as pool:
        group: Settlements = Group(pool, Settling(house.clock, office.book), flushers=1)
        group.start()
        await group.submit(_settle(stays[0], like[1]["total"]))  # learns the types
        sent.clear()
        with _counted(group) as grown:
            said = await asyncio.gather(
                *(group.submit(_settle(stay, like[1]["total"])) for stay in stays[1:])
            )
        await group.close()
    assert all(isinstance(answer, Answer) for answer in said)
    assert grown["commands"] == 60
    assert grown["groups"] < 10
    assert len(sent) == grown["statements"] == 2 * grown["groups"]


async def _no_reset(_: Any) -> None:
    return None
