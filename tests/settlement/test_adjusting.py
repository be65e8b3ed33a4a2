"""A corrected state, a late document: proposed once, decided by another, held to what is left."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.settlement.store import settled as store
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.settlement.conftest import NANJING, House
from tests.support.agency import made, until
from tests.support.late_document import LATE_AT_ONCE, book_with
from tests.support.running import Client

MARCH = {"since": "2024-03-01", "until": "2024-03-31"}


@pytest.fixture
async def second(house: House) -> Client:
    """Another clerk."""
    return await house.running.caller("clerk-other", "clerk", NANJING)


async def settled(house: House) -> dict[str, Any]:
    """A settled delivery at level 3: the fund pays 2844.25, the quota of 3100 less the share."""
    hospital = house.hospitals[f"a-{NANJING}"]
    stay, outcome = await house.ready_stay(hospital)
    return await made(hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]}))


async def with_book(house: House, folder: Path, document: str, second: Client) -> None:
    """A document more in the book, made current."""
    office = house.running.app.state.office
    book = book_with(folder, document)
    office.compile_built_in = lambda: book
    proposal = (await made(house.clerks[NANJING].post("/books")))["proposal"]
    await made(second.post(f"/books/{proposal}/approve"))
    house.clock.move(seconds=3)

    async def current() -> bool:
        return bool(office.book().hash == book.hash)

    await until(current)


async def proposed(house: House, **more: Any) -> str:
    """The one adjustment that reconsidering proposes."""
    done = await made(house.clerks[NANJING].post("/reconsiderations", MARCH | more))
    (adjustment,) = done["proposed"]
    return str(adjustment)


async def corrected(house: House, person_ref: str, kind: str) -> None:
    """Enrollment says, later, what kind of member the person always was."""
    text = await house.owner.fetchval(
        "select state::text from person_state where person_ref = $1", person_ref
    )
    state = orjson.loads(text)
    state["state_version"] += 1
    state["spells"][0]["kind"] = kind
    await house.owner.execute(
        "update person_state set state_version = $2, state = $3 where person_ref = $1",
        person_ref, state["state_version"], orjson.dumps(state).decode(),
    )  # fmt: skip


async def person_of(house: House, claim: str) -> str:
    """Whose claim it is."""
    ref: str = await house.owner.fetchval(
        "select person_ref from settlement where settlement_id::text = $1", claim
    )
    return ref


async def accounts(house: House) -> dict[str, int]:
    """What the ledger's accounts come to, in fen."""
    rows = await house.owner.fetch(
        "select account, sum(amount_fen)::bigint as fen from posting group by 1"
        " having sum(amount_fen) <> 0"
    )
    return {row["account"]: row["fen"] for row in rows}


async def test_a_corrected_kind_of_member_moves_the_whole_claim_to_the_other_item(
    house: House, second: Client, nanjing_a: Client
) -> None:
    claim = await settled(house)
    spent = await accounts(house)
    assert spent["expenditure_maternity"] > 0
    person = await person_of(house, claim["settlement_id"])
    await corrected(house, person, "flexible")
    adjustment = await proposed(house, person_ref=person)
    released = await made(second.post(f"/adjustments/{adjustment}/release"))
    assert released["cause"] == "person:2"
    assert released["expenditure_item"] == "medical"
    now = await accounts(house)
    assert "expenditure_maternity" not in now
    assert now["expenditure_medical"] == (
        spent["expenditure_maternity"] + Money.from_wire(released["parts"]["fund"]).fen
    )
    again = await made(second.post("/reconsiderations", MARCH | {"person_ref": person}))
    assert (again["looked_at"], again["proposed"]) == (1, [])
    reversal = await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    assert reversal["expenditure_item"] == "medical"
    assert await accounts(house) == {}


