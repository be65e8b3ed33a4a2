"""Courses of stays drawn by chance, step upon step, over real HTTP: what a hospital may send in any
order, of its own and of another's.

No server error, every answer of the form that is described, and the books balance after each course.
`make faults` draws more of them and longer, from a seed that it prints.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.contracts.test_generated_cases import served
from tests.settlement.conftest import NANJING, House, open_house
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client

LONG = os.environ.get("FAULTS") == "long"
SEED = random.randrange(10**9) if LONG else 20261123  # noqa: S311
COURSES, STEPS = (400, 60) if LONG else (12, 30)
DONE = ("pregnancies", "stays", "lines", "discharge", "quote", "settle", "reverse", "reopen")
"""What must have succeeded in a run at least once, and have been refused: else nothing was tried."""

# A course that fails is made shorter where there is time for it.
_PHASES = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if LONG else [])]
T = TypeVar("T")
pytestmark = pytest.mark.timeout(0 if LONG else 600)


@dataclass
class World:
    """A settlement at an address, and what came of the calls."""

    house: House
    base: str
    loop: asyncio.AbstractEventLoop
    http: httpx.Client
    described: Any
    came: Counter[tuple[str, int]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    def there(self, act: Coroutine[Any, Any, T]) -> T:
        """What a coroutine of the world's own loop comes to."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(30)

    def post(self, who: Client, path: str, body: Any, key: str, **ids: str) -> httpx.Response:
        """An answer of the described form, and no server error."""
        address = f"/settlement/v1{path}"
        answer = self.http.post(
            self.base + address.format(**ids), json=body,
            headers={"authorization": f"Bearer {who.token}", "idempotency-key": key},
        )  # fmt: skip
        said = f"{path} {answer.status_code} {answer.text}"
        assert answer.status_code < 500, said
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", said
            self.codes[answer.json()["code"]] += 1
        self.described[address]["POST"].validate_response(answer)
        self.came[path.rpartition("/")[2], answer.status_code] += 1
        return answer


@dataclass
class Stay:
    """A stay as its hospital knows it: what it stated last, and the settlement that stands."""

    who: Client
    id: str
    person: str
    pregnancy: str
    admitted: date
    total: str = "0.00"
    line: int = 0
    stated: bool = False
    claim: str = ""


DAYS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, -1, 9])
WEEKS = st.sampled_from([38, 38, 39, 30, 10, 0, 60])
MODES = st.sampled_from(["vaginal", "assisted", "cesarean"])
ITEMS = st.sampled_from(["delivery", "bed", "oxytocin", "photo", "unheard-of"])
YUAN = st.integers(0, 2_000_000).map(lambda fen: str(Decimal(fen) / 100 + Decimal("0.00")))
TOTALS = st.sampled_from(["", "", "", "0.01"])
"""What is added to the bill's own total, where something is."""


