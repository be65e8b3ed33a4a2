"""The catalogue: what a line of a day in a hospital of a level is worth, and how it is kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.settlement.actions.scene import Scene
from services.settlement.api.catalogue_command import (
    COLUMNS,
    BadFile,
    import_catalogue,
    read_listings,
)
from services.settlement.domain.catalogue import ItemKind, Listing, twice_listed
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.running import Client

house = house_of_the_file()


@pytest.fixture
def clerk(house: House) -> Client:
    return house.clerks[NANJING]


async def _list(clerk: Client, **facts: Any) -> str:
    """A new item; its code."""
    body = {"item_code": uuid4().hex, "name": "示例", "item_class": "a", "start": "2020-01-01"}
    answer = await clerk.post("/catalogue-items", body | facts)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["item_code"])


async def _billed(house: House, hospital: Client, *charged: tuple[str, str, str]) -> dict[str, Any]:
    """What a new stay comes to with lines of (item, day, price)."""
    person = await house.person(NANJING)
    stay = await hospital.post(
        "/stays",
        {"stay_number": uuid4().hex, "person_ref": person, "admitted_on": "2024-03-01",
         "pregnancy_id": await house.pregnancy(hospital, person)},
    )  # fmt: skip
    lines = [
        {"line_number": n, "item_code": item, "charged_on": day, "quantity": "1", "price": price}
        for n, (item, day, price) in enumerate(charged, 1)
    ]
    answer = await hospital.post(f"/stays/{stay.json()['stay_id']}/lines", {"lines": lines})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_limit_is_that_of_the_hospitals_level(
    house: House, clerk: Client, nanjing_a: Client, nanjing_b: Client
) -> None:
    levels = {"level_1_limit": "10.00", "level_2_limit": "20.00", "level_3_limit": "30.00"}
    item = await _list(clerk, **levels, limit="5.00")
    third = await _billed(house, nanjing_a, (item, "2024-03-02", "35.00"))
    second = await _billed(house, nanjing_b, (item, "2024-03-02", "35.00"))
    assert (third["over_limit"], second["over_limit"]) == ("5.00", "15.00")
    plain = await _list(clerk, limit="5.00")
    assert (await _billed(house, nanjing_b, (plain, "2024-03-02", "35.00")))["over_limit"] == (
        "30.00"
    )


async def test_what_is_not_covered_is_told(house: House, clerk: Client, nanjing_a: Client) -> None:
    not_for_her = await _list(clerk, maternity=False)
    body = await _billed(
        house,
        nanjing_a,
        ("nobody-lists-it", "2024-03-02", "3.00"),
        (not_for_her, "2024-03-02", "4.00"),
        ("photo", "2024-03-02", "5.00"),
        ("bed", "2024-03-02", "6.00"),
    )
    assert body["out_of_scope"] == "12.00"
    warned = [(one["line_number"], one["code"]) for one in body["warnings"]]
    assert warned == [(1, "not_in_catalogue"), (2, "not_for_maternity")]
    assert all(one["title"] and one["title_zh"] for one in body["warnings"])


async def test_an_item_ended_early_counts_until_that_day(
    house: House, clerk: Client, nanjing_a: Client
) -> None:
    item = await _list(clerk)
    end = f"/catalogue-items/{item}/end"
    assert (await clerk.post(end, {"end": "2020-01-01"})).json()["code"] == "1065-item-unknown"
    ended = await clerk.post(end, {"end": "2024-03-05"})
    assert ended.json() == {"item_code": item, "start": "2020-01-01", "end": "2024-03-05"}
    again = await clerk.post(end, {"end": "2024-03-05"})
    assert (again.status_code, again.json()["code"]) == (404, "1065-item-unknown")
    body = await _billed(
        house, nanjing_a, (item, "2024-03-04", "1.00"), (item, "2024-03-05", "1.00")
    )
    assert body["in_scope"] == "1.00"
    assert [one["line_number"] for one in body["warnings"]] == [2]
    successor = {"item_code": item, "name": "示例", "item_class": "b", "first_copay_rate": "0.1",
                 "start": "2024-03-05"}  # fmt: skip
    assert (await clerk.post("/catalogue-items", successor)).status_code == 201


async def test_an_agreement_ended_early_settles_nothing_after(house: House, clerk: Client) -> None:
    code = f"H{uuid4().hex[:8]}"
    made = {"institution_code": code, "level": 2, "start": "2020-01-01"}
    assert (await clerk.post("/agreements", made)).status_code == 201
    his = await house.running.caller(f"his-{code}", "hospital", NANJING, code)
    stay, outcome = await house.ready_stay(his)
    ended = await clerk.post(f"/agreements/{code}/end", {"end": "2024-03-24"})
    assert ended.json() == {"institution_code": code, "start": "2020-01-01", "end": "2024-03-24"}
    refused = await his.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert refused.json()["code"] == "1010-no-agreement"
    gone = await clerk.post(f"/agreements/{code}/end", {"end": "2024-03-24"})
    assert gone.json()["code"] == "1069-agreement-unknown"


async def _pages(reader: Client, after: int = 0, **query: Any) -> tuple[list[str], int]:
    """All items beyond a revision, three a page; and the revision to ask from next."""
    codes: list[str] = []
    while True:
        answer = await reader.get("/catalogue-items", after=after, limit=3, **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        codes += [item["item_code"] for item in page["items"]]
        if not page["items"]:
            return codes, page["next"]
        after = page["next"]


async def test_whoever_read_the_catalogue_hears_what_changes_later(
    house: House, clerk: Client, nanjing_a: Client
) -> None:
    known, seen = await _pages(nanjing_a)
    assert {"bed", "photo"} <= set(known)
    at_once = (await nanjing_a.get("/catalogue-items", limit=1000)).json()["items"]
    assert known == [item["item_code"] for item in at_once]
    fresh = await _list(clerk, kind="drug", item_class="b", first_copay_rate="0.05")
    assert (
        await clerk.post("/catalogue-items/oxytocin/end", {"end": "2030-01-01"})
    ).status_code == 201
    assert (await _pages(nanjing_a, seen))[0] == [fresh, "oxytocin"]
    assert (await _pages(nanjing_a, kind="drug"))[0] == [fresh]
    assert (await _pages(nanjing_a, since="2099-01-01"))[0] == []
    answer = await nanjing_a.get("/catalogue-items", after=seen, limit=1)
    (shown,) = answer.json()["items"]
    assert (shown["first_copay_rate"], shown["limit"], shown["maternity"]) == ("0.05", None, True)


def _csv(folder: Path, *rows: dict[str, str], head: str = ",".join(COLUMNS)) -> Path:
    file = folder / "items.csv"
    plain = {"name": "示例", "kind": "drug", "item_class": "a", "start": "2024-01-01"}
    lines = [",".join((plain | row).get(name, "") for name in COLUMNS) for row in rows]
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return file


async def _propose(house: House, file: Path, actor: str = "operator:one") -> tuple[str, list[int]]:
    told: list[int] = []
    scene = Scene(NANJING, "", actor, "request", house.clock.now())
    dsn = house.running.settings.service_dsn.get_secret_value()
    return await import_catalogue(dsn, file, scene, told.append, told.append), told


async def test_a_file_is_in_force_once_another_person_approved_it(
    house: House, clerk: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    old, same, fresh = await _list(clerk), await _list(clerk, kind="drug"), uuid4().hex
    levels = {f"level_{n}_limit": f"{n}.00" for n in (1, 2, 3)}
    file = _csv(
        tmp_path,
        {"item_code": old, "item_class": "b", "first_copay_rate": "0.2", "start": "2024-03-10"},
        {"item_code": same, "start": "2020-01-01"},
        {"item_code": fresh, "maternity": "no", "end": "2025-01-01"} | levels,
    )
    proposed, told = await _propose(house, file)
    assert told == [3, 3]
    (waiting,) = (await clerk.get("/catalogue-imports")).json()["items"]
    assert (waiting["import_id"], waiting["rows"]) == (proposed, 3)
    _, seen = await _pages(nanjing_a)
    before = await _billed(house, nanjing_a, (fresh, "2024-03-02", "1.00"))
    assert before["warnings"][0]["code"] == "not_in_catalogue"
    approved = await clerk.post(f"/catalogue-imports/{proposed}/approve")
    assert approved.json() == {"import_id": proposed, "state": "approved"}
    # The old version ended where its successor began; what stood as proposed was left alone.
    assert (await _pages(nanjing_a, seen))[0] == [old, old, fresh]
    body = await _billed(
        house, nanjing_a, (old, "2024-03-09", "10.00"), (old, "2024-03-10", "10.00"),
        (fresh, "2024-03-02", "1.00"),
    )  # fmt: skip
    assert (body["first_copay"], body["in_scope"]) == ("2.00", "18.00")
    assert body["warnings"][0]["code"] == "not_for_maternity"
    again = await clerk.post(f"/catalogue-imports/{proposed}/approve")
    assert (again.status_code, again.json()["code"]) == (404, "1066-import-unknown")
    assert not await house.owner.fetchval("select count(*) from catalogue_import_item")


async def test_a_file_says_how_a_child_is_born_where_an_item_is_charged(
    house: House, clerk: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    """What stands is left alone only where it says that too. Files without the column, as they were
    before it, say nothing of it."""
    care = await _list(clerk, kind="drug")
    file = _csv(tmp_path, {"item_code": care, "start": "2024-03-10", "delivery_mode": "vaginal"})
    (proposed, _) = await _propose(house, file)
    assert (await clerk.post(f"/catalogue-imports/{proposed}/approve")).status_code == 201
    _, seen = await _pages(nanjing_a)
    file = _csv(tmp_path, {"item_code": care, "start": "2024-03-20", "delivery_mode": "assisted"})
    (proposed, _) = await _propose(house, file)
    assert (await clerk.post(f"/catalogue-imports/{proposed}/approve")).status_code == 201
    answer = await nanjing_a.get("/catalogue-items", after=seen)
    told = [(one["start"], one["delivery_mode"]) for one in answer.json()["items"]]
    assert told == [("2024-03-10", "vaginal"), ("2024-03-20", "assisted")]
    bad = _csv(tmp_path, {"item_code": care, "delivery_mode": "by-air"})
    with pytest.raises(BadFile, match="line 2: delivery_mode"):
        read_listings(bad)
    old = tmp_path / "old.csv"
    rows = file.read_text(encoding="utf-8").splitlines()
    old.write_text("\n".join(row.rpartition(",")[0] for row in rows) + "\n", encoding="utf-8")
    with pytest.raises(BadFile, match="line 1: the columns are"):
        read_listings(old)  # a version without its mode would silently lose it


async def test_the_same_item_with_another_mode_is_no_repetition(
    house: House, clerk: Client, tmp_path: Path
) -> None:
    care = await _list(clerk, kind="drug", start="2024-01-01", name="示例")
    for mode, code in (("", 201), ("vaginal", 409)):
        file = _csv(tmp_path, {"item_code": care, "delivery_mode": mode})
        proposed, _ = await _propose(house, file)
        answer = await clerk.post(f"/catalogue-imports/{proposed}/approve")
        assert answer.status_code == code, answer.text


async def test_nobody_approves_a_file_of_ones_own(
    house: House, clerk: Client, tmp_path: Path
) -> None:
    proposed, _ = await _propose(
        house, _csv(tmp_path, {"item_code": uuid4().hex}), f"clerk-1-{NANJING}"
    )
    refused = await clerk.post(f"/catalogue-imports/{proposed}/approve")
    assert refused.json()["code"] == "1029-second-person-needed"
    second = await house.running.caller("clerk-2", "clerk", NANJING)
    rejected = await second.post(f"/catalogue-imports/{proposed}/reject")
    assert rejected.json()["state"] == "rejected"


async def test_a_file_may_hold_several_successors_of_one_version(
    house: House, clerk: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    """In whichever order they stand there; the earliest of them ends the version that runs on."""
    for order in (slice(None), slice(None, None, -1)):
        old = await _list(clerk)
        rows = [{"item_code": old, "start": "2024-03-10", "end": "2024-03-20"},
                {"item_code": old, "start": "2024-03-20", "item_class": "c"}]  # fmt: skip
        proposed, _ = await _propose(house, _csv(tmp_path, *rows[order]))
        approved = await clerk.post(f"/catalogue-imports/{proposed}/approve")
        assert approved.status_code == 201, approved.text
        periods = await house.owner.fetch(
            "select lower(valid)::text, upper(valid)::text from catalogue_item"
            " where item_code = $1 order by valid", old,
        )  # fmt: skip
        assert [tuple(row) for row in periods] == [
            ("2020-01-01", "2024-03-10"), ("2024-03-10", "2024-03-20"), ("2024-03-20", None),
        ]  # fmt: skip


async def test_a_file_that_overlaps_what_stands_changes_nothing(
    house: House, clerk: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    known, fresh = await _list(clerk, start="2024-06-01"), uuid4().hex
    file = _csv(tmp_path, {"item_code": fresh}, {"item_code": known, "start": "2024-01-01"})
    proposed, _ = await _propose(house, file)
    _, seen = await _pages(nanjing_a)
    refused = await clerk.post(f"/catalogue-imports/{proposed}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "1030-item-overlaps")
    assert (await _pages(nanjing_a, seen))[0] == []
    assert (await clerk.post(f"/catalogue-imports/{proposed}/reject")).status_code == 201


def test_bad_rows_are_named_by_line_and_nothing_of_them_is_shown(tmp_path: Path) -> None:
    code = {"item_code": "x1"}
    file = _csv(
        tmp_path, code, {"item_code": "secret value"}, code | {"start": "2024-13-01"},
        code | {"start": "2025-01-01"}, {"item_code": "x2", "first_copay_rate": "0.1"},
        {"item_code": "x3", "level_1_limit": "1.00"}, {"item_code": "x4", "maternity": "maybe"},
        {"item_code": "x5", "end": "2023-01-01"}, {"item_code": "x6", "limit": "1.5"},
    )  # fmt: skip
    with pytest.raises(BadFile) as refused:
        read_listings(file)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "line 3", "line 4", "line 6", "line 7", "line 8", "line 9", "line 10", "line 5",
    ]  # fmt: skip
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"item_code\nx\n", b"\xff\xfe\x00", ",".join(COLUMNS).encode() + b"\n",
     ",".join(COLUMNS).encode() + b"\nx,y\n", ",".join(COLUMNS).encode() + b'\n"x' + b"\x00"],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "items.csv"
    file.write_bytes(content)
    with pytest.raises(BadFile):
        read_listings(file)


def test_overlaps_within_a_file_are_found() -> None:
    def version(start: int, end: int | None, code: str = "x") -> Listing:
        last = date(end, 1, 1) if end else None
        return Listing(code, "x", ItemKind.DRUG, "a", Decimal(0), None, None, True,
                       date(start, 1, 1), last)  # fmt: skip

    assert twice_listed([version(2020, 2021), version(2021, None), version(2020, None, "y")]) == []
    assert twice_listed([version(2020, None), version(2021, 2022), version(2023, 2024)]) == [2, 3]
    assert twice_listed([version(2022, 2023), version(2020, 2022), version(2021, 2022)]) == [3]
