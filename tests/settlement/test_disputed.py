"""Claims without what is disputed of them: by their own book, and kept nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.settlement.domain.cost import Cost
from services.settlement.domain.disputed import share_of
from shared.money import Money
from tests.settlement.conftest import KIZILSU, NANJING
from tests.settlement.test_adjusting import corrected, person_of
from tests.settlement.trial import Ward, appoint, open_ward
from tests.support.agency import made
from tests.support.late_document import LATE_AT_ONCE, LATE_UNITS, book_with
from tests.support.postgres import ServiceDatabases
from tests.support.running import Client
from tests.support.trial_pools import UNITS


@pytest.fixture(scope="module")
async def ward(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    async with open_ward(module_databases("settlement"), folder) as opened:
        yield opened


async def asked(ward: Ward, pool: str, *items: dict[str, Any], who: Client | None = None) -> Any:
    """The answers to disputes about a pool's claims."""
    body = {"pool": pool, "items": list(items)}
    return (await made((who or ward.house.clerks[pool]).post("/prices", body)))["items"]


async def birth(ward: Ward, pool: str = NANJING, **more: Any) -> tuple[str, dict[str, Any]]:
    """A settled birth, as its hospital was told."""
    hospital = ward.house.hospitals[f"a-{pool}"]
    stay, outcome = await ward.house.ready_stay(hospital, pool, **more)
    settled = await made(hospital.post(f"/stays/{stay}/settle", {"total": outcome["total"]}))
    return settled["settlement_id"], settled


async def bill(ward: Ward, hospital: Client, pool: str, *lines: tuple[str, str]) -> str:
    """The claim of a settled vaginal birth with these lines: item and price."""
    person = await ward.house.person(pool)
    pregnancy = await ward.house.pregnancy(hospital, person)
    stay, _ = await ward.house.stay(hospital, person, pregnancy, discharge=False)
    more = [
        {"line_number": n, "item_code": item, "charged_on": "2024-03-21", "quantity": "1",
         "price": price}
        for n, (item, price) in enumerate(lines, 4)
    ]  # fmt: skip
    total = (await made(hospital.post(f"/stays/{stay}/lines", {"lines": more})))["total"]
    record = {"discharged_on": "2024-03-24", "event_on": "2024-03-21", "mode": "vaginal",
              "total": total}  # fmt: skip
    await made(hospital.post(f"/stays/{stay}/discharge", record))
    settled = await made(hospital.post(f"/stays/{stay}/settle", {"total": total}))
    return str(settled["settlement_id"])


def parts(of: dict[str, Any]) -> tuple[str, ...]:
    """Fund, member, hospital."""
    return of["fund"], of["member"], of["institution"]


async def test_a_duplicated_item_costs_the_fund_nothing_under_a_quota(ward: Ward) -> None:
    """Out of scope it is hers; in scope the hospital bears it, and her share of it, which this
    pool's quota contains, was even taken off what the fund pays."""
    hospital = ward.house.hospitals[f"a-{NANJING}"]
    claim = await bill(
        ward, hospital, NANJING, ("photo", "30.00"), ("photo", "30.00"), ("oxytocin", "20.00")
    )
    photo, oxytocin = await asked(
        ward, NANJING, {"settlement_id": claim, "without_lines": [5]},
        {"settlement_id": claim, "without_lines": [6]},
    )  # fmt: skip
    assert parts(photo["difference"]) == ("0.00", "30.00", "0.00")
    assert (photo["difference"]["total"], photo["refused"]) == ("30.00", None)
    assert parts(oxytocin["difference"]) == ("-4.50", "6.50", "18.00")


async def test_a_part_of_an_item_is_taken_from_its_parts_by_their_shares(ward: Ward) -> None:
    """Three bed days at 50 yuan each; all of them taken so is the item left out."""
    claim, _ = await birth(ward, KIZILSU, mode="cesarean")
    half, above, unknown, whole, same = await asked(
        ward, KIZILSU,
        {"settlement_id": claim, "less": [{"item_code": "bed", "amount": "75.00"}]},
        {"settlement_id": claim, "less": [{"item_code": "bed", "amount": "150.01"}]},
        {"settlement_id": claim, "less": [{"item_code": "photo", "amount": "1.00"}]},
        {"settlement_id": claim, "less": [{"item_code": "bed", "amount": "150.00"}]},
        {"settlement_id": claim, "without_items": ["bed"]},
    )  # fmt: skip
    assert half["difference"]["total"] == "75.00"
    assert above["refused"]["code"] == "1055-amount-above-item"
    assert unknown["refused"]["code"] == "1052-line-unknown"
    assert whole == same
    twice = {"settlement_id": claim, "less": [{"item_code": "bed", "amount": "1.00"}] * 2}
    body = {"pool": KIZILSU, "items": [twice]}
    assert (await ward.house.clerks[KIZILSU].post("/prices", body)).status_code == 400


