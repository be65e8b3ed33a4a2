"""An agency with people in it: each route's own valid request, made for the owner that is asked."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.audit.domain.library import read_library
from services.audit.heard.claim import claim_handler
from services.enrollment.domain.id_number import check_character
from services.settlement.actions.keep_catalogue import propose_import
from services.settlement.actions.scene import Scene
from services.settlement.domain.catalogue import ItemKind, Listing
from shared.plumbing.auth import add_client
from shared.plumbing.database import AGENCY, open_pool, transaction
from shared.plumbing.inbox import Inbox
from tests.audit.conftest import ListSource
from tests.audit.events import Telling
from tests.settlement.conftest import House
from tests.support.agency import SERVICES, Agency, agency, made, until
from tests.support.postgres import ServiceDatabases
from tests.support.reviewing import decided
from tests.support.running import Client

FIRST, SECOND = "320100", "653000"
"""Two pools."""
SECRET = "s" * 32
STAFF = ("clerk", "finance", "reviewer")


@dataclass(frozen=True)
class Owner:
    """A hospital of a pool: whose objects are asked for."""

    pool: str
    hospital: str


A, B = Owner(FIRST, "HA"), Owner(FIRST, "HB")
ELSEWHERE = Owner(SECOND, "HC")


@dataclass
class Asked:
    """A request as its route takes it; `who` is the role that may send it."""

    who: str
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None


_PROPOSED = """
insert into adjustment
select pool_code, $1, settlement_id, institution_code, 'person:' || $1::uuid, 'proposed',
       state_version, expenditure_item, rule_on, 0, 1, 0, 0, 0, -1, 0, 0, 0, steps, rates, book,
       engine, 'proposer', settled_at
