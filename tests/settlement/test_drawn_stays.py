"""A quote is its settlement, and a settlement is what its archived book gives again: for random
stays of every benefit in every pool, on a real database."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.policy.drawn_care import MEDICAL
from tests.policy.naive.law import Law
from tests.policy.naive.most import most
from tests.settlement.drawn_stays import FOLDERS, STAYED_DAYS, Drawn, Stays
from tests.settlement.trial import open_ward
from tests.support.clock import FixedClock
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import book_of

STAYS, SEED = 90, 20261122
TODAY = date(2026, 11, 21)
OF_THE_DEED = ("settlement_id", "reverses", "settled_at")


@pytest.fixture(scope="module")
async def stays(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stays]:
    """Every pool that is shipped or made up, each with two hospitals."""
    folder, clock = (
        tmp_path_factory.mktemp("ward"),
        FixedClock(datetime(2026, 11, 21, 2, tzinfo=UTC)),
    )
    dsns = module_databases("settlement")
    async with open_ward(dsns, folder, book_of(FOLDERS), clock) as ward:
        yield Stays(ward, SEED)


async def test_a_quote_is_its_settlement(stays: Stays) -> None:
    """Red when the quote was asked for without the course, and when settling knew another day."""
    seen: Counter[str] = Counter()
    for number in range(STAYS):
        drawer = list(stays.drawers.values())[number % len(stays.drawers)]
        benefit = stays.random.choice([b for b in drawer.benefits() if b in MEDICAL])
        drawn = await stays.one(drawer.pool, benefit)
        hospital = stays.ward.house.hospitals[drawn.hospital]
        quoted = await hospital.post(f"/stays/{drawn.stay}/quote")
        settled = await hospital.post(f"/stays/{drawn.stay}/settle", {"total": drawn.total})
        one, other = quoted.json(), settled.json()
        if settled.status_code == 201:
            kept = {name: value for name, value in other.items() if name not in OF_THE_DEED}
            assert kept == one, drawn
            seen[benefit] += 1
        else:
            assert (quoted.status_code, one["code"]) == (settled.status_code, other["code"]), drawn
            seen[other["code"]] += 1
    assert min(seen[benefit] for benefit in MEDICAL) >= 5, seen


async def test_a_birth_cut_in_two_stays_is_paid_once(stays: Stays) -> None:
    """Red when an ended pregnancy was not refused by the judgement."""
    paid: Counter[str] = Counter()
    for drawer in (d for d in stays.drawers.values() if "delivery" in d.benefits()):
        for _ in range(3):
            case = plain(stays.drawn_case(drawer.pool, "delivery"))
            mother = await stays.mother(case, paid_up=True)
            bill = stays.random.randrange(200, 3_000_000)
            cut = stays.random.randrange(1, bill)
            pieces = [
                await stays.brought(case, mother, letter, price=wire(part))
                for letter, part in zip(
                    stays.random.sample("ab", 2), (cut, bill - cut), strict=True
                )
            ]
            answers = [await settled(stays, piece) for piece in pieces]
            if answers[0].status_code != 201:
                continue  # refused for what she is, not for what is cut
            assert answers[1].json()["code"] == "1022-delivery-already-settled", answers[1].text
            desk = stays.ward.hospital("a", drawer.pool)
            again = {"person_ref": mother[0], "since": case["on"],
                     "institution_code": desk.institution}  # fmt: skip
            second = await desk.post("/pregnancies", again)
            assert second.status_code in (409, 422), second.text
            end = allowed(stays, case | {"cost": {"in_scope": wire(bill)}})
            assert await of_fund(stays, mother[1]) <= end, (case, wire(bill), wire(cut))
            paid[drawer.pool] += 1
    assert sum(paid.values()) >= len(stays.drawers), paid


async def test_a_check_cut_in_pieces_is_paid_as_one(stays: Stays) -> None:
    """Red when what was used was not looked at: then the database's own limit refuses the rest."""
    paid: Counter[str] = Counter()
    for drawer in (d for d in stays.drawers.values() if "prenatal" in d.benefits()):
        for _ in range(4):
            case = plain(stays.drawn_case(drawer.pool, "prenatal"))
            case["prenatal"]["used"] = {}
            one, other = [await stays.mother(case, paid_up=True) for _ in range(2)]
            bill, parts = stays.random.randrange(400, 200_000), stays.random.randint(2, 4)
            cuts = [0, *sorted(stays.random.sample(range(1, bill), parts - 1)), bill]
            whole = await settled(stays, await stays.brought(case, one, "a", price=wire(bill)))
            for part in (wire(upto - since) for since, upto in pairwise(cuts)):
                letter = stays.random.choice("aab")
                await settled(stays, await stays.brought(case, other, letter, price=part))
                case["prenatal"]["first_visit"] = False
            at_once, in_pieces = [await of_fund(stays, who[1]) for who in (one, other)]
            if whole.status_code == 201:
                method = method_of(stays, case)
                # A first visit's limit is that visit's alone: the next ones may use what it leaves.
                end = allowed(stays, case) if "first_visit" in method else at_once
                assert in_pieces <= end, (case, cuts)
                if method["method"] != "per_capita" and "first_visit" not in method:
                    assert in_pieces == at_once, (case, cuts)
                paid[drawer.pool] += 1
            else:
                assert in_pieces == 0, (case, whole.text)
    assert len(paid) >= 6, paid


def plain(case: dict[str, Any]) -> dict[str, Any]:
    """The case without circumstances that alone decide it."""
    return {name: value for name, value in case.items() if name != "circumstances"}


def wire(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


async def settled(stays: Stays, drawn: Drawn) -> httpx.Response:
    hospital = stays.ward.house.hospitals[drawn.hospital]
    return await hospital.post(f"/stays/{drawn.stay}/settle", {"total": drawn.total})


async def of_fund(stays: Stays, pregnancy: str | None) -> int:
    """What the fund pays for a pregnancy, in fen."""
    found: int = await stays.ward.house.owner.fetchval(
        "select coalesce(sum(fund_fen), 0)::bigint from settlement where pregnancy_id::text = $1",
        pregnancy,
    )
    return found


def law_of(stays: Stays, case: dict[str, Any]) -> tuple[Law, date]:
    """The documents' own law for a case, and the day that decides."""
    law = stays.naive.law(case["pool"], case["member"]["kind"], TODAY)
    on = date.fromisoformat(case["on"])
    days = {"discharged": on + timedelta(days=STAYED_DAYS), "settled": TODAY}
    return law, days.get(law.need("deciding_date", on), on)


def allowed(stays: Stays, case: dict[str, Any]) -> int:
    """The most that the fund may pay, by the words of the documents."""
    law, day = law_of(stays, case)
    ends = [most(case | {"institution": {"level": level}}, law, day) for level in (2, 3)]
    return max(end for end in ends if end is not None)


def method_of(stays: Stays, case: dict[str, Any]) -> dict[str, Any]:
    law, day = law_of(stays, case)
    found: dict[str, Any] = law.find("prenatal", day) or {}
    return found
