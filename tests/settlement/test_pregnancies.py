"""The register of pregnancies over HTTP: found by each hospital of the pool, and mended."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.settlement.conftest import KIZILSU, NANJING, House, house_of_the_file
from tests.settlement.test_gateway_registers import Nobody
from tests.support.running import Client

A, B = f"H{NANJING}a", f"H{NANJING}b"


house = house_of_the_file()


def _code(answer: httpx.Response) -> tuple[int, int]:
    """The status, and the refusal's number."""
    return answer.status_code, int(answer.json()["code"].split("-")[0])


async def _found(client: Client, person: str, **more: Any) -> list[dict[str, Any]]:
    answer = await client.get("/pregnancies", person_ref=person, **more)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _settled(desk: Client, stay: str, total: str) -> httpx.Response:
    return await desk.post(f"/stays/{stay}/settle", {"total": total})


async def test_a_pregnancy_is_found_by_every_hospital_of_its_pool(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    assert await _found(nanjing_b, person) == []
    pregnancy = await house.pregnancy(nanjing_a, person)
    again = {"person_ref": person, "since": "2023-07-02", "institution_code": B}
    assert _code(await nanjing_b.post("/pregnancies", again)) == (409, 1018)
    own = {
        "pregnancy_id": pregnancy, "person_ref": person, "state": "open", "since": "2023-07-01",
        "until": None, "institution_code": A,
        "designations": [{"institution_code": A, "since": "2023-07-01"}],
    }  # fmt: skip
    hidden = own | {"institution_code": None, "designations": []}
    assert await _found(nanjing_a, person) == [own]
    assert await _found(nanjing_b, person) == [hidden]
    assert await _found(house.clerks[NANJING], person) == [own]
    assert await _found(house.hospitals[f"a-{KIZILSU}"], person) == []
    assert await _found(house.clerks[KIZILSU], person) == []
    # What it was looked up for.
    moved = {"institution_code": B, "since": "2024-03-01"}
    assert (await nanjing_b.post(f"/pregnancies/{pregnancy}/transfer", moved)).status_code == 201
    made = [*own["designations"], moved]
    assert await _found(house.clerks[NANJING], person) == [
        own | {"institution_code": B, "designations": made}
    ]
    assert await _found(nanjing_b, person) == [
        own | {"institution_code": B, "designations": made[1:]}
    ]
    assert await _found(nanjing_a, person) == [
        own | {"institution_code": None, "designations": made[:1]}
    ]


async def test_the_latest_is_told_first_and_an_ended_one_as_such(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    first = await house.pregnancy(nanjing_a, person)
    stay, outcome = await house.stay(nanjing_a, person, first)
    assert (await _settled(nanjing_a, stay, outcome["total"])).status_code == 201
    second = await house.pregnancy(nanjing_b, person, "2024-03-23")
    found = await _found(nanjing_b, person)
    assert [(one["pregnancy_id"], one["state"], one["until"]) for one in found] == [
        (second, "open", None),
        (first, "ended", "2024-03-22"),
    ]
    (latest,) = await _found(nanjing_b, person, limit="1")
    assert latest["pregnancy_id"] == second


async def test_an_ended_pregnancy_is_entrusted_to_nobody_else(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    place, to_b = f"/pregnancies/{pregnancy}/transfer", {"institution_code": B}
    assert (await nanjing_b.post(place, to_b, key="while-it-ran")).status_code == 201
    stay, outcome = await house.stay(nanjing_a, person, pregnancy)
    settled = await _settled(nanjing_a, stay, outcome["total"])
    assert settled.status_code == 201, settled.text
    to_a, clerk = {"institution_code": A}, house.clerks[NANJING]
    for who, since in ((nanjing_a, {}), (nanjing_b, {}), (clerk, {"since": "2024-03-21"})):
        assert _code(await who.post(place, to_a | since)) == (409, 1093)
    assert (await nanjing_b.post(place, to_b, key="while-it-ran")).status_code == 201
    # The money is undone, the birth is not.
    undone = await nanjing_a.post(f"/settlements/{settled.json()['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    assert _code(await clerk.post(place, to_a)) == (409, 1093)
    (found,) = await _found(clerk, person)
    assert (found["state"], found["institution_code"]) == ("ended", B)
    assert len(found["designations"]) == 2


async def test_a_wrong_first_day_is_corrected_and_the_birth_settled(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_b, person)
    stay, outcome = await house.stay(nanjing_a, person, pregnancy)
    place, wrong = f"/pregnancies/{pregnancy}/correct", {"since": "2024-03-25"}
    corrected = await nanjing_b.post(place, wrong, key="wrong")
    assert corrected.status_code == 201, corrected.text
    assert (await nanjing_b.post(place, wrong, key="wrong")).content == corrected.content
    known = corrected.json()
    assert (known["since"], known["designations"]) == (
        "2024-03-25",
        [{"institution_code": B, "since": "2024-03-25"}],
    )
    assert _code(await _settled(nanjing_a, stay, outcome["total"])) == (422, 1021)
    # Who neither registered it nor cares for it does not know it; and nobody's days lie ahead.
    assert _code(await nanjing_a.post(place, {"since": "2023-07-01"})) == (404, 1016)
    elsewhere = house.clerks[KIZILSU]
    assert _code(await elsewhere.post(place, {"since": "2023-07-01"})) == (404, 1016)
    assert _code(await nanjing_b.post(place, {"since": "2024-03-29"})) == (422, 1006)
    right = await house.clerks[NANJING].post(place, {"since": "2023-07-03"})
    assert right.status_code == 201, right.text
    settled = await _settled(nanjing_a, stay, outcome["total"])
    assert settled.status_code == 201, settled.text
    assert _code(await nanjing_b.post(place, {"since": "2023-07-04"})) == (409, 1090)
    # Reversed, the birth is still one: it ends the pregnancy that began before it.
    undone = await nanjing_a.post(f"/settlements/{settled.json()['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    assert _code(await nanjing_b.post(place, {"since": "2024-03-22"})) == (422, 1006)
    assert (await nanjing_b.post(place, {"since": "2023-07-04"})).status_code == 201
    assert (await _settled(nanjing_a, stay, outcome["total"])).status_code == 201
    told = await house.owner.fetch(
        "select since_before, since from pregnancy_correction where pregnancy_id = $1"
        " order by number",
        UUID(pregnancy),
    )
    assert [(str(one["since_before"]), str(one["since"])) for one in told] == [
        ("2023-07-01", "2024-03-25"), ("2024-03-25", "2023-07-03"), ("2023-07-03", "2023-07-04"),
    ]  # fmt: skip
    assert await _log(house, pregnancy, "correct_pregnancy") == [B, "", B]


async def _log(house: House, pregnancy: str, action: str) -> list[str]:
    rows = await house.owner.fetch(
        "select institution_code from log where subject = $1 and action = $2 order by id",
        f"pregnancy:{pregnancy}",
        action,
    )
    return [row["institution_code"] for row in rows]


async def test_a_corrected_pregnancy_keeps_apart_from_the_one_before(
    house: House, nanjing_a: Client
) -> None:
    person = await house.person(NANJING)
    first = await house.pregnancy(nanjing_a, person)
    stay, outcome = await house.stay(nanjing_a, person, first)
    assert (await _settled(nanjing_a, stay, outcome["total"])).status_code == 201
    second = await house.pregnancy(nanjing_a, person, "2024-03-25")
    place = f"/pregnancies/{second}/correct"
    assert _code(await nanjing_a.post(place, {"since": "2024-03-21"})) == (409, 1019)
    assert (await nanjing_a.post(place, {"since": "2024-03-22"})).status_code == 201


async def test_who_registered_it_may_correct_what_is_entrusted_to_another(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    """And learns nothing of whom it is entrusted to since."""
    person = await house.person(NANJING)
    body = {"person_ref": person, "since": "2023-07-01", "institution_code": A}
    pregnancy = (await nanjing_b.post("/pregnancies", body)).json()["pregnancy_id"]
    place = f"/pregnancies/{pregnancy}/correct"
    by_registrar = await nanjing_b.post(place, {"since": "2023-07-02"})
    assert by_registrar.status_code == 201, by_registrar.text
    assert by_registrar.json()["institution_code"] is None
    assert by_registrar.json()["designations"] == []
    assert (await nanjing_a.post(place, {"since": "2023-07-03"})).status_code == 201


async def test_a_cancelled_pregnancy_is_gone_and_the_person_registered_anew(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    place = f"/pregnancies/{pregnancy}/cancel"
    assert _code(await nanjing_b.post(place)) == (404, 1016)
    opened = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
              "admitted_on": "2024-03-20"}  # fmt: skip
    stay = (await nanjing_b.post("/stays", opened)).json()["stay_id"]
    assert _code(await nanjing_a.post(place)) == (409, 1091)
    assert (await nanjing_b.post(f"/stays/{stay}/cancel")).status_code == 201
    done = await nanjing_a.post(place, key="gone")
    assert done.status_code == 201, done.text
    assert (done.json()["state"], done.json()["since"]) == ("cancelled", "2023-07-01")
    assert (await nanjing_a.post(place, key="gone")).content == done.content
    # Nobody finds it any more, by whatever way.
    assert await _found(nanjing_a, person) == []
    ways = {
        f"/pregnancies/{pregnancy}/cancel": {},
        f"/pregnancies/{pregnancy}/correct": {"since": "2023-07-02"},
        f"/pregnancies/{pregnancy}/transfer": {"institution_code": A},
        "/stays": opened | {"stay_number": uuid4().hex},
    }
    for way, body in ways.items():
        assert _code(await nanjing_a.post(way, body)) == (404, 1016), way
    assert _code(await nanjing_a.get(f"/pregnancies/{pregnancy}/units")) == (404, 1016)
    refused = await nanjing_b.post(f"/stays/{stay}/quote", {})
    assert _code(refused) == (409, 1060)
    # The days are free at once, for whomever; the table and the log say what became of the other.
    again = await house.pregnancy(nanjing_b, person)
    (known,) = await _found(nanjing_a, person)
    assert known["pregnancy_id"] == again
    row = await house.owner.fetchrow(
        "select isempty(period) as empty, cancelled_at from pregnancy where pregnancy_id = $1",
        UUID(pregnancy),
    )
    assert (row["empty"], row["cancelled_at"]) == (True, house.clock.now())
    assert await _log(house, pregnancy, "cancel_pregnancy") == [A]


async def test_nothing_settled_is_cancelled_until_it_is_reversed(
    house: House, nanjing_a: Client
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    stay, outcome = await house.stay(nanjing_a, person, pregnancy)
    place = f"/pregnancies/{pregnancy}/cancel"
    settled = await _settled(nanjing_a, stay, outcome["total"])
    assert _code(await nanjing_a.post(place)) == (409, 1090)
    done = await nanjing_a.post(f"/settlements/{settled.json()['settlement_id']}/reverse")
    assert done.status_code == 201, done.text
    assert _code(await house.clerks[NANJING].post(place)) == (409, 1091)
    assert (await nanjing_a.post(f"/stays/{stay}/reopen")).status_code == 201
    lines = {"line_numbers": [1, 2, 3]}
    assert (await nanjing_a.post(f"/stays/{stay}/lines:cancel", lines)).status_code == 201
    assert (await nanjing_a.post(f"/stays/{stay}/cancel")).status_code == 201
    assert (await house.clerks[NANJING].post(place)).status_code == 201
    assert await _log(house, pregnancy, "cancel_pregnancy") == [""]
    # What was settled and reversed under it is still shown.
    shown = await nanjing_a.get(f"/settlements/{settled.json()['settlement_id']}")
    assert shown.json()["state"] == "reversed"


async def test_the_table_itself_holds_that_a_cancelled_one_is_empty(
    house: House, nanjing_a: Client
) -> None:
    pregnancy = UUID(await house.pregnancy(nanjing_a, await house.person(NANJING)))
    for broken in ("period = 'empty'", "cancelled_at = now()"):
        with pytest.raises(Exception, match="only_a_cancelled_one_is_empty"):
            await house.owner.execute(
                f"update pregnancy set {broken} where pregnancy_id = $1",  # noqa: S608
                pregnancy,
            )


async def test_only_an_institution_in_contract_and_a_known_person_are_registered(
    house: House, nanjing_a: Client
) -> None:
    """As the gateway's 90201 has it."""
    person = await house.person(NANJING)
    body = {"person_ref": person, "since": "2023-07-01", "institution_code": A}
    for caller in (nanjing_a, house.clerks[NANJING]):
        for unknown in ("H9", f"H{KIZILSU}a"):
            refused = await caller.post("/pregnancies", body | {"institution_code": unknown})
            assert _code(refused) == (422, 1010)
    office = house.running.app.state.office
    nobody = body | {"person_ref": uuid4().hex}
    before = office.enrollment
    try:
        office.enrollment = Nobody()
        assert _code(await nanjing_a.post("/pregnancies", nobody)) == (422, 1012)
        first = await nanjing_a.post("/pregnancies", body, key="known")
        assert first.status_code == 201, first.text
        # What was answered has its answer, though nothing is known of her any more.
        await house.owner.execute("delete from person_state where person_ref = $1", person)
        again = await nanjing_a.post("/pregnancies", body, key="known")
        assert again.content == first.content
        office.enrollment = Nobody(down=True)
        assert _code(await nanjing_a.post("/pregnancies", nobody)) == (503, 1013)
    finally:
        office.enrollment = before
    assert await house.owner.fetchval(
        "select count(*) from pregnancy where person_ref = $1", nobody["person_ref"]
    ) == 0  # fmt: skip


@pytest.mark.parametrize("benefit", ["delivery", "loss", "prenatal"])
async def test_nobody_is_admitted_before_her_pregnancy_began(
    house: House, nanjing_a: Client, benefit: str
) -> None:
    person = await house.person(NANJING)
    pregnancy = await house.pregnancy(nanjing_a, person)
    opened = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
              "admitted_on": "2023-06-30", "benefit": benefit}  # fmt: skip
    assert _code(await nanjing_a.post("/stays", opened)) == (422, 1092)
    first_day = opened | {"admitted_on": "2023-07-01"}
    assert (await nanjing_a.post("/stays", first_day)).status_code == 201
