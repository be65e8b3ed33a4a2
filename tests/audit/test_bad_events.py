"""Events that are not what they should be: each is read, passed over or buried; none stops others.

The names are those of `tests/contracts/covered.toml`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from shared.contracts.claim import ClaimSettled
from shared.ids import new_id
from tests.audit.conftest import Audit
from tests.audit.events import Telling, parts


async def counted(audit: Audit) -> tuple[int, int, int, int]:
    """Events applied, met before, buried and parked."""
    row = await audit.owner.fetchrow(
        "select applied, duplicates, dead, parked from consumer_offset"
    )
    assert row is not None
    return tuple(row)


async def claims(audit: Audit) -> list[str]:
    rows = await audit.owner.fetch("select claim_id::text from claim order by claim_id")
    return [row["claim_id"] for row in rows]


async def test_a_tombstone_is_a_dead_letter(audit: Audit) -> None:
    """EVT-002: a claim is never deleted, so an empty value means nothing."""
    good = Telling()
    await audit.hear(replace(Telling(person="p2").settled(), data=b""), good.settled())
    assert await counted(audit) == (1, 0, 1, 0)
    assert await claims(audit) == [str(good.claim_id)]


async def test_what_an_event_says_counts_and_not_under_which_key_it_came(audit: Audit) -> None:
    """EVT-004: the claim is the one that it names; nothing is known under the key."""
    claim = Telling()
    stray = replace(claim.settled(), key=str(new_id()))
    await audit.hear(stray)
    assert await counted(audit) == (1, 0, 0, 0)
    assert await claims(audit) == [str(claim.claim_id)]


async def test_a_required_field_that_is_missing_is_a_dead_letter(audit: Audit) -> None:
    """EVT-008: each in its turn."""
    required = [name for name, f in ClaimSettled.model_fields.items() if f.is_required()]
    assert len(required) > 20
    event = Telling().settled()
    for name in required:
        told = orjson.loads(event.data)
        del told[name]
        headers = dict(event.headers) | {"ce_id": str(new_id())}
        await audit.hear(replace(event, headers=headers, data=orjson.dumps(told)))
    assert await counted(audit) == (0, 0, len(required), 0)
    assert await claims(audit) == []


async def test_a_field_of_tomorrow_is_passed_over(audit: Audit) -> None:
    """EVT-009."""
    claim = Telling()
    event = claim.settled()
    told = orjson.loads(event.data) | {"of_tomorrow": {"deep": [1]}}
    await audit.hear(replace(event, data=orjson.dumps(told)))
    assert await claims(audit) == [str(claim.claim_id)]


async def test_of_one_id_with_two_contents_the_first_counts(audit: Audit) -> None:
    """EVT-012: an id that was heard says nothing new."""
    first, other = Telling(), Telling(person="p2", parts=parts("1.00", "1.00"))
    event = first.settled()
    forged = replace(other.settled(), headers=event.headers)
    await audit.hear(event)
    before = await audit.contents()
    await audit.hear(forged)
    assert await audit.contents() == before
    assert await counted(audit) == (1, 1, 0, 0)


async def test_an_event_of_the_year_3000_moves_no_window(audit: Audit) -> None:
    """EVT-016: it is a claim of that year; a claim of today is judged as if it were not there."""
    far = Telling(settled_at=datetime(3000, 1, 1, tzinfo=UTC), born="2999-12-30")
    near, second = Telling(born="2026-01-28"), Telling(born="2026-02-01")
    await audit.hear(far.settled())
    await audit.hear(near.settled(), second.settled())
    flags = {flag["claim_id"] for flag in await audit.flags()}
    assert str(far.claim_id) not in flags
    assert len(flags) == 1
    assert (await counted(audit))[0] == 3


@pytest.mark.parametrize(
    ("total", "fund", "member", "taken"),
    [
        ("100.00", "70.00", "29.99", False),  # MON-044
        ("0.30", "0.10", "0.20", True),  # MON-045
        ("10.00", "10.01", "-0.01", False),  # MON-049
    ],
)
async def test_parts_that_are_none_of_a_total_are_parked(
    audit: Audit, fast_retries: None, total: str, fund: str, member: str, taken: bool
) -> None:
    told = {"total": total, "fund": fund, "desk_fund": fund}
    own = dict.fromkeys(("member", "member_cash", "desk_member"), member)
    claim = Telling(parts=parts().model_copy(update=told | own))
    await audit.hear(claim.settled())
    assert await counted(audit) == ((1, 0, 0, 0) if taken else (0, 0, 0, 1))
    assert len(await claims(audit)) == taken