class Course(RuleBasedStateMachine):
    """Two hospitals and whatever they send."""

    world: ClassVar[World]
    stays = Bundle("stays")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.hospitals = [self.world.house.hospitals[f"{letter}-{NANJING}"] for letter in "ab"]

    def post(self, who: Client, path: str, body: Any, key: str = "", **ids: str) -> httpx.Response:
        return self.world.post(who, path, body, key or uuid4().hex, **ids)

    @initialize(target=stays)
    def begins(self) -> Any:
        return self.admits(0, 38, 0)

    @rule(target=stays, here=st.integers(0, 1), weeks=WEEKS, day=DAYS)
    def admits(self, here: int, weeks: int, day: int) -> Any:
        """Somebody new, with a bill."""
        person = self.world.there(self.world.house.person(NANJING))
        registered = self._registers(here, person, weeks)
        if registered.status_code != httpx.codes.CREATED:
            return multiple()
        stay = self._opens(here, person, registered.json()["pregnancy_id"], day)
        if isinstance(stay, Stay):
            self.charges(stay, [("delivery", "4500.00"), ("bed", "50.00")], 0, again=False)
        return stay

    @rule(of=stays, here=st.integers(0, 1), weeks=WEEKS)
    def registers_again(self, of: Stay, here: int, weeks: int) -> None:
        self._registers(here, of.person, weeks)

    @rule(target=stays, of=stays, here=st.integers(0, 1), day=DAYS)
    def opens_another(self, of: Stay, here: int, day: int) -> Any:
        stay = self._opens(here, of.person, of.pregnancy, day)
        if isinstance(stay, Stay):
            self.charges(stay, [("delivery", "4500.00")], 0, again=False)
        return stay

    def _registers(self, here: int, person: str, weeks: int) -> httpx.Response:
        body = {"person_ref": person, "institution_code": self.hospitals[here].institution,
                "since": str(date(2024, 3, 20) - timedelta(weeks=weeks))}  # fmt: skip
        return self.post(self.hospitals[here], "/pregnancies", body)

    def _opens(self, here: int, person: str, pregnancy: str, day: int) -> Any:
        admitted = date(2024, 3, 20) + timedelta(days=day)
        body = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                "admitted_on": str(admitted)}  # fmt: skip
        answer = self.post(self.hospitals[here], "/stays", body)
        if answer.status_code != httpx.codes.CREATED:
            return multiple()
        made = answer.json()["stay_id"]
        return Stay(self.hospitals[here], made, person, pregnancy, admitted)

    @rule(stay=stays, items=st.lists(st.tuples(ITEMS, YUAN), min_size=1, max_size=4), day=DAYS,
          again=st.booleans())  # fmt: skip
    def charges(self, stay: Stay, items: list[tuple[str, str]], day: int, again: bool) -> None:
        first = stay.line if again and stay.line else stay.line + 1
        lines = [
            {"line_number": first + n, "item_code": item, "quantity": "1.5", "price": price,
             "charged_on": str(stay.admitted + timedelta(days=max(day, 0)))}
            for n, (item, price) in enumerate(items)
        ]  # fmt: skip
        answer = self.post(stay.who, "/stays/{stay_id}/lines", {"lines": lines}, stay_id=stay.id)
        if answer.status_code == httpx.codes.CREATED:
            assert not stay.claim, "a line was added to what is settled"
            stay.total, stay.line = answer.json()["total"], first + len(lines) - 1

    @rule(stay=stays, mode=MODES, day=DAYS, more=TOTALS)
    def discharges(self, stay: Stay, mode: str, day: int, more: str) -> None:
        answer = self.post(stay.who, "/stays/{stay_id}/discharge",
                           self._stated(stay, mode, day, more), stay_id=stay.id)  # fmt: skip
        if answer.status_code == httpx.codes.CREATED:
            assert not more, "a bill was taken that its lines do not sum to"
            assert not stay.claim, "what is settled was stated anew"
            stay.stated = True

    @rule(stay=stays, mode=MODES, day=DAYS, more=TOTALS)
    def quotes(self, stay: Stay, mode: str, day: int, more: str) -> None:
        body = None if stay.stated else self._stated(stay, mode, day, more)
        self.post(stay.who, "/stays/{stay_id}/quote", body or {}, stay_id=stay.id)

    @rule(target=claims, stay=stays, more=TOTALS, foreign=st.integers(0, 5), twice=st.booleans(),
          first=st.integers(0, 3))  # fmt: skip
    def settles(self, stay: Stay, more: str, foreign: int, twice: bool, first: int) -> Any:
        if first and not stay.stated:
            self.discharges(stay, "vaginal", 1, "")
        who = next(h for h in self.hospitals if h is not stay.who) if not foreign else stay.who
        body, key = {"total": _sum(stay.total, more)}, uuid4().hex
        quoted = self.post(stay.who, "/stays/{stay_id}/quote", {}, stay_id=stay.id)
        answer = self.post(who, "/stays/{stay_id}/settle", body, key, stay_id=stay.id)
        if twice:
            again = self.post(who, "/stays/{stay_id}/settle", body, key, stay_id=stay.id)
            assert again.status_code == answer.status_code
            assert answer.status_code >= 400 or again.content == answer.content
        if answer.status_code != httpx.codes.CREATED:
            return multiple()
        assert foreign, "another hospital's stay was settled"
        assert stay.stated, "what nobody discharged was settled"
        assert not more, "a bill was settled that its lines do not sum to"
        assert not stay.claim, "one stay was settled twice"
        settled = answer.json()
        made = ("settlement_id", "reverses", "settled_at")
        assert {k: v for k, v in settled.items() if k not in made} == quoted.json()
        stay.claim = settled["settlement_id"]
        return stay, stay.claim

    @rule(of=claims, foreign=st.integers(0, 5))
    def reverses(self, of: tuple[Stay, str], foreign: int) -> None:
        stay, claim = of
        who = next(h for h in self.hospitals if h is not stay.who) if not foreign else stay.who
        answer = self.post(who, "/settlements/{settlement_id}/reverse", {}, settlement_id=claim)
        if answer.status_code == httpx.codes.CREATED:
            assert foreign, "another hospital's settlement was reversed"
            assert stay.claim == claim, "one settlement was reversed twice"
            stay.claim = ""
        else:
            assert not foreign or stay.claim != claim, answer.text

    @rule(stay=stays)
    def is_settled_anew(self, stay: Stay) -> None:
        """Settled, undone, stated anew and settled again, if nothing stands in the way."""
        for _ in range(2):
            if isinstance(of := self.settles(stay, "", 1, twice=False, first=1), tuple):
                self.reverses(of, 1)
            self.reopens(stay)

    @rule(stay=stays)
    def reopens(self, stay: Stay) -> None:
        answer = self.post(stay.who, "/stays/{stay_id}/reopen", {}, stay_id=stay.id)
        if answer.status_code == httpx.codes.CREATED:
            assert not stay.claim, "what is settled was opened again"
            stay.stated = False

    @rule(stay=consumes(stays))
    def cancels(self, stay: Stay) -> None:
        answer = self.post(stay.who, "/stays/{stay_id}/cancel", {}, stay_id=stay.id)
        assert answer.status_code != httpx.codes.CREATED or not stay.claim, "settled and cancelled"

    def _stated(self, stay: Stay, mode: str, day: int, more: str) -> dict[str, str]:
        born = stay.admitted + timedelta(days=day)
        return {"discharged_on": str(born + timedelta(days=2)), "event_on": str(born),
                "mode": mode, "total": _sum(stay.total, more)}  # fmt: skip

    def teardown(self) -> None:
        """The books balance, claim by claim, and no pregnancy is paid twice."""
        owner = self.world.house.owner
        for wrong in (_UNBALANCED, _PAID_TWICE, _NOT_UNDONE):
            assert self.world.there(owner.fetch(wrong)) == [], wrong


