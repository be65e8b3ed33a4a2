"""One benefit on the same days at two hospitals is flagged, whichever benefit it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.audit.conftest import Audit
from tests.audit.events import HOSPITAL, NOW, OTHER_HOSPITAL, Telling

LATER = NOW + timedelta(days=300)


def two(benefit: str, **second: Any) -> tuple[Telling, Telling]:
    """A stay from the 5th to the 9th, and another, settled an hour later elsewhere."""
    first = Telling(benefit=benefit, born="2026-12-05", until="2026-12-09", settled_at=LATER)
    said = {"born": "2026-12-09", "hospital": OTHER_HOSPITAL} | second
    return first, Telling(benefit=benefit, settled_at=LATER + timedelta(hours=1), **said)


@pytest.mark.parametrize(
    ("benefit", "rule"),
    [
        ("loss", "overlapping-claim"),
        ("family_planning", "overlapping-claim"),
        ("complication", "overlapping-claim"),
        ("prenatal", "visits-of-one-day"),
    ],
)
async def test_stays_that_share_a_day_are_flagged(audit: Audit, benefit: str, rule: str) -> None:
    first, second = two(benefit)
    await audit.hear(second.settled(), first.settled())
    [flag] = await audit.flags()
    assert flag["claim_id"] == str(second.claim_id)
    [finding] = (await audit.flag(flag["flag_id"]))["findings"]
    assert finding["rule"] == rule
    for words in (finding["explanation"], finding["explanation_zh"]):
        assert "{" not in words
        for told in (str(first.claim_id), HOSPITAL, OTHER_HOSPITAL, "7000.00", " 4 ", rule):
            assert told in words, (told, words)


@pytest.mark.parametrize(
    "second",
    [
        {"born": "2026-12-10"},
        {"born": "2026-12-04"},
        {"hospital": HOSPITAL},
        {"person": "p2"},
        {"pool": "320100"},
    ],
)
async def test_what_shares_no_day_or_hospital_is_not(audit: Audit, second: dict[str, Any]) -> None:
    first, other = two("complication", **second)
    await audit.hear(first.settled(), other.settled())
    assert await audit.flags() == []


async def test_another_benefit_and_what_was_settled_before_the_rule_are_not(audit: Audit) -> None:
    first, second = two("loss")
    second.benefit = "complication"
    await audit.hear(first.settled(), second.settled())
    early = [Telling(person="p3", benefit="loss", hospital=h) for h in (HOSPITAL, OTHER_HOSPITAL)]
    await audit.hear(*(one.settled() for one in early))
    assert await audit.flags() == []
