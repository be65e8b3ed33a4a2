"""Stays that are settled in a group, and what became of each of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.settlement.actions.settle import Settle
from services.settlement.api.office import Settlements
from services.settlement.api.render import settled_form
from shared.money import Money
from shared.plumbing.repeats import Ask
from tests.settlement.conftest import NANJING, House
from tests.support.running import Client
from tests.support.stays import lay_stays

A, B = f"H{NANJING}a", f"H{NANJING}b"


def like_of_the_file() -> Any:
    """The fixture `like` of a file: a discharged stay that others are copied from, and the body
    that settles each of them."""

    @pytest.fixture(scope="module")
    async def like(house: House) -> tuple[str, dict[str, str]]:
        stay, outcome = await house.ready_stay(house.hospitals[f"a-{NANJING}"])
        return stay, {"total": outcome["total"]}

    return like


async def stays_like(house: House, like: tuple[str, Any], count: int) -> list[UUID]:
    """So many more stays of the hospital."""
    laid = await lay_stays(house.owner, like[0], [A], pregnancies=count)
    return [group[0] for group in laid]


def group_of(house: House) -> Settlements:
    """The group in which the house settles."""
    found: Settlements = house.running.app.state.office.settlements
    return found


def settling(stay: UUID, total: str) -> Settle:
    """The command to settle a stay."""
    return Settle(
        ask=Ask(NANJING, A, "settle", uuid4().hex, b"body of " + total.encode()),
        stay_id=stay, bill=Money.from_wire(total), actor="his", request_id="",
        form=settled_form,
    )  # fmt: skip


async def effects_of(house: House, stays: list[UUID]) -> Counter[str]:
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


def whole(effects: Counter[str], count: int) -> bool:
    """Whether so many stays have every effect."""
    return set(effects.values()) == {count}


async def settle_all(
    client: Client, stays: list[UUID], body: Any, key: str = ""
) -> list[httpx.Response]:
    """Ask for all of them at once."""
    return await asyncio.gather(*(client.post(f"/stays/{s}/settle", body, key=key) for s in stays))


@contextmanager
def counted(group: Settlements) -> Iterator[dict[str, int]]:
    """What the group's counts grew by within the block."""
    names = ("groups", "commands", "statements", "again", "halved")
    before = {name: getattr(group.counts, name) for name in names}
    grown: dict[str, int] = {}
    yield grown
    grown.update({name: getattr(group.counts, name) - before[name] for name in names})