def _sum(total: str, more: str) -> str:
    return str(Decimal(total) + Decimal(more)) if more else total


_UNBALANCED = "select settlement_id from posting group by 1 having sum(amount_fen) <> 0"
_PAID_TWICE = (
    "select pregnancy_id from claim where state = 'settled' group by 1 having count(*) > 1"
)
_NOT_UNDONE = """
select c.settlement_id from claim c where c.state = 'reversed' and exists (
    select from settlement s join posting p using (pool_code, settlement_id)
    where s.settlement_id = c.settlement_id or s.reverses = c.settlement_id
    group by p.account having sum(p.amount_fen) <> 0)
"""


@contextmanager
def calling() -> Iterator[httpx.Client]:
    """A client that reaches the service from another thread."""
    with httpx.Client(timeout=30) as http:
        yield http


async def test_no_course_breaks_anything(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    print(f"seed {SEED}, {COURSES} courses of {STEPS} steps")  # noqa: T201
    async with open_house(service_databases("settlement"), tmp_path) as house:
        app = house.running.app
        async with served(app) as base:
            with calling() as http:
                described = schemathesis.openapi.from_dict(app.openapi())
                world = World(house, base, asyncio.get_running_loop(), http, described)
                machine = hypothesis.seed(SEED)(type("Drawn", (Course,), {"world": world}))
                settings = hypothesis.settings(
                    max_examples=COURSES, stateful_step_count=STEPS, deadline=None, database=None,
                    print_blob=True, phases=_PHASES,
                    suppress_health_check=list(hypothesis.HealthCheck),
                )  # fmt: skip
                await asyncio.to_thread(run_state_machine_as_test, machine, settings=settings)
    print(world.came, world.codes)  # noqa: T201
    for name in DONE:
        told = {status for path, status in world.came if path == name}
        assert told & {200, 201}, f"no {name} was taken"
        assert any(status >= 400 for status in told), f"no {name} was refused"
