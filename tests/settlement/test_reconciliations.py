"""A hospital holds its book of a day against ours, and gets what differs, row by row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from services.settlement.store import exchanged_files
from services.settlement.store.exchanged_files import ExchangedFile
from shared.money import Money
from shared.plumbing.clock import business_day
from shared.plumbing.database import transaction
from tests.settlement.conftest import NANJING, House
from tests.support.running import Client

Row = dict[str, Any]


async def _settled(house: House, hospital: Client) -> Row:
    stay, outcome = await house.ready_stay(hospital)
    answer = await hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _reversed(hospital: Client, settled: Row) -> Row:
    answer = await hospital.post(f"/settlements/{settled['settlement_id']}/reverse")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _row(told: Row, **changed: Any) -> Row:
    """A row of the hospital's book, as its receipt said."""
    fund = Money.from_wire(told["desk"]["fund"]) + Money.from_wire(told["other_fund"])
    return {
        "settlement_id": told["settlement_id"], "refund": told["reverses"] is not None,
        "stay_id": told["stay_id"], "total": told["total"], "fund": fund.to_wire(),
        "account": told["member_account"],
    } | changed  # fmt: skip


def _book(house: House, rows: list[Row] | None, totals: list[Row], **more: Any) -> Row:
    today = business_day(house.clock.now()).isoformat()
    sums = {
        name: Money.total(Money.from_wire(row[name]) for row in totals).to_wire()
        for name in ("total", "fund", "account")
    }
    body = {"since": today, "until": today, "totals": sums | {"rows": len(totals)}} | more
    return body if rows is None else body | {"rows": rows}


async def _asked(house: House, hospital: Client, rows: list[Row], **more: Any) -> Row:
    answer = await hospital.post("/reconciliations", _book(house, rows, rows, **more))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_books_that_agree_are_level(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    one, two = await _settled(house, nanjing_a), await _settled(house, nanjing_a)
    await _settled(house, nanjing_b)
    back = await _reversed(nanjing_a, two)
    rows = [_row(told) for told in (one, two, back)]
    made = await _asked(house, nanjing_a, rows)
    assert (made["level"], made["level_rows"], made["differences"]) == (True, 3, [])
    # A refund may be named by the claim that it refunds.
    rows[2]["settlement_id"] = two["settlement_id"]
    assert (await _asked(house, nanjing_a, rows))["level"]
    for refunds, of in (("without", rows[:2]), ("only", rows[2:]), ("with", rows)):
        totals = await nanjing_a.post("/reconciliations", _book(house, None, of, refunds=refunds))
        assert totals.json()["level"], totals.text
        assert not totals.json()["detailed"]
    other = await nanjing_a.post("/reconciliations", _book(house, None, rows[:2]))
    assert not other.json()["level"]
    assert other.json()["difference"]["rows"] == -1


async def test_each_kind_of_difference_is_told(
    house: House, nanjing_a: Client, nanjing_b: Client
) -> None:
    level, amount, missing, state = [await _settled(house, nanjing_a) for _ in range(4)]
    unpaired = await _settled(house, nanjing_a)
    await _reversed(nanjing_a, unpaired)
    theirs = await _settled(house, nanjing_b)
    rows = [
        _row(level), _row(amount, fund="1.00"), _row(state, stay_id=str(uuid4())), _row(unpaired),
        _row(theirs),
    ]  # fmt: skip
    made = await _asked(house, nanjing_a, rows)
    found = {(one["kind"], one["settlement_id"], one["refund"]) for one in made["differences"]}
    assert found == {
        ("amount", amount["settlement_id"], False),
        ("state", state["settlement_id"], False),
        ("missing_there", missing["settlement_id"], False),
        ("refund_unpaired", unpaired["settlement_id"], True),
        ("missing_here", theirs["settlement_id"], False),
    }
    assert (made["level"], made["level_rows"], made["differing_rows"]) == (False, 2, 5)
    (there,) = [one for one in made["differences"] if one["kind"] == "missing_there"]
    assert (there["theirs"], there["ours"]["total"]) == (None, missing["total"])
    kept = f"/reconciliations/{made['reconciliation_id']}"
    seen: list[Row] = []
    after = 0
    while after is not None:
        page = (await nanjing_a.get(kept, after=after, limit=2)).json()
        seen += page["differences"]
        after = page["next"]
    assert seen == made["differences"]
    answer = await nanjing_b.get(kept)
    assert (answer.status_code, answer.json()["code"]) == (404, "1068-reconciliation-unknown")
    assert (await nanjing_b.get("/reconciliations")).json()["items"] == []


async def _let_in(house: House, at: datetime) -> Client:
    """Hospital a, with a token of that moment."""
    house.clock.at = at - timedelta(minutes=1)
    return await house.running.caller(f"his-H{NANJING}a", "hospital", NANJING, f"H{NANJING}a")


async def test_a_day_is_a_day_in_shanghai(house: House) -> None:
    last = house.clock.now()
    house.clock.at += timedelta(days=1) - timedelta(
        hours=(last.hour + 8) % 24, minutes=last.minute, seconds=last.second,
        microseconds=last.microsecond,
    )  # fmt: skip
    midnight = house.clock.now()
    told = {}
    nanjing_a = await _let_in(house, midnight)
    for name, moment in (("before", -1), ("after", 0)):
        house.clock.at = midnight + timedelta(microseconds=moment)
        told[name] = await _settled(house, nanjing_a)
    before = business_day(midnight - timedelta(microseconds=1)).isoformat()
    body = _book(house, [_row(told["before"])], [_row(told["before"])])
    answer = await nanjing_a.post("/reconciliations", body | {"since": before, "until": before})
    assert answer.json()["level"], answer.text
    assert (await _asked(house, nanjing_a, [_row(told["after"])]))["level"]


async def test_what_makes_no_book_is_refused(house: House, nanjing_a: Client) -> None:
    row = _row(await _settled(house, nanjing_a))
    good = _book(house, [row], [row])
    for change, code in (
        ({"rows": []}, "1067-rows-do-not-sum"),
        ({"until": "2020-01-01"}, "1-malformed"),
        ({"since": "2020-01-01"}, "1-malformed"),
        ({"totals": good["totals"] | {"total": "-0.00"}}, "1-malformed"),
        ({"insurance_type": "390"}, "1-malformed"),
    ):
        answer = await nanjing_a.post("/reconciliations", good | change)
        assert answer.json()["code"] == code, (change, answer.text)


async def test_a_file_is_its_hospitals_own_until_it_expires(house: House) -> None:
    pool, now = house.running.app.state.office.pool, house.clock.now()
    a, b = f"H{NANJING}a", f"H{NANJING}b"
    file = ExchangedFile(NANJING, uuid4(), a, "books.zip", b"content", now, now + timedelta(days=1))
    later = file._replace(file_id=uuid4(), stored_at=file.expires_at,
                          expires_at=file.expires_at + timedelta(days=1))  # fmt: skip
    async with transaction(pool, [a]) as tx:
        await exchanged_files.keep(tx, file)
        assert await exchanged_files.find(tx, NANJING, file.file_id, now) == file
        assert await exchanged_files.find(tx, NANJING, file.file_id, file.expires_at) is None
    async with transaction(pool, [b]) as tx:
        assert await exchanged_files.find(tx, NANJING, file.file_id, now) is None
    async with transaction(pool, [a]) as tx:
        await exchanged_files.keep(tx, later)
        assert await exchanged_files.find(tx, NANJING, file.file_id, now) is None