def test_shares_sum_to_the_amount() -> None:
    """A fen that is left over goes to the largest remainder."""
    whole = Cost(Money(100), Money(50), Money(30), Money(20), Money(0))
    assert share_of(whole, Money(33)) == Cost(Money(33), Money(16), Money(10), Money(7), Money(0))
    assert share_of(whole, Money(100)) == whole
    for fen in range(101):
        share_of(whole, Money(fen))  # its parts add up, or it is no bill


async def test_the_same_item_paid_in_full_is_all_the_funds(ward: Ward) -> None:
    claim, _ = await birth(ward, KIZILSU, mode="cesarean")
    (one,) = await asked(ward, KIZILSU, {"settlement_id": claim, "without_items": ["bed"]})
    assert parts(one["difference"]) == ("150.00", "0.00", "0.00")
    assert one["repriced"]["total"] == "4520.00"


async def test_a_caesarean_corrected_to_vaginal_is_priced_as_such_a_birth(ward: Ward) -> None:
    """To the fen what the twin that was vaginal settled at, by the same book."""
    claim, settled = await birth(ward, mode="cesarean")
    _, vaginal = await birth(ward)
    (one,) = await asked(ward, NANJING, {"settlement_id": claim, "corrected": {"mode": "vaginal"}})
    assert parts(one["settled"]) == parts(settled)
    assert parts(one["repriced"]) == parts(vaginal)
    assert one["book"] == settled["book"] == vaginal["book"]
    assert one["difference"]["fund"] == "1999.60"


async def test_other_facts_and_the_level_are_corrected_too(ward: Ward) -> None:
    ill = await bill_of_complication(ward)
    other, level = await asked(
        ward, UNITS, {"settlement_id": ill, "corrected": {"complications": []}},
        {"settlement_id": (await birth(ward))[0], "corrected": {"level": 2}},
    )  # fmt: skip
    assert parts(other["settled"]) == ("8100.00", "900.00", "0.00")  # paid by item, no cap
    assert other["repriced"]["fund"] == "4000.00"
    assert level["refused"]["code"] == "1023-settlement-unknown"  # it is another pool's
    (level,) = await asked(
        ward, NANJING, {"settlement_id": (await birth(ward))[0], "corrected": {"level": 2}}
    )
    assert level["difference"]["fund"] != "0.00"


async def bill_of_complication(ward: Ward) -> str:
    """A birth that one complication has paid by item."""
    done = await ward.settled(
        ward.hospital("a"), "delivery", await ward.mother(), "2024-03-21", "9000.00",
        mode="vaginal", complications=["eclampsia"],
    )  # fmt: skip
    return str(done.json()["settlement_id"])


async def test_a_visit_meets_what_it_met(ward: Ward) -> None:
    """The second visit found 150 of the unit's 600 left; in the next unit it would find all."""
    mother = await ward.mother()
    first = (await ward.visit("a", mother, "2023-10-02", "450.00", week=13)).json()
    second = (await ward.visit("b", mother, "2023-10-04", "300.00", week=13)).json()
    assert (first["fund"], second["fund"]) == ("450.00", "150.00")
    item = {"settlement_id": second["settlement_id"]}
    later, same = await asked(
        ward, UNITS, item | {"corrected": {"week": 15}}, item | {"corrected": {"week": 12}}
    )
    assert parts(later["repriced"]) == ("300.00", "0.00", "0.00")
    assert parts(same["difference"]) == ("0.00", "0.00", "0.00")