async def test_a_later_book_may_be_asked_for_by_hand_of_whom_a_correction_was_decided(
    house: House, second: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    person = await person_of(house, claim["settlement_id"])
    await corrected(house, person, "flexible")
    first = await proposed(house, person_ref=person)
    await made(second.post(f"/adjustments/{first}/release"))
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    later = await proposed(house, person_ref=person)
    rejected = await made(second.post(f"/adjustments/{later}/reject"))
    assert (rejected["cause"], rejected["parts"]["fund"]) == ("person:2", "300.00")
    again = await made(second.post("/reconsiderations", MARCH | {"person_ref": person}))
    assert (again["looked_at"], again["proposed"]) == (1, [])


async def test_what_the_law_would_refuse_now_is_proposed_to_be_taken_back(
    house: House, second: Client, nanjing_a: Client
) -> None:
    claim = await settled(house)
    person = await person_of(house, claim["settlement_id"])
    await house.owner.execute(
        "update person_state set state_version = 2, state = replace(replace(state::text,"
        " '2024-03', '2023-03'), '\"state_version\":1', '\"state_version\":2')::json"
        " where person_ref = $1",
        person,
    )
    done = await made(house.clerks[NANJING].post("/reconsiderations", MARCH))
    assert done["refused"] == [
        {"settlement_id": claim["settlement_id"], "code": "2001-interrupted"}
    ]
    (adjustment,) = done["proposed"]
    released = await made(second.post(f"/adjustments/{adjustment}/release"))
    assert released["parts"]["fund"] == f"-{claim['fund']}"
    assert {e["after"]["state"] for e in released["entitlements"]} == {"withdrawn"}
    assert await accounts(house) == {}
    explained = await made(nanjing_a.get(f"/settlements/{claim['settlement_id']}/explanation"))
    (beside,) = explained["adjustments"]
    assert claim["fund"] in beside["zh"][0]
    again = await made(second.post("/reconsiderations", MARCH))
    assert (again["proposed"], len(again["refused"])) == ([], 1)
    reversal = await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    assert (reversal["fund"], reversal["member"]) == ("0.00", f"-{claim['total']}")
    assert await accounts(house) == {}


async def test_without_an_article_nothing_is_taken_back(house: House) -> None:
    claim = await settled(house)
    person = await person_of(house, claim["settlement_id"])
    await house.owner.execute(
        "update person_state set state_version = 2, state = replace(replace(state::text,"
        " '320100', '653000'), '\"state_version\":1', '\"state_version\":2')::json"
        " where person_ref = $1",
        person,
    )
    done = await made(house.clerks[NANJING].post("/reconsiderations", MARCH))
    assert done["proposed"] == []
    assert done["refused"] == [
        {"settlement_id": claim["settlement_id"], "code": "1015-person-not-of-pool"}
    ]


async def test_a_rejection_stands_for_its_cause(
    house: House, second: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    adjustment = await proposed(house)
    own = await house.clerks[NANJING].post(f"/adjustments/{adjustment}/reject")
    assert own.json()["code"] == "1029-second-person-needed"
    await made(second.post(f"/adjustments/{adjustment}/reject"))
    done = await made(second.post("/reconsiderations", MARCH))
    assert (done["looked_at"], done["proposed"]) == (1, [])
    # For another cause it is looked at anew.
    person = await person_of(house, claim["settlement_id"])
    assert await proposed(house, person_ref=person) != adjustment


async def test_a_newer_proposal_overtakes_and_one_without_ground_is_withdrawn(
    house: House, second: Client, tmp_path: Path
) -> None:
    await settled(house)
    old = house.running.app.state.office.book()
    await with_book(house, tmp_path / "one", LATE_AT_ONCE, second)
    first = await proposed(house)
    raised = LATE_AT_ONCE.replace("3400.00", "3500.00")
    await with_book(house, tmp_path / "two", raised, second)
    newer = await proposed(house)
    shown = await made(second.get("/adjustments", state="withdrawn"))
    assert [item["adjustment_id"] for item in shown["items"]] == [first]
    house.running.app.state.office.compile_built_in = lambda: old
    proposal = (await made(second.post("/books")))["proposal"]
    await made(house.clerks[NANJING].post(f"/books/{proposal}/approve"))
    house.clock.move(seconds=3)

    async def back() -> bool:
        return bool(house.running.app.state.office.book().hash == old.hash)

    await until(back)
    done = await made(second.post("/reconsiderations", MARCH))
    assert (done["proposed"], done["withdrawn"]) == ([], 1)
    gone = await second.post(f"/adjustments/{newer}/release")
    assert gone.json()["code"] == "1033-adjustment-decided"


async def test_a_reversal_withdraws_what_waits(
    house: House, second: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    claim = await settled(house)
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    adjustment = await proposed(house)
    await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    gone = await second.post(f"/adjustments/{adjustment}/release")
    assert (gone.status_code, gone.json()["code"]) == (409, "1033-adjustment-decided")
    assert await accounts(house) == {}


async def test_release_and_reversal_at_once_leave_nothing_half_done(
    house: House, second: Client, nanjing_a: Client, tmp_path: Path
) -> None:
    claims = [await settled(house) for _ in range(6)]
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    done = await made(house.clerks[NANJING].post("/reconsiderations", MARCH))
    assert len(done["proposed"]) == len(claims)
    answers = await asyncio.gather(
        *(second.post(f"/adjustments/{a}/release") for a in done["proposed"]),
        *(nanjing_a.post(f"/settlements/{c['settlement_id']}/reverse") for c in claims),
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.status_code for answer in answers[len(claims) :]] == [201] * len(claims)
    assert await accounts(house) == {}
    waiting = await house.owner.fetchval("select count(*) from adjustment where state = 'proposed'")
    assert waiting == 0


async def test_a_claim_that_moved_since_it_was_read_is_not_proposed_for(
    house: House, nanjing_a: Client
) -> None:
    claim = await settled(house)
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        read = await store.live(tx, NANJING, date(2024, 3, 1), date(2024, 3, 31), limit=10)
        assert [c.settlement.settlement_id for c in read] == [UUID(claim["settlement_id"])]
        assert await store.hold(tx, NANJING, read)
    await made(nanjing_a.post(f"/settlements/{claim['settlement_id']}/reverse"))
    async with transaction(house.running.app.state.office.pool, [AGENCY]) as tx:
        assert not await store.hold(tx, NANJING, read)


async def test_one_proposal_a_claim_however_many_ask(
    house: House, second: Client, tmp_path: Path
) -> None:
    for _ in range(3):
        await settled(house)
    await with_book(house, tmp_path, LATE_AT_ONCE, second)
    clerks = [house.clerks[NANJING], second] * 3
    answers = await asyncio.gather(*(c.post("/reconsiderations", MARCH) for c in clerks))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(len(answer.json()["proposed"]) for answer in answers) == 3
