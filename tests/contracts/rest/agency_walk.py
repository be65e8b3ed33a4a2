"""What the agency does: people enrolled, the business opened, the law and the catalogue changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from services.settlement.actions.keep_catalogue import propose_import
from services.settlement.actions.scene import Scene
from services.settlement.domain.catalogue import ItemKind, Listing
from shared.plumbing.database import AGENCY, transaction
from tests.contracts.rest.calls import Recorder
from tests.contracts.rest.walker import CATALOGUE, COUNTY, HIGH, LOW, POOL, Walker
from tests.support.agency import Agency, made, until
from tests.support.late_document import LATE_AT_ONCE, book_with, make_current


async def enrolled(whole: Agency, recorder: Recorder) -> str:
    clerk = Walker(recorder, await whole.caller("enrollment", "clerk", "clerk", POOL))
    await clerk.post(
        "/employers",
        {"employer_ref": "E-9001", "name": "示例单位", "pool": POOL, "county_code": COUNTY,
         "kind": "enterprise"},
    )  # fmt: skip
    employee = {"id_number": "320102199003159003", "name": "例某", "county_code": COUNTY,
                "kind": "employee", "employer_ref": "E-9001", "start": "2023-01-01"}  # fmt: skip
    person: str = (await clerk.post("/persons", employee))["person_ref"]
    await clerk.post("/persons", employee, name="registered-already")
    flexible = {"id_number": "32010219900315902X", "name": "例乙", "county_code": COUNTY,
                "kind": "flexible", "start": "2023-06-01"}  # fmt: skip
    (listed,) = (await clerk.post("/imports", {"items": [flexible]}))["items"]
    months = [f"{2023 + n // 12}-{n % 12 + 1:02d}" for n in range(15)]
    items = [{"person_ref": person, "month": month, "base": "6000.00"} for month in months]
    await clerk.post("/contributions", {"items": items})
    await clerk.post(f"/persons/{listed['person_ref']}/spells:end", {"end": "2024-01-01"})
    await clerk.post("/persons:find", {"id_number": employee["id_number"]})
    await clerk.get(f"/persons/{person}")
    await clerk.get(f"/persons/{person}/state")
    await clerk.get(f"/persons/{person}/entitlement", on="2024-03-21", benefit="delivery")
    await clerk.get("/rates", pool=POOL, on="2024-03-21")
    unlisted = {"items": [{"id_number": "320102199003159038", "employer_ref": "E-9001"}]}
    await clerk.post("/coverage-gaps", unlisted | {"on": "2024-03-21"})
    return person


async def open_for_business(whole: Agency, recorder: Recorder) -> None:
    """Agreements, a catalogue and a book in force, as the agency makes them."""
    plain = await whole.caller("settlement", "clerk-a", "clerk", POOL)
    clerk = Walker(recorder, plain)
    agreement = {"level": 3, "start": "2020-01-01"}
    for code in (HIGH, LOW):
        await made(plain.post("/agreements", agreement | {"institution_code": code}))
    for item in CATALOGUE:
        await made(plain.post("/catalogue-items", item | {"start": "2020-01-01"}))
    await clerk.post("/agreements", agreement | {"institution_code": "H32010000009"})
    await clerk.get("/agreements", limit=10)
    await clerk.post(
        "/catalogue-items",
        {"item_code": "labour-analgesia", "name": "分娩镇痛", "item_class": "b",
         "first_copay_rate": "0.1", "start": "2020-01-01"},
    )  # fmt: skip
    proposal = (await clerk.post("/books", {}))["proposal"]
    await clerk.post(f"/books/{proposal}/approve", {}, name="second-person-needed")
    second = Walker(recorder, await whole.caller("settlement", "clerk-b", "clerk", POOL))
    await second.post(f"/books/{proposal}/approve", {})
    whole.clock.move(seconds=3)
    app = whole.services["settlement"].app

    async def current() -> bool:
        return app.state.office.book() is not None

    await until(current)
    finance = Walker(recorder, await whole.caller("settlement", "finance", "finance", POOL))
    await finance.post("/periods", {"month": "2024-02"})


async def heard_of(whole: Agency, person: str) -> None:
    """Wait until settlement knows, by events, what a person has paid."""
    pool = whole.services["settlement"].app.state.office.pool
    paid = (
        "select true from person_state where person_ref = $1"
        " and json_array_length(state -> 'paid') > 0"
    )

    async def known() -> bool:
        return bool(await pool.fetchval(paid, person))

    await until(known)


async def his_introduced(whole: Agency, recorder: Recorder) -> None:
    """A hospital's system, whose profile two clerks put in force."""
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    second = Walker(recorder, await whole.caller("settlement", "clerk-b", "clerk", POOL))
    his = {"institution_code": HIGH, "scheme": "csb_ms", "access_key": "AK-9001",
           "secret": "replace-with-a-long-one"}  # fmt: skip
    proposal = (await clerk.post("/his-profiles", his))["proposal"]
    await second.get("/his-profiles", after=0, limit=10)
    await clerk.post(f"/his-profiles/{proposal}/approve", {}, name="second-person-needed")
    await second.post(f"/his-profiles/{proposal}/approve", {})


async def catalogued(whole: Agency, recorder: Recorder) -> None:
    """What was listed ends early; of two files that an operator proposed by the command one is
    taken, one is put aside."""
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    await clerk.post("/catalogue-items/labour-analgesia/end", {"end": "2030-01-01"})
    await clerk.get("/catalogue-items", since="2024-01-01", kind="treatment", after=0, limit=2)
    await clerk.post("/agreements/H32010000009/end", {"end": "2030-01-01"})
    pool = whole.services["settlement"].app.state.office.pool
    scene = Scene(POOL, "", "operator:one", "request", whole.clock.now())
    proposed = []
    for code in ("epidural-set", "epidural-needle"):
        one = Listing(code, "硬膜外包", ItemKind.MATERIAL, "b", Decimal("0.1"), None, None, True,
                      date(2024, 1, 1), None)  # fmt: skip
        async with transaction(pool, [AGENCY]) as tx:
            proposed.append(await propose_import(tx, scene, [one], "0" * 64, lambda _: None))
    await clerk.get("/catalogue-imports", state="proposed", limit=10)
    await clerk.post(f"/catalogue-imports/{proposed[0]}/approve", {})
    await clerk.post(f"/catalogue-imports/{proposed[1]}/reject", {})


async def reconsidered(whole: Agency, recorder: Recorder) -> None:
    """A document that came late: two births, the one adjusted, the other left as it is."""
    plain = await whole.caller("settlement", "clerk-a", "clerk", POOL)
    other = await whole.caller("settlement", "clerk-b", "clerk", POOL)
    with TemporaryDirectory() as folder:
        book = book_with(Path(folder), LATE_AT_ONCE)
        await make_current(whole, plain, other, book)
    first, second = Walker(recorder, plain), Walker(recorder, other)
    done = await first.post("/reconsiderations", {"since": "2024-03-01", "until": "2024-03-31"})
    released, rejected = done["proposed"]
    await second.get("/adjustments", state="proposed", limit=10)
    await first.post(f"/adjustments/{released}/release", {}, name="second-person-needed")
    await second.post(f"/adjustments/{released}/release", {})
    await second.post(f"/adjustments/{released}/release", {}, name="decided-already")
    await second.post(f"/adjustments/{rejected}/reject", {})