async def test_what_cannot_be_said_is_refused_item_by_item(ward: Ward) -> None:
    claim, _ = await birth(ward)
    gone, _ = await birth(ward)
    hospital = ward.house.hospitals[f"a-{NANJING}"]
    await made(hospital.post(f"/settlements/{gone}/reverse"))
    moved, _ = await birth(ward)
    await corrected(ward.house, await person_of(ward.house, moved), "spouse_unemployed")
    line = {"without_lines": [1]}
    answers = await asked(
        ward, NANJING,
        {"settlement_id": str(uuid4())} | line,
        {"settlement_id": gone} | line,
        {"settlement_id": claim, "without_lines": [1, 99]},
        {"settlement_id": claim, "without_items": ["unheard-of"]},
        {"settlement_id": claim, "corrected": {"procedure": "iud_insert"}},
        {"settlement_id": moved} | line,
        {"settlement_id": claim} | line,
        {"settlement_id": claim, "without_lines": [1, 2, 3]},
    )  # fmt: skip
    *refused, fine, nothing = answers
    assert [one["refused"]["code"] for one in refused] == [
        "1023-settlement-unknown",
        "1024-already-reversed",
        "1052-line-unknown",
        "1052-line-unknown",
        "1040-outcome-of-another-benefit",
        "1054-facts-changed",
    ]
    assert {one["settled"] is one["repriced"] is one["difference"] is None for one in refused} == {
        True
    }
    assert (fine["refused"], fine["settlement_id"]) == (None, claim)
    assert (nothing["refused"]["code"], nothing["repriced"]) == ("1053-nothing-left", None)
    assert nothing["settled"]["total"] == "4670.00"


async def test_nothing_is_stored_and_one_may_not_look_across_the_wall(ward: Ward) -> None:
    claim, _ = await birth(ward)
    item = {"settlement_id": claim, "without_lines": [1]}
    before = await ward.house.counts()
    for role, pool in (("service", ""), ("reviewer", NANJING), ("finance", NANJING)):
        who = await ward.house.running.caller(f"asks-{role}", role, pool)
        (one,) = await asked(ward, NANJING, item, who=who)
        assert one["refused"] is None, role
    (stranger,) = await asked(ward, KIZILSU, item)
    assert stranger["refused"]["code"] == "1023-settlement-unknown"
    body = {"pool": NANJING, "items": [item]}
    other = await ward.house.clerks[KIZILSU].post("/prices", body)
    assert (other.status_code, other.json()["code"]) == (404, "5-not-found")
    hospital = await ward.house.hospitals[f"a-{NANJING}"].post("/prices", body)
    assert hospital.status_code == 403
    assert await ward.house.counts() == before


async def test_a_thousand_are_taken_and_one_more_is_not(ward: Ward) -> None:
    claim, _ = await birth(ward)
    item = {"settlement_id": claim, "without_lines": [2]}
    many = await asked(ward, NANJING, *[item] * 1000)
    assert len(many) == 1000
    assert {str(one) for one in many} == {str(many[0])}
    for items in ([item] * 1001, [], [{"settlement_id": claim}]):
        answer = await ward.house.clerks[NANJING].post("/prices", {"pool": NANJING, "items": items})
        assert answer.status_code == 400, len(items)


async def test_with_an_adjustment_the_book_is_the_adjustments(
    ward: Ward, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Last: it changes the book in force. What stands is the sum, and a visit meets what the
    adjustment met."""
    claim, settled = await birth(ward, mode="cesarean")
    mother = await ward.mother()
    for letter, price in (("a", "450.00"), ("b", "300.00")):
        visit = (await ward.visit(letter, mother, "2023-10-04", price, week=13)).json()
    item = {"settlement_id": claim, "corrected": {"mode": "vaginal"}}
    (before,) = await asked(ward, NANJING, item)
    late = book_with(tmp_path_factory.mktemp("late"), LATE_AT_ONCE, LATE_UNITS)
    await appoint(ward.house, late)
    (unmoved,) = await asked(ward, NANJING, item)
    assert unmoved == before  # today's book decides nothing of it
    for pool, since, one in (
        (NANJING, "2024-03-01", claim), (UNITS, "2023-10-01", visit["settlement_id"])
    ):  # fmt: skip
        second = await ward.house.running.caller(f"second-{pool}", "clerk", pool)
        days = {"since": since, "until": "2024-03-31"}
        proposed = (await made(ward.house.clerks[pool].post("/reconsiderations", days)))["proposed"]
        of_claim = await ward.house.owner.fetchval(
            "select adjustment_id::text from adjustment where adjustment_id = any($1)"
            " and settlement_id = $2",
            [UUID(each) for each in proposed], UUID(one),
        )  # fmt: skip
        await made(second.post(f"/adjustments/{of_claim}/release"))
    (after,) = await asked(ward, NANJING, item)
    assert (after["book"], before["book"]) == (late.hash, settled["book"])
    raised = (before["settled"]["fund"], after["settled"]["fund"])
    assert raised == (settled["fund"], "5143.85")
    (again,) = await asked(
        ward, UNITS, {"settlement_id": visit["settlement_id"], "corrected": {"week": 15}}
    )
    assert parts(again["settled"]) == ("300.00", "0.00", "0.00")  # 800 less the 450 before it
    assert again["difference"]["fund"] == "0.00"
