"""What kinds of case an institution has, and how the change of what they cost divides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.audit.domain.claim import Claim, ClaimStatus
from services.audit.store import claims
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import Audit
from tests.audit.events import OTHER_POOL
from tests.audit.test_watch import a_claim

HOSPITAL = "H-MIX"
BIRTH = (("Z37.000", "O80.000"), ())
CESAREAN = (("O82.000", "Z37.000"), ("74.1x01",))
CUT = (("Z37.000", "O80.000"), ("73.6x01",))
FOREIGN = (("I10.x00",), ())


def discharged(
    day: date, total: int, codes: tuple[tuple[str, ...], tuple[str, ...]], **more: Any
) -> Claim:
    diagnoses, procedures = codes
    claim = a_claim(HOSPITAL, day, total)
    return replace(claim, diagnoses=diagnoses, procedures=procedures, **more)


async def mix(audit: Audit, told: Sequence[Claim], **query: Any) -> Any:
    async with transaction(audit.pool, [AGENCY]) as tx:
        await claims.record(tx, told)
    answer = await audit.client("r1").get(f"/institutions/{HOSPITAL}/case-mix", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(kinds: Sequence[dict[str, Any]]) -> dict[str, tuple[int, str, int, str]]:
    return {
        one["kind"]: (one["cases"], one["total"], one["cases_before"], one["total_before"])
        for one in kinds
    }


async def test_stays_are_told_by_adjacent_group_beside_the_year_before(audit: Audit) -> None:
    told = [
        discharged(date(2024, 1, 31), 100_000, BIRTH),  # the last day before the window
        discharged(date(2024, 2, 1), 300_000, BIRTH),
        discharged(date(2024, 2, 2), 300_000, BIRTH),
        discharged(date(2025, 2, 1), 330_000, BIRTH),
        discharged(date(2025, 2, 28), 660_000, CESAREAN),
        discharged(date(2025, 2, 28), 350_001, CUT),
        discharged(date(2025, 2, 28), 12_345, FOREIGN),
        discharged(date(2025, 2, 3), 9_900, ((), ()), benefit="prenatal", mode=None, infants=None),
        discharged(date(2025, 3, 1), 700_000, BIRTH),  # the first day after it
    ]
    undone = discharged(date(2025, 2, 10), 500_000, BIRTH)
    undone = replace(undone, status=ClaimStatus.REVERSED, reversed_at=undone.settled_at)
    answer = await mix(audit, [*told, undone], until="2025-02", months=1)
    assert (answer["since"], answer["until"]) == ("2025-02", "2025-02")
    assert shown(answer["kinds"]) == {
        "OB1": (1, "6600.00", 0, "0.00"),
        "OC1": (1, "3500.01", 0, "0.00"),
        "OR1": (1, "3300.00", 2, "6000.00"),
        "ungrouped": (1, "123.45", 0, "0.00"),
        "prenatal": (1, "99.00", 0, "0.00"),
    }
    assert answer["kinds"][0]["name_zh"] == "剖宫产术"
    growth = {name: Money.from_wire(text).fen for name, text in answer["growth"].items()}
    assert growth["change"] == 1_362_246 - 600_000
    assert growth["price"] == 30_000  # one birth, dearer than each of the two before
    assert growth["volume"] == 900_000  # three cases more at the mean of the year before
    assert growth["price"] + growth["volume"] + growth["mix"] == growth["change"]


async def test_another_version_groups_otherwise(audit: Audit) -> None:
    told = [discharged(date(2025, 2, 1), 330_000, (("O80.000", "Z37.000"), ()))]
    national = await mix(audit, told, until="2025-02")
    assert national["grouping"]["id"] == "chs_drg_11"
    older = await mix(audit, [], until="2025-02", grouping="chs_drg_10")
    assert older["grouping"]["id"] == "chs_drg_10"
    assert shown(older["kinds"]) == {"OR1": (1, "3300.00", 0, "0.00")}
    assert shown(national["kinds"]) != shown(older["kinds"])


@pytest.mark.parametrize("wrong", [{"grouping": "nope"}, {"months": 13}, {"until": "2025-13"}])
async def test_what_cannot_be_asked_is_refused(audit: Audit, wrong: dict[str, Any]) -> None:
    answer = await audit.client("r1").get(f"/institutions/{HOSPITAL}/case-mix", params=wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "1-malformed")


async def test_another_pool_sees_nothing_of_it(audit: Audit) -> None:
    await mix(audit, [discharged(date(2025, 2, 1), 330_000, BIRTH)], until="2025-02")
    elsewhere = audit.client("r9", pool=OTHER_POOL)
    asked = await elsewhere.get(f"/institutions/{HOSPITAL}/case-mix", params={"until": "2025-02"})
    assert asked.status_code == 404
