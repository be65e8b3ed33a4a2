"""What group commit promises, on the real parts: each settlement whole, once, and answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg

from services.settlement.actions.settle import Settling
from services.settlement.api.office import Settlements
from services.settlement.store.settling import Entry
from shared.plumbing.group import Group
from shared.plumbing.repeats import Answer
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.settlement.grouped import (
    counted,
    effects_of,
    group_of,
    like_of_the_file,
    settle_all,
    settling,
    stays_like,
    whole,
)
from tests.support.running import Client
from tests.support.stays import lay_stays

house = house_of_the_file()
like = like_of_the_file()


async def test_twins_in_flight_get_the_same_bytes_and_one_settlement(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 1)
    answers = await settle_all(nanjing_a, stays * 8, like[1], key="twins")
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert whole(await effects_of(house, stays), 1)


async def test_a_twin_in_flight_with_another_body_is_refused(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 1)
    right, wrong = await asyncio.gather(
        nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="other-body"),
        nanjing_a.post(f"/stays/{stays[0]}/settle", {"total": "1.00"}, key="other-body"),
    )
    assert right.status_code == 201
    assert wrong.json()["code"] == "8-key-used-with-another-body"
    assert whole(await effects_of(house, stays), 1)


async def test_a_replay_among_new_ones_gives_the_first_bytes_and_writes_nothing(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    stays = await stays_like(house, like, 20)
    first = await nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="replayed")
    again, *_ = await asyncio.gather(
        nanjing_a.post(f"/stays/{stays[0]}/settle", like[1], key="replayed"),
        settle_all(nanjing_a, stays[1:], like[1]),
    )
    assert (again.status_code, again.content) == (201, first.content)
    assert whole(await effects_of(house, stays), 20)


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
        assert whole(await effects_of(house, rivals), 1)


async def test_two_keys_for_one_stay_at_once_make_one_settlement(
    house: House, nanjing_a: Client, like: tuple[str, Any]
) -> None:
    for stay in await stays_like(house, like, 10):
        answers = await settle_all(nanjing_a, [stay, stay], like[1])
        assert sorted(a.status_code for a in answers) == [201, 409]
        refused = next(a for a in answers if a.status_code == 409)
        assert refused.json()["code"] == "1008-stay-already-settled"
        assert whole(await effects_of(house, [stay]), 1)


async def test_groups_with_the_same_stays_in_opposite_order_never_deadlock(
    house: House, like: tuple[str, Any]
) -> None:
    """Two replicas hold the same 8 stays under keys of their own, 200 times."""
    act = group_of(house)._act
    stays = await stays_like(house, like, 8 * 200)
    total = like[1]["total"]
    dsn = house.running.settings.group_dsn.get_secret_value()
    async with asyncpg.create_pool(dsn, min_size=2, max_size=2) as pool:

        async def write(some: list[UUID], meet: asyncio.Barrier) -> list[bool]:
            async with pool.acquire() as connection:
                commands = [settling(stay, total) for stay in some]
                facts = await act.read(connection, commands)
                entries = [act.decide(c, f) for c, f in zip(commands, facts, strict=True)]
                assert all(isinstance(entry, Entry) for entry in entries)
                await meet.wait()
                return list(await act.write(connection, entries))  # type: ignore[arg-type]

        for start in range(0, len(stays), 8):
            some, meet = stays[start : start + 8], asyncio.Barrier(2)
            forth, back = await asyncio.gather(write(some, meet), write(some[::-1], meet))
            assert [a != b for a, b in zip(forth, back[::-1], strict=True)] == [True] * 8
    assert whole(await effects_of(house, stays), len(stays))


async def test_two_round_trips_a_group(house: House, like: tuple[str, Any]) -> None:
    """Counted on the connection itself, not by the group."""
    sent: list[str] = []

    async def listen(connection: Any) -> None:
        connection.add_query_logger(lambda query: sent.append(query.query))

    office = house.running.app.state.office
    dsn = house.running.settings.group_dsn.get_secret_value()
    stays = await stays_like(house, like, 61)
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=1, init=listen, reset=_no_reset
    ) as pool:
        group: Settlements = Group(pool, Settling(house.clock, office.book), flushers=1)
        group.start()
        await group.submit(settling(stays[0], like[1]["total"]))  # learns the types
        sent.clear()
        with counted(group) as grown:
            said = await asyncio.gather(
                *(group.submit(settling(stay, like[1]["total"])) for stay in stays[1:])
            )
        await group.close()
    assert all(isinstance(answer, Answer) for answer in said)
    assert grown["commands"] == 60
    assert grown["groups"] < 10
    assert len(sent) == grown["statements"] == 2 * grown["groups"]


async def _no_reset(_: Any) -> None:
    return None
