"""Every benefit is settled over HTTP, on the path of a delivery."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.money import Money
from tests.settlement.conftest import sessions_wait
from tests.settlement.trial import Ward, open_ward
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import HEADS, UNITS


@pytest.fixture(scope="module")
async def ward(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    async with open_ward(module_databases("settlement"), folder) as opened:
        yield opened


def refused(answer: Any) -> str:
    """The code of a refusal."""
    assert answer.status_code in (409, 422), answer.text
    return str(answer.json()["code"])


async def test_a_unit_that_one_hospital_used_is_used_for_the_next(ward: Ward) -> None:
    mother = await ward.mother()
    first = await ward.visit("a", mother, "2023-10-02", "450.00", week=13)
    assert first.json()["fund"] == "450.00", first.text
    assert await ward.units("b", mother) == {"U1": ("450.00", "150.00")}
    second = await ward.visit("b", mother, "2023-10-04", "300.00", week=13)
    assert (second.json()["fund"], second.json()["member"]) == ("150.00", "150.00")
    third = await ward.visit("a", mother, "2023-10-05", "100.00", week=13)
    assert (third.json()["fund"], third.json()["member"]) == ("0.00", "100.00")
    later = await ward.visit("b", mother, "2024-02-01", "100.00", week=30)
    assert later.json()["fund"] == "100.00"
    assert await ward.units("a", mother) == {"U1": ("600.00", "0.00"), "U3": ("100.00", "300.00")}


async def test_the_quote_of_a_visit_is_its_settlement(ward: Ward) -> None:
    mother = await ward.mother()
    hospital = ward.hospital("a")
    await ward.visit("a", mother, "2023-10-02", "450.00", week=13)
    stay, stated = await ward.stay(hospital, "prenatal", mother, "2023-10-03", "300.00", week=13)
    quoted = await hospital.post(f"/stays/{stay}/quote")
    settled = await hospital.post(f"/stays/{stay}/settle", {"total": stated["total"]})
    made = ("settlement_id", "reverses", "settled_at")
    assert {k: v for k, v in settled.json().items() if k not in made} == quoted.json()


async def test_a_reversed_visit_gives_its_unit_back(ward: Ward) -> None:
    mother = await ward.mother()
    settled = await ward.visit("a", mother, "2023-10-02", "450.00", week=13)
    await ward.visit("b", mother, "2023-10-03", "50.00", week=13)
    undone = await ward.hospital("a").post(
        f"/settlements/{settled.json()['settlement_id']}/reverse"
    )
    assert undone.status_code == 201, undone.text
    assert await ward.units("a", mother) == {"U1": ("50.00", "550.00")}
    again = await ward.visit("b", mother, "2023-10-04", "700.00", week=13)
    assert again.json()["fund"] == "550.00"


async def test_visits_at_once_never_pass_the_limit(ward: Ward) -> None:
    mother = await ward.mother()
    stays = [
        (ward.hospital(letter), await ward.stay(
            ward.hospital(letter), "prenatal", mother, f"2023-10-{2 + n:02d}", "100.00", week=13))
        for n, letter in enumerate("abababab")
    ]  # fmt: skip
    answers = await asyncio.gather(
        *(h.post(f"/stays/{stay}/settle", {"total": "100.00"}) for h, (stay, _) in stays)
    )
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers]
    paid = Money.total(Money.from_wire(a.json()["fund"]) for a in answers)
    assert paid.to_wire() == "600.00"
    assert await ward.units("a", mother) == {"U1": ("600.00", "0.00")}


async def test_a_loss_ends_the_pregnancy_and_excludes_a_birth(ward: Ward) -> None:
    mother = await ward.mother()
    a, b = ward.hospital("a"), ward.hospital("b")
    birth, stated = await ward.stay(b, "delivery", mother, "2024-03-21", mode="vaginal")
    lost = await ward.settled(a, "loss", mother, "2023-11-20", "1500.00", weeks=20)
    assert (lost.status_code, lost.json()["fund"]) == (201, "1500.00"), lost.text
    late = await b.post(f"/stays/{birth}/settle", {"total": stated["total"]})
    assert refused(late) == "1044-loss-already-settled"
    row = await ward.house.owner.fetchrow(
        "select ended_by, delivered_on, upper(period)::text as until from pregnancy"
        " where pregnancy_id = $1",
        UUID(mother[1]),
    )
    assert dict(row or {}) == {"ended_by": "loss", "delivered_on": None, "until": "2023-11-21"}


async def test_a_complication_and_an_itemised_birth_are_paid_by_item(ward: Ward) -> None:
    mother = await ward.mother()
    hospital = ward.hospital("a")
    ill = await ward.settled(
        hospital, "complication", mother, "2024-01-05", "3000.00", until="2024-01-09",
        when="before_birth",
    )  # fmt: skip
    assert (ill.status_code, ill.json()["fund"]) == (201, "3000.00"), ill.text
    birth = await ward.settled(
        hospital, "delivery", mother, "2024-03-21", "9000.00", until="2024-03-25", mode="vaginal",
        complications=["eclampsia"],
    )  # fmt: skip
    assert birth.status_code == 201, birth.text
    assert birth.json()["fund"] == "8100.00"  # ten per cent are hers, and no cap holds


async def test_an_outcome_is_of_the_benefit_that_was_opened(ward: Ward) -> None:
    mother = await ward.mother()
    hospital = ward.hospital("a")
    stay, stated = await ward.stay(hospital, "prenatal", mother, "2023-10-02", week=13)
    birth = {"discharged_on": "2023-10-02", "event_on": "2023-10-02", "mode": "vaginal",
             "total": stated["total"]}  # fmt: skip
    for call in ("discharge", "quote"):
        answer = await hospital.post(f"/stays/{stay}/{call}", birth)
        assert refused(answer) == "1040-outcome-of-another-benefit"


async def test_days_of_a_settled_birth_are_not_paid_as_a_visit_too(ward: Ward) -> None:
    a, b = ward.hospital("a"), ward.hospital("b")
    mother = await ward.mother()
    birth = await ward.settled(
        a, "delivery", mother, "2024-03-21", until="2024-03-24", mode="vaginal"
    )
    assert birth.status_code == 201, birth.text
    inside = await ward.stay(b, "prenatal", mother, "2024-03-21", week=38)
    answer = await b.post(f"/stays/{inside[0]}/settle", {"total": "400.00"})
    assert refused(answer) == "1043-service-covered-twice"
    after = await ward.visit("b", mother, "2024-03-26", "50.00", postnatal=True)
    assert after.status_code == 201, after.text
    undone = await a.post(f"/settlements/{birth.json()['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    freed = await b.post(f"/stays/{inside[0]}/settle", {"total": "400.00"})
    assert freed.status_code == 201, freed.text
    stay, stated = await ward.stay(
        a, "delivery", mother, "2024-03-21", until="2024-03-24", mode="vaginal"
    )
    again = await a.post(f"/stays/{stay}/settle", {"total": stated["total"]})
    assert refused(again) == "1043-service-covered-twice"


@pytest.mark.parametrize("first", ["birth", "visit"])
async def test_no_birth_and_visit_at_once_cover_one_day_twice(ward: Ward, first: str) -> None:
    """Both have read that nothing stands in their way; then both write, one after the other."""
    a, b = ward.hospital("a"), ward.hospital("b")
    mother = await ward.mother()
    birth, stated = await ward.stay(
        a, "delivery", mother, "2024-03-21", until="2024-03-24", mode="vaginal"
    )
    visit, _ = await ward.stay(b, "prenatal", mother, "2024-03-21", week=37)
    calls = {
        "birth": (a, f"/stays/{birth}/settle", {"total": stated["total"]}),
        "visit": (b, f"/stays/{visit}/settle", {"total": "400.00"}),
    }
    settling = []
    async with ward.house.owner.acquire() as slow, slow.transaction():
        await slow.execute(
            "select from pregnancy where pregnancy_id = $1 for update", UUID(mother[1])
        )
        for number, name in enumerate((first, *(calls.keys() - {first})), 1):
            hospital, place, body = calls[name]
            settling.append(asyncio.create_task(hospital.post(place, body)))
            await sessions_wait(ward.house, number)
    one, other = await asyncio.gather(*settling)
    assert one.status_code == 201, one.text
    assert refused(other) == "1043-service-covered-twice"


async def test_visits_outside_the_pregnancy_are_refused(ward: Ward) -> None:
    mother = await ward.mother()
    visit = {"stay_number": uuid4().hex, "person_ref": mother[0], "pregnancy_id": mother[1],
             "admitted_on": "2023-07-01", "benefit": "prenatal"}  # fmt: skip
    early = await ward.hospital("a").post("/stays", visit)
    assert refused(early) == "1092-admitted-before-pregnancy"
    await ward.settled(ward.hospital("a"), "loss", mother, "2023-11-20", weeks=20)
    assert refused(await ward.visit("a", mother, "2023-12-01", week=21)) == "1041-outside-pregnancy"


async def test_a_head_is_apportioned_by_weeks_and_paid_once(ward: Ward) -> None:
    mother = await ward.mother(HEADS)
    stranger = await ward.visit("b", mother, "2023-09-25", pool=HEADS, week=12)
    assert refused(stranger) == "1042-not-designated"
    first = await ward.visit("a", mother, "2023-09-25", pool=HEADS, week=12)
    assert first.json()["fund"] == "300.00", first.text
    same_week = await ward.visit("a", mother, "2023-09-26", pool=HEADS, week=12)
    assert (same_week.status_code, same_week.json()["fund"]) == (201, "0.00"), same_week.text
    moved = await ward.hospital("b", HEADS).post(
        f"/pregnancies/{mother[1]}/transfer",
        {"institution_code": f"H{HEADS}b", "since": "2023-11-20"},
    )
    assert moved.status_code == 201, moved.text
    last = await ward.visit("a", mother, "2023-11-14", pool=HEADS, week=19)
    assert last.json()["fund"] == "175.00"
    second = await ward.visit("b", mother, "2024-02-12", pool=HEADS, week=32)
    assert second.json()["fund"] == "300.01", second.text
    rest = await ward.visit("b", mother, "2024-03-25", pool=HEADS, postnatal=True)
    assert rest.json()["fund"] == "225.00", rest.text
    assert await ward.units("a", mother, HEADS) == {"head": ("1000.01", "0.00")}
    backdated = await ward.hospital("a", HEADS).post(
        f"/pregnancies/{mother[1]}/transfer",
        {"institution_code": f"H{HEADS}a", "since": "2023-11-19"},
    )
    assert refused(backdated) == "1047-transfer-out-of-order"


async def test_a_pregnancy_is_moved_by_a_party_to_an_institution_with_an_agreement(
    ward: Ward,
) -> None:
    mother = await ward.mother(HEADS)
    place = f"/pregnancies/{mother[1]}/transfer"
    a, b, clerk = ward.hospital("a", HEADS), ward.hospital("b", HEADS), ward.house.clerks[HEADS]
    to_a, to_b = ({"institution_code": f"H{HEADS}{letter}"} for letter in "ab")
    by_a_stranger = await b.post(place, to_a)
    assert by_a_stranger.json()["code"] == "1016-pregnancy-unknown"
    nowhere = {"institution_code": "H-NOWHERE"}
    for caller in (a, clerk):
        assert refused(await caller.post(place, nowhere)) == "1010-no-agreement"
    for caller, body in ((a, to_b), (clerk, to_a), (b, to_b)):
        moved = await caller.post(place, body)
        assert moved.status_code == 201, moved.text
    long_ago = {"person_ref": await ward.house.person(HEADS), "since": "2019-06-03",
                "institution_code": f"H{HEADS}a"}  # fmt: skip
    early = (await a.post("/pregnancies", long_ago)).json()["pregnancy_id"]
    before_it = to_b | {"since": "2019-12-31"}
    assert refused(await a.post(f"/pregnancies/{early}/transfer", before_it)) == "1010-no-agreement"


async def test_a_birth_opens_allowance_and_subsidy_and_a_reversal_withdraws_them(
    ward: Ward,
) -> None:
    mother = await ward.mother()
    hospital, clerk = ward.hospital("a"), ward.house.clerks[UNITS]
    birth = await ward.settled(
        hospital, "delivery", mother, "2024-03-21", until="2024-03-24", mode="cesarean"
    )
    listed = await clerk.get("/allowances", pregnancy=mother[1])
    by_kind = {item["kind"]: item for item in listed.json()["items"]}
    allowance, nutrition = by_kind["allowance"], by_kind["nutrition"]
    assert (allowance["days"], allowance["amount"], allowance["state"]) == (113, None, "opened")
    assert (nutrition["amount"], nutrition["payee"]) == ("1500.00", "person")
    base = {"entitlement_id": allowance["entitlement_id"], "base_monthly": "6000.00"}
    fixed = await clerk.post("/allowances", base)
    assert (fixed.status_code, fixed.json()["amount"]) == (201, "22600.00"), fixed.text
    assert refused(await clerk.post("/allowances", base)) == "1046-entitlement-not-open"
    assert (await hospital.post("/allowances", base)).status_code == 403
    undone = await hospital.post(f"/settlements/{birth.json()['settlement_id']}/reverse")
    assert undone.status_code == 201, undone.text
    listed = await clerk.get("/allowances", pregnancy=mother[1])
    assert [item["state"] for item in listed.json()["items"]] == ["withdrawn", "withdrawn"]
    told = await ward.house.owner.fetch(
        "select type, sequence from outbox where aggregate_id = $1 order by sequence",
        allowance["entitlement_id"],
    )
    assert [(row["type"].rpartition(".")[2], row["sequence"]) for row in told] == [
        ("opened", 1), ("fixed", 2), ("withdrawn", 3)
    ]  # fmt: skip


async def test_short_of_the_waiting_period_an_allowance_is_deferred(ward: Ward) -> None:
    mother = await ward.mother(first="2023-10")
    born = await ward.settled(ward.hospital("a"), "delivery", mother, "2024-03-21", mode="vaginal")
    assert born.status_code == 201, born.text
    listed = await ward.house.clerks[UNITS].get("/allowances", pregnancy=mother[1])
    assert {(i["state"], i["until"]) for i in listed.json()["items"]} == {
        ("deferred", "2024-09-01")
    }


_PLANTED = """
create temp table copy on commit drop as
select * from unit_entry where pregnancy_id = '{pregnancy}';
update copy set {changed};
insert into unit_entry select * from copy
"""


async def test_the_database_itself_refuses_what_passes_a_limit(ward: Ward) -> None:
    """The laws hold without the code: another first entry, a broken chain, a limit passed."""
    mother = await ward.mother()
    await ward.visit("a", mother, "2023-10-02", "450.00", week=13)
    copies = (
        ("number = 1, previous = null", asyncpg.UniqueViolationError),
        ("number = 2, previous = 1, used_before_fen = 44999, used_after_fen = 45099,"
         " amount_fen = 100", asyncpg.ForeignKeyViolationError),
        ("number = 2, previous = 1, used_before_fen = 45000, used_after_fen = 60001,"
         " amount_fen = 15001", asyncpg.CheckViolationError),
        ("number = 3, previous = 2, used_before_fen = 45000, used_after_fen = 45100,"
         " amount_fen = 100", asyncpg.ForeignKeyViolationError),
    )  # fmt: skip
    for changed, error in copies:
        planted = _PLANTED.format(pregnancy=mother[1], changed=changed)
        with pytest.raises(error):
            await ward.house.owner.execute(planted)
    with pytest.raises(asyncpg.CheckViolationError):
        await ward.house.owner.execute(
            "update pregnancy set confined = daterange('2023-10-01', '2023-10-03')"
            " where pregnancy_id = $1",
            UUID(mother[1]),
        )
