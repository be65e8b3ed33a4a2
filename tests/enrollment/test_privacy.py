"""Nothing personal leaves the sealed columns: not in events, log, kept answers, or on a screen."""

from __future__ import annotations

import json

import jsonschema
import pytest
import structlog

from shared.contracts.person import ContributionPosted, PersonStateChanged
from shared.contracts.register import schema_text
from tests.enrollment.conftest import Enrollment, id_number, registration

NAME = "阿依古丽·买买提"
BIRTH = "19900315"


async def story(enrollment: Enrollment) -> str:
    await enrollment.employer("E1")
    await enrollment.employer("E2")
    ref: str = (await enrollment.person())["person_ref"]
    items = [{"person_ref": ref, "month": f"2023-0{n}", "base": "6000.00"} for n in range(1, 4)]
    assert (await enrollment.post("/contributions", {"items": items})).status_code == 201
    await enrollment.person(employer_ref="E2", start="2024-01-01")
    ended = await enrollment.post(f"/persons/{ref}/spells:end", {"end": "2024-05-01"})
    assert ended.status_code == 201
    return ref


async def test_no_table_holds_a_number_or_a_name_in_the_open(enrollment: Enrollment) -> None:
    await story(enrollment)
    tables = [
        row["relname"]
        for row in await enrollment.owner.fetch(
            "select relname from pg_class where relkind = 'r' and not relispartition"
            " and relnamespace = 'public'::regnamespace"
            " union all select 'outbox' union all select 'log'"
        )
    ]
    assert {"person", "idempotency", "outbox", "log", "person_version"} <= set(tables)
    for table in tables:
        for row in await enrollment.owner.fetch(f"select * from {table}"):  # noqa: S608
            for column, value in row.items():
                held = value if isinstance(value, bytes) else str(value).encode()
                for secret in (id_number(), BIRTH, NAME, NAME[:4]):
                    assert secret.encode() not in held, (table, column)


async def test_events_keep_their_contract(enrollment: Enrollment) -> None:
    await story(enrollment)
    contracts = {c.type: c for c in (PersonStateChanged, ContributionPosted)}
    rows = await enrollment.owner.fetch("select type, headers::text, data from outbox")
    assert {row["type"] for row in rows} == set(contracts)
    for row in rows:
        contract = contracts[row["type"]]
        jsonschema.validate(json.loads(row["data"]), json.loads(schema_text(contract)))
        assert set(json.loads(row["data"])) == set(contract.model_fields)
        headers = json.loads(row["headers"])
        assert headers["ce_dataschema"] == contract.schema_path()
        assert headers["ce_source"] == "/enrollment/653000"


async def test_every_act_is_logged_with_who_and_from_what_to_what(enrollment: Enrollment) -> None:
    ref = await story(enrollment)
    rows = await enrollment.owner.fetch(
        "select actor, action, from_state, to_state from log where subject = $1 order by id",
        f"person:{ref}",
    )
    assert [tuple(row) for row in rows] == [
        ("kizilsu-clerk", "register-person", "version 0", "version 1"),
        ("kizilsu-clerk", "post-contributions", "version 1", "version 2"),
        ("kizilsu-clerk", "register-person", "version 2", "version 3"),
        ("kizilsu-clerk", "end-spell", "version 3", "version 4"),
    ]
    posted = await enrollment.owner.fetchval(
        "select count(*) from log where action = 'post-contribution'"
    )
    assert posted == 3


async def test_a_number_is_looked_up_by_body_and_never_by_address(enrollment: Enrollment) -> None:
    ref = await story(enrollment)
    found = await enrollment.post("/persons:find", {"id_number": id_number()}, who="hospital")
    assert found.json()["person_ref"] == ref
    for answer in (found, await enrollment.get(f"/persons/{ref}")):
        assert id_number() not in answer.text
        assert NAME not in answer.text
        assert answer.json()["id_number"] == f"653001********{id_number()[-4:]}"
    unknown = await enrollment.post("/persons:find", {"id_number": id_number(9)})
    assert unknown.status_code == 404
    assert id_number(9) not in unknown.text
    by_address = await enrollment.get(f"/persons?id_number={id_number()}")
    assert by_address.status_code in (404, 405)
    assert id_number() not in by_address.text


async def test_coverage_gaps_names_who_is_missing_and_keeps_nothing(
    enrollment: Enrollment,
) -> None:
    await story(enrollment)
    await enrollment.person(id_number=id_number(2), name="李娜")
    items = [
        {"id_number": id_number(1)},
        {"id_number": id_number(2), "employer_ref": "E1"},
        {"id_number": id_number(3), "employer_ref": "E7"},
    ]
    counts = "select (select count(*) from person), (select count(*) from idempotency)"
    before = await enrollment.owner.fetchrow(counts)
    answer = await enrollment.post("/coverage-gaps", {"items": items})
    assert answer.status_code == 200
    masked = [f"653001********{id_number(n)[-4:]}" for n in (1, 3)]
    assert answer.json() == {
        "on": "2024-06-20",
        "asked": 3,
        "gaps": [
            {"item": 0, "id_number": masked[0], "employer_ref": None},
            {"item": 2, "id_number": masked[1], "employer_ref": "E7"},
        ],
    }
    earlier = await enrollment.post("/coverage-gaps", {"items": items, "on": "2024-04-30"})
    assert [gap["item"] for gap in earlier.json()["gaps"]] == [2]
    assert await enrollment.owner.fetchrow(counts) == before
    logged = await enrollment.owner.fetch(
        "select to_state from log where action = 'find-gaps' order by id"
    )
    assert [row["to_state"] for row in logged] == ["2 of 3", "1 of 3"]
    wrong = [*items, {"id_number": "653001199003150005"}]
    refused = await enrollment.post("/coverage-gaps", {"items": wrong})
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/items/3", "id-number-invalid")
    assert "身份" in error["title_zh"]


async def test_an_unforeseen_error_logs_no_personal_data(
    enrollment: Enrollment, capsys: pytest.CaptureFixture[str]
) -> None:
    await enrollment.employer()
    await enrollment.person()
    await enrollment.owner.execute("alter table person rename column name_sealed to lost")
    with structlog.testing.capture_logs() as logged, pytest.raises(Exception, match="name_sealed"):
        await enrollment.post("/persons", registration(employer_ref="E1", start="2024-01-01"))
    said = repr(logged) + "".join(capsys.readouterr())
    assert "unforeseen" in said
    assert id_number() not in said
    assert NAME not in said
