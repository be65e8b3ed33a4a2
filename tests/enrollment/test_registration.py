"""One act, one person: registering, changing employer, leaving."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime
from typing import Any

import httpx
import orjson

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.import_persons import import_persons
from services.enrollment.actions.register_person import Registration
from services.enrollment.domain.refusals import Refused
from services.enrollment.store.histories import read_together
from shared.contracts.person import PersonStateChanged
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.peer import Peer
from shared.policy.shapes import MemberKind
from tests.enrollment.conftest import (
    KIZILSU,
    KIZILSU_COUNTY,
    NANJING,
    NANJING_COUNTY,
    NOW,
    Enrollment,
    id_number,
    registration,
)


def code(answer: Any) -> str:
    text: str = answer.json()["code"]
    return text


async def states_told(enrollment: Enrollment, person_ref: str) -> list[PersonStateChanged]:
    rows = await enrollment.owner.fetch(
        "select data, sequence, key, type, topic from outbox"
        " where aggregate_id = $1 order by sequence",
        person_ref,
    )
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert {(r["key"], r["type"], r["topic"]) for r in rows} == {
        (person_ref, PersonStateChanged.type, PersonStateChanged.topic)
    }
    return [PersonStateChanged.from_bytes(row["data"]) for row in rows]


async def test_an_employee_joins_both_insurances_in_one_act(enrollment: Enrollment) -> None:
    await enrollment.employer()
    made = await enrollment.person()
    assert made["spell"]["insurance"] == ["310", "510"]
    assert re.fullmatch(r"[0-9a-f]{32}", made["person_ref"])
    assert made["id_number"] == "653001********" + id_number()[-4:]
    assert made["name"] == "阿**"
    (state,) = await states_told(enrollment, made["person_ref"])
    assert state.state_version == 1
    assert state.spells[0].insurance == ["310", "510"]
    assert state.spells[0].end is None
    shown = (await enrollment.get(f"/persons/{made['person_ref']}")).json()
    assert shown["spells"] == [made["spell"]]


async def test_others_join_medical_insurance_alone(enrollment: Enrollment) -> None:
    for number, kind in enumerate(("flexible", "retiree", "early_retiree"), 1):
        made = await enrollment.person(
            id_number=id_number(number), kind=kind, employer_ref=None, who="nanjing-clerk",
            county_code=NANJING_COUNTY,
        )  # fmt: skip
        assert made["spell"]["insurance"] == ["310"], kind
        assert made["spell"]["pool_code"] == NANJING


async def test_the_same_number_is_the_same_person(enrollment: Enrollment) -> None:
    await enrollment.employer("E1")
    await enrollment.employer("E2")
    first = await enrollment.person()
    second = await enrollment.person(employer_ref="E2", start="2024-01-01")
    assert second["person_ref"] == first["person_ref"]
    assert second["state_version"] == 2
    assert await enrollment.owner.fetchval("select count(*) from person") == 1
    told = await states_told(enrollment, first["person_ref"])
    assert [(s.start, s.end) for s in told[-1].spells] == [
        ("2023-01-01", "2024-01-01"),
        ("2024-01-01", None),
    ]
    kept = await enrollment.owner.fetch(
        "select version, state from person_version where person_ref = $1 order by version",
        first["person_ref"],
    )
    assert [row["state"] for row in kept] == [state.to_bytes() for state in told]


async def test_two_employers_at_once_make_one_person(enrollment: Enrollment) -> None:
    for number in range(8):
        await enrollment.employer(f"E{number}")

    async def until_answered(n: int) -> httpx.Response:
        body = registration(employer_ref=f"E{n}", start=f"2023-0{n + 1}-01")
        while True:
            answer = await enrollment.post("/persons", body, key=f"employer-{n}")
            if answer.status_code == 201 or not answer.json()["retryable"]:
                return answer

    answers = await asyncio.gather(*(until_answered(n) for n in range(8)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    refused = {code(answer) for answer in answers if answer.status_code != 201}
    assert made
    assert refused <= {"3009-not-after-last-spell"}
    assert len({person["person_ref"] for person in made}) == 1
    assert await enrollment.owner.fetchval("select count(*) from person") == 1
    told = await states_told(enrollment, made[0]["person_ref"])
    assert len(told) == len(made) == len(told[-1].spells)
    for earlier, later in zip(told[-1].spells, told[-1].spells[1:], strict=False):
        assert earlier.end == later.start


async def test_refusals_of_a_registration_store_nothing(enrollment: Enrollment) -> None:
    await enrollment.employer()
    await enrollment.person()
    cases = [
        (registration(), "3008-already-registered"),
        (registration(kind="flexible", employer_ref=None), "3009-not-after-last-spell"),
        (registration(name="另一人"), "3005-name-differs"),
        (registration(employer_ref="E9"), "3002-employer-unknown"),
        (registration(employer_ref=None), "3006-employer-does-not-fit-kind"),
        (registration(kind="retiree"), "3006-employer-does-not-fit-kind"),
        (registration(start="1990-03-15"), "3007-start-out-of-range"),
        (registration(start="2025-06-22"), "3007-start-out-of-range"),
    ]
    before = await _rows(enrollment)
    for body, expected in cases:
        assert code(await enrollment.post("/persons", body)) == expected
    assert await _rows(enrollment) == before


async def test_a_spell_ends_on_a_day_and_only_once(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    early = await enrollment.post(f"/persons/{ref}/spells:end", {"end": "2023-01-01"})
    assert code(early) == "3011-no-spell-to-end"
    done = await enrollment.post(f"/persons/{ref}/spells:end", {"end": "2024-03-01"})
    assert done.status_code == 201
    assert done.json()["spell"]["end"] == "2024-03-01"
    again = await enrollment.post(f"/persons/{ref}/spells:end", {"end": "2024-03-01"})
    assert code(again) == "3011-no-spell-to-end"
    assert (await states_told(enrollment, ref))[-1].spells[0].end == "2024-03-01"
    back = await enrollment.person(start="2024-03-01")
    assert back["person_ref"] == ref


async def test_another_pools_clerk_sees_nobody(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    other = {"who": "nanjing-clerk"}
    answers = [
        await enrollment.get(f"/persons/{ref}", **other),
        await enrollment.get(f"/persons/{ref}/state", **other),
        await enrollment.get(f"/persons/{ref}/entitlement?on=2024-06-01", **other),
        await enrollment.post("/persons:find", {"id_number": id_number()}, **other),
        await enrollment.post(f"/persons/{ref}/spells:end", {"end": "2024-03-01"}, **other),
        await enrollment.post(
            "/contributions", {"person_ref": ref, "month": "2024-01", "base": "1.00"}, **other
        ),
        await enrollment.get(f"/persons/{ref}", who="no-pool-clerk"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    foreign = registration(kind="flexible", employer_ref=None, county_code=NANJING_COUNTY)
    elsewhere = await enrollment.post("/persons", foreign, **other)
    assert code(elsewhere) == "3010-insured-elsewhere"
    assert (await enrollment.get(f"/persons/{ref}")).status_code == 200


async def test_of_pools_that_ask_at_once_each_is_told_behind_its_own_wall(
    enrollment: Enrollment,
) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    asked = [(ref, NANJING), (ref, KIZILSU), (ref, ""), ("0" * 32, KIZILSU)]
    together = read_together(enrollment.owner)
    known = await asyncio.gather(*map(together.find, asked))
    assert [None if one is None else len(one.history.spells) for one in known] == [None, 1, 1, None]


async def test_roles(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    for_whom = {
        "hospital": (200, 403, 403),
        "settlement": (200, 200, 403),
        "kizilsu-finance": (403, 200, 403),
    }
    for who, expected in for_whom.items():
        got = (
            (await enrollment.get(f"/persons/{ref}", who=who)).status_code,
            (await enrollment.get(f"/persons/{ref}/state", who=who)).status_code,
            (await enrollment.post("/persons", registration(), who=who)).status_code,
        )
        assert got == expected, who
    bare = await enrollment.http.get(f"/enrollment/v1/persons/{ref}")
    assert bare.status_code == 401


async def test_the_state_is_what_was_told_and_when(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    state = (await enrollment.get(f"/persons/{ref}/state", who="settlement")).json()
    told = (await states_told(enrollment, ref))[-1]
    assert state == {"state": orjson.loads(told.to_bytes()), "at": "2024-06-20T02:00:00.000Z"}


async def test_settlement_reads_the_state_it_looks_up(enrollment: Enrollment) -> None:
    await enrollment.employer()
    ref = (await enrollment.person())["person_ref"]
    credential = f"settlement:{enrollment.secrets['settlement']}"
    peer = Peer("enrollment", "http://enrollment", credential, enrollment.transport)
    found = await peer.get(f"/enrollment/v1/persons/{ref}/state")
    assert found is not None
    state = PersonStateChanged.model_validate(found["state"])
    assert (state.sex, state.birth_month) == ("male", "1990-03")
    assert (state.person_ref, state.state_version) == (ref, 1)
    assert datetime.fromisoformat(found["at"]) == NOW
    for _ in range(6):  # more than open the peer's breaker: not found is no failure
        for unknown in ("0" * 32, "no-reference-of-ours", "x" * 300):
            assert await peer.get(f"/enrollment/v1/persons/{unknown}/state") is None
    await peer.close()


async def test_a_key_gives_the_same_bytes_again(enrollment: Enrollment) -> None:
    await enrollment.employer()
    first = await enrollment.post("/persons", registration(), key="k1")
    before = await _rows(enrollment)
    again = await enrollment.post("/persons", registration(), key="k1")
    assert (again.status_code, again.content) == (201, first.content)
    other = await enrollment.post("/persons", registration(start="2023-02-01"), key="k1")
    assert (other.status_code, code(other)) == (422, "8-key-used-with-another-body")
    assert await _rows(enrollment) == before
    missing = await enrollment.http.post(
        "/enrollment/v1/persons",
        json=registration(),
        headers={"authorization": f"Bearer {enrollment.tokens['kizilsu-clerk']}"},
    )
    assert (missing.status_code, code(missing)) == (400, "2-idempotency-key-missing")


async def test_an_employer_number_is_given_once(enrollment: Enrollment) -> None:
    await enrollment.employer()
    body = {
        "employer_ref": "E1", "name": "另一家", "pool": "653000", "county_code": "653001",
        "kind": "enterprise",
    }  # fmt: skip
    assert code(await enrollment.post("/employers", body)) == "3001-employer-already-known"
    foreign = await enrollment.post("/employers", body | {"pool": NANJING, "employer_ref": "E2"})
    assert foreign.status_code == 404


async def test_a_list_is_imported_whole_or_not_at_all(enrollment: Enrollment) -> None:
    await enrollment.employer()
    items = [registration(id_number=id_number(n), name=f"李{n}") for n in range(1, 31)]
    before = await _rows(enrollment)
    wrong = [*items[:4], registration(id_number=id_number(5), employer_ref="E9")]
    refused = await enrollment.post("/imports", {"items": wrong})
    assert refused.json()["code"] == "3002-employer-unknown"
    assert refused.json()["errors"][0]["pointer"] == "/items/4"
    assert await _rows(enrollment) == before
    twice = await enrollment.post("/imports", {"items": [items[0], items[0]]})
    assert twice.json()["code"] == "3008-already-registered"
    assert await _rows(enrollment) == before
    done = await enrollment.post("/imports", {"items": items}, key="list")
    assert [one["id_number"][-4:] for one in done.json()["items"]] == [
        item["id_number"][-4:] for item in items
    ]
    assert await enrollment.owner.fetchval("select count(*) from person") == 30
    again = await enrollment.post("/imports", {"items": items}, key="list")
    assert again.content == done.content


async def test_a_list_takes_as_many_statements_however_long_it_is(enrollment: Enrollment) -> None:
    await enrollment.employer()
    here: Any = enrollment.transport.app
    office = here.state.office
    acting = Acting(Caller("c", "clerk", KIZILSU, ""), "r", NOW, office.book, office.vault)
    taken = []
    for numbers in (range(1, 2), range(2, 3), range(3, 33)):  # the first is asked about types
        listed = [
            Registration(
                id_number(n), f"李{n}", KIZILSU_COUNTY, MemberKind.EMPLOYEE, "E1", date(2023, 1, 1)
            )
            for n in numbers
        ]
        said: list[Any] = []
        async with transaction(enrollment.owner, [AGENCY]) as tx:
            with tx.query_logger(said.append):
                done = await import_persons(tx, acting, listed)
        assert not isinstance(done, Refused)
        assert len(done) == len(listed)
        taken.append([asked.query for asked in said])
    assert taken[1] == taken[2]


async def _rows(enrollment: Enrollment) -> list[int]:
    tables = ("person", "person_version", "spell", "contribution", "outbox", "log", "idempotency")
    return [
        await enrollment.owner.fetchval(f"select count(*) from {table}")  # noqa: S608
        for table in tables
    ]