from settlement where settlement_id = $2
"""


class Peopled:
    """The running agency, its callers, and whatever a route's request needs beforehand."""

    def __init__(self, whole: Agency, owners: dict[str, asyncpg.Pool[asyncpg.Record]]) -> None:
        self.whole = whole
        self.owners = owners
        self.number = itertools.count(1)
        self.house = House(whole.services["settlement"], whole.clock, owners["settlement"])
        self._callers: dict[tuple[str, str, str, str], Client] = {}

    async def caller(self, service: str, role: str, owner: Owner, name: str = "") -> Client:
        """A caller of a role: a hospital, or somebody of its pool's staff, or of no pool."""
        pool = "" if role in ("operator", "service") else owner.pool
        code = owner.hospital if role == "hospital" else ""
        client = f"{name or role}-{owner.hospital if code else pool}"
        key = (service, role, client, pool)
        if key not in self._callers:
            self._callers[key] = await self.whole.caller(service, client, role, pool, code)
        return self._callers[key]

    async def valid(self, route: str, owner: Owner) -> Asked:
        """A request that the route takes: 2xx, once, from its role. Raises KeyError."""
        return await REQUESTS[route](self, owner)

    def fresh(self) -> str:
        """A name that nobody had before."""
        return f"n{next(self.number)}"

    def id_number(self) -> str:
        """A valid number of nobody."""
        day, serial = divmod(next(self.number), 900)
        first = f"653001199003{day + 1:02d}{serial + 1:03d}"
        return first + check_character(first)

    # ---- enrollment

    async def employer(self, owner: Owner) -> str:
        clerk = await self.caller("enrollment", "clerk", owner)
        asked = await self.valid("POST /enrollment/v1/employers", owner)
        return str((await made(clerk.post("/employers", asked.body)))["employer_ref"])

    async def registration(self, owner: Owner) -> dict[str, Any]:
        return {
            "id_number": self.id_number(), "name": "阿依古丽·买买提", "county_code": owner.pool,
            "kind": "employee", "employer_ref": await self.employer(owner), "start": "2023-01-01",
        }  # fmt: skip

    async def registered(self, owner: Owner) -> dict[str, Any]:
        clerk = await self.caller("enrollment", "clerk", owner)
        body = await self.registration(owner)
        return body | await made(clerk.post("/persons", body)) | {"id_number": body["id_number"]}

    # ---- settlement

    async def pregnancy(self, owner: Owner) -> tuple[str, str]:
        """A person and her pregnancy."""
        hospital = await self.caller("settlement", "hospital", owner)
        person = await self.house.person(owner.pool)
        return person, await self.house.pregnancy(hospital, person)

    async def stay(self, owner: Owner, *, discharge: bool = True) -> tuple[str, dict[str, Any]]:
        hospital = await self.caller("settlement", "hospital", owner)
        person, pregnancy = await self.pregnancy(owner)
        return await self.house.stay(hospital, person, pregnancy, discharge=discharge)

    async def birth(self, owner: Owner, person: str, born: str, since: str) -> dict[str, Any]:
        """A birth on a day, settled."""
        hospital = await self.caller("settlement", "hospital", owner)
        pregnancy = await self.house.pregnancy(hospital, person, since)
        admitted = {"stay_number": self.fresh(), "person_ref": person, "pregnancy_id": pregnancy,
                    "admitted_on": born}  # fmt: skip
        stay = (await made(hospital.post("/stays", admitted)))["stay_id"]
        line = {"line_number": 1, "item_code": "delivery", "charged_on": born, "quantity": "1",
                "price": "4500.00"}  # fmt: skip
        total = (await made(hospital.post(f"/stays/{stay}/lines", {"lines": [line]})))["total"]
        outcome = {"discharged_on": born, "event_on": born, "mode": "vaginal", "total": total}
        await made(hospital.post(f"/stays/{stay}/discharge", outcome))
        return await made(hospital.post(f"/stays/{stay}/settle", {"total": total}))

    async def imported(self, owner: Owner) -> UUID:
        """A file of one item of the owner's pool, proposed by an operator."""
        number = next(self.number)
        one = Listing(f"n{number}", "床位费", ItemKind.FACILITY, "a", Decimal(0), None, None, True,
                      date(2020, 1, 1), None)  # fmt: skip
        scene = Scene(owner.pool, "", "operator:one", "request", self.whole.clock.now())
        async with transaction(
            self.whole.services["settlement"].app.state.office.pool, [AGENCY]
        ) as tx:
            return await propose_import(tx, scene, [one], "", lambda _: None)

    async def settled(self, owner: Owner) -> dict[str, Any]:
        hospital = await self.caller("settlement", "hospital", owner)
        stay, outcome = await self.stay(owner)
        total = {"total": outcome["total"]}
        return await made(hospital.post(f"/stays/{stay}/settle", total))

    async def proposed(self, claim: str) -> UUID:
        """An adjustment of a fen that a clerk proposed for a claim."""
        number = uuid4()
        await self.owners["settlement"].execute(_PROPOSED, number, UUID(claim))
        return number

    async def opened(self, owner: Owner) -> dict[str, Any]:
        """The allowance that a birth opened."""
        settled = await self.settled(owner)
        pregnancy = await self.owners["settlement"].fetchval(
            "select pregnancy_id::text from settlement where settlement_id::text = $1",
            settled["settlement_id"],
        )
        clerk = await self.caller("settlement", "clerk", owner)
        listed = await made(clerk.get("/allowances", pregnancy=pregnancy))
        found: dict[str, Any] = next(i for i in listed["items"] if i["kind"] == "allowance")
        return found

    # ---- audit

    async def deducted(self, owner: Owner, before: Owner) -> dict[str, str]:
        """A second claim for one birth, flagged, decided, and waiting to be deducted."""
        person = await self.house.person(owner.pool)
        await self.birth(before, person, "2024-03-10", "2023-07-01")
        claim = (await self.birth(owner, person, "2024-03-21", "2024-03-12"))["settlement_id"]
        audit, settlement = self.owners["audit"], self.owners["settlement"]

        async def flagged() -> Any:
            return await audit.fetchval(
                "select flag_id::text from flag where claim_id::text = $1"
                " and rule_family = 'duplicate-claim'",
                claim,
            )

        flag = await until(flagged)
        first = await self.caller("audit", "reviewer", owner, name="first")
        second = await self.caller("audit", "reviewer", owner)
        await decided(first, second, await self.caller("audit", "hospital", owner), flag)
        await until(
            lambda: settlement.fetchval(
                "select true from deduction where settlement_id::text = $1", claim
            )
        )
        return {"claim": claim, "flag": flag}

    async def flag(self, owner: Owner) -> dict[str, Any]:
        """A flag on a claim of the owner's: a birth told twice."""
        app = self.whole.services["audit"].app
        person, now = uuid4().hex, self.whole.clock.now()
        births = [
            Telling(person, born, owner.hospital, owner.pool, now)
            for born in ("2024-02-01", "2024-03-01")
        ]
        source = ListSource([birth.settled() for birth in births])
        handle = claim_handler(self.whole.clock, read_library())
        pool = app.state.desk.pool
        await Inbox(f"test-{uuid4()}", pool, source, handle, self.whole.clock).take_once()
        row = await self.owners["audit"].fetchrow(
            "select flag_id::text, claim_id::text from flag where claim_id = any($1)",
            [birth.claim_id for birth in births],
        )
        assert row is not None
        return dict(row)


Maker = Callable[[Peopled, Owner], Awaitable[Asked]]
REQUESTS: dict[str, Maker] = {}
"""Every route that asks who calls, under its own name: method and path."""


def request_of(route: str) -> Callable[[Maker], Maker]:
    """Register a maker of valid requests."""

    def register(maker: Maker) -> Maker:
        REQUESTS[route] = maker
        return maker

    return register


@asynccontextmanager
async def peopled(databases: ServiceDatabases, folder: Path) -> AsyncIterator[Peopled]:
    """The agency, open for business in two pools, with the hospitals of all owners."""
    import tests.support.requests  # noqa: F401 - fills REQUESTS

    async with agency(databases, folder, None) as whole:
        hospitals = {FIRST: {A.hospital: 3, B.hospital: 2}, SECOND: {ELSEWHERE.hospital: 3}}
        await whole.open_for_business(hospitals)
        owners = {
            service: await open_pool(whole.databases[service]["owner"], size=2)
            for service in SERVICES
        }
        for pool in owners.values():
            await add_client(
                pool, client_id="known", role="operator", pool_code="", institution_code="",
                at=whole.clock.now(), secret=SECRET,
            )  # fmt: skip
        yield Peopled(whole, owners)
        for pool in owners.values():
            await pool.close()
        await whole.close()
