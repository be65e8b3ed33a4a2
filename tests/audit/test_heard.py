"""Claims as heard: folded, judged once, flagged once, whatever the bus does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.audit.domain.library import read_library
from services.audit.heard.claim import TOPIC, claim_handler
from shared.contracts.claim import ClaimSettled
from shared.money import Money
from shared.plumbing.bus.record import read_event
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.inbox import Inbox, retry_parked
from tests.audit.conftest import CONSUMER, Audit, FixedClock, ListSource
from tests.audit.events import (
    HOSPITAL,
    NOW,
    OTHER_HOSPITAL,
    OTHER_POOL,
    Telling,
    parts,
    record,
)


def pair(days: int = 3, **second: Any) -> tuple[Telling, Telling]:
    """Two claims of one person, `days` between the births; the second is settled later."""
    first = Telling(born="2026-01-01", settled_at=NOW - timedelta(days=40))
    born = (NOW.date().replace(month=1, day=1) + timedelta(days=days)).isoformat()
    return first, Telling(born=born, hospital=OTHER_HOSPITAL, **second)


async def test_a_claim_is_kept_as_told(audit: Audit) -> None:
    claim = Telling(parts=parts("9000.00", "6543.21"))
    await audit.hear(claim.settled())
    answer = (await audit.client("r1").get(f"/claims/{claim.claim_id}")).json()
    assert answer["parts"] == claim.parts.model_dump()
    assert (answer["status"], answer["version"]) == ("settled", 1)
    assert answer["institution_code"] == HOSPITAL
    assert answer["event_on"] == "2026-02-01"
    assert len(answer["judgements"]) == 1
    assert answer["flags"] == []


@pytest.mark.parametrize(("days", "flagged"), [(0, 1), (30, 1), (31, 0)])
async def test_the_rule_ends_after_thirty_days(audit: Audit, days: int, flagged: int) -> None:
    for claim in pair(days):
        await audit.hear(claim.settled())
    twice = [flag for flag in await audit.flags() if flag["rule_family"] == "duplicate-claim"]
    assert len(twice) == flagged


@pytest.mark.parametrize("order", ["as settled", "turned round", "one poll", "one poll turned"])
async def test_the_claim_settled_later_is_flagged(audit: Audit, order: str) -> None:
    first, second = pair(parts=parts("8000.00", "5000.00"))
    events = [first.settled(), second.settled()]
    if "turned" in order:
        events.reverse()
    for poll in [events] if "poll" in order else [[event] for event in events]:
        await audit.hear(*poll)
    [flag] = await audit.flags()
    assert flag["claim_id"] == str(second.claim_id)
    assert flag["institution_code"] == OTHER_HOSPITAL
    assert flag["amount_at_risk"] == "5000.00"
    assert (flag["state"], flag["grade"]) == ("open", "violation")
    assert await audit.told() == [("raised", 1)]


async def test_other_persons_and_other_pools_are_no_rivals(audit: Audit) -> None:
    first, second = pair()
    second.person = "p2"
    elsewhere = Telling(born="2026-01-02", pool=OTHER_POOL)
    await audit.hear(first.settled(), second.settled(), elsewhere.settled())
    assert await audit.flags() == []


async def test_both_languages_name_claims_days_hospitals_money_rule_and_law(audit: Audit) -> None:
    first, second = pair(days=3)
    await audit.hear(first.settled(), second.settled())
    [listed] = await audit.flags()
    [finding] = (await audit.flag(listed["flag_id"]))["findings"]
    for words in (finding["explanation"], finding["explanation_zh"]):
        for told in (
            str(first.claim_id), str(second.claim_id), HOSPITAL, OTHER_HOSPITAL, "2026-01-01",
            "2026-01-04", "7000.00", " 3 ", " 30 ", "duplicate-claim", "735", "15", "38", "40",
        ):  # fmt: skip
            assert told in words, (told, words)
        assert "{" not in words
    assert "医疗保障基金使用监督管理条例" in finding["explanation_zh"]
    assert "Regulation on the Supervision" in finding["explanation"]


async def test_a_third_claim_adds_a_finding_and_its_own_flag(audit: Audit) -> None:
    first, second = pair(days=3)
    third = Telling(born="2026-01-05", settled_at=NOW + timedelta(hours=1))
    for claim in (second, third, first):
        await audit.hear(claim.settled())
    found = {f["claim_id"]: f for f in await audit.flags()}
    assert set(found) == {str(second.claim_id), str(third.claim_id)}
    whole = await audit.flag(found[str(third.claim_id)]["flag_id"])
    assert {f["rival"]["claim_id"] for f in whole["findings"]} == {
        str(first.claim_id),
        str(second.claim_id),
    }
    assert [step["step"] for step in whole["history"]] == ["raised", "finding-added"]


async def test_duplicates_and_replay_change_nothing(audit: Audit) -> None:
    first, second = pair()
    third = Telling(person="p3")
    events = [first.settled(), second.settled(), third.settled(), third.reversed()]
    await audit.hear(*events, *events)
    [flag] = await audit.flags()
    await audit.decide(flag["flag_id"])
    await audit.hear(second.taken(flag["flag_id"], 1, "7000.00"))
    before = await audit.contents()
    await audit.hear(*events)
    await audit.replay()
    assert await audit.contents() == before
    counts = await audit.owner.fetchrow("select applied, duplicates, dead from consumer_offset")
    assert tuple(counts) == (5, 4 + 4 + 13, 0)
    assert await audit.owner.fetchval("select count(*) from inbox") == 5


async def test_even_without_an_inbox_nothing_is_doubled(audit: Audit) -> None:
    first, second = pair()
    await audit.hear(first.settled(), second.settled(), first.reversed())
    before = await audit.contents()
    await audit.owner.execute("truncate inbox")
    await audit.replay()
    after = await audit.contents()
    assert {t: h for t, h in after.items() if t != "inbox"} == {
        t: h for t, h in before.items() if t != "inbox"
    }


async def test_an_older_sequence_changes_nothing(audit: Audit) -> None:
    claim = Telling()
    await audit.hear(claim.settled())
    claim.said = 4
    await audit.hear(claim.reversed())
    claim.said = 1
    before = await audit.contents()
    await audit.hear(claim.settled(), claim.reversed())
    after = await audit.contents()
    assert (after["claim"], after["log"]) == (before["claim"], before["log"])
    shown = (await audit.client("r1").get(f"/claims/{claim.claim_id}")).json()
    assert (shown["status"], shown["version"]) == ("reversed", 5)


async def test_each_claim_is_judged_once_by_the_rules_of_its_day(audit: Audit) -> None:
    first, second = pair()
    before_the_law = Telling(person="p9", born="2021-04-01")
    before_the_law.settled_at = NOW.replace(year=2021, month=4, day=30, hour=12)
    await audit.hear(first.settled(), second.settled(), second.reversed())
    await audit.hear(before_the_law.settled())
    missing = await audit.owner.fetchval(
        "select count(*) from claim c left join judgement j using (pool_code, claim_id)"
        " where j.claim_id is null"
    )
    assert missing == 0
    sets = await audit.owner.fetch("select rule_set, count(*) from judgement group by 1 order by 2")
    assert [row["count"] for row in sets] == [1, 2]


async def test_a_claim_settled_anew_is_no_duplicate_of_itself(audit: Audit) -> None:
    first, again = pair(days=0)
    await audit.hear(again.settled(), first.settled(), first.reversed())
    assert await audit.flags() == []


async def test_a_reversed_rival_closes_the_flag_also_when_it_is_heard_late(audit: Audit) -> None:
    first, again = pair(days=0)
    await audit.hear(first.settled())
    await audit.hear(again.settled())
    await audit.hear(first.reversed())
    [flag] = await audit.flags()
    whole = await audit.flag(flag["flag_id"])
    assert flag["state"] == "closed"
    assert whole["history"][-1]["reason"] == "rival-reversed"
    assert whole["findings"][0]["rival"]["status"] == "reversed"


async def test_poison_parks_its_key_and_no_other(audit: Audit, fast_retries: None) -> None:
    poison = Telling(person="px", parts=parts().model_copy(update={"fund": "7000.01"}))
    good = [Telling(person=f"p{i}") for i in range(10)]
    events = [claim.settled() for claim in good]
    await audit.hear(*events[:5], poison.settled(), *events[5:], good[0].reversed())
    await audit.hear(poison.reversed())
    assert await audit.owner.fetchval("select count(*) from claim") == 10
    parked = await audit.owner.fetch("select key, reason from parked order by number")
    assert [tuple(row) for row in parked] == [
        (str(poison.claim_id), "CheckViolationError"),
        (str(poison.claim_id), "behind"),
    ]


async def test_a_reversal_without_its_claim_waits_until_the_claim_came(
    audit: Audit, fast_retries: None
) -> None:
    claim = Telling()
    settled, undone = claim.settled(), claim.reversed()
    await audit.hear(undone)
    assert await audit.owner.fetchval("select reason from parked") == "UnknownClaim"
    other = ListSource([settled])
    clock = FixedClock()
    handle = claim_handler(clock, read_library())
    await Inbox("repair", audit.pool, other, handle, clock).take_once()
    assert await retry_parked(audit.pool, CONSUMER, str(claim.claim_id), handle, FixedClock()) == 1
    assert await audit.owner.fetchval("select status from claim") == "reversed"


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: b"{",
        lambda d: d.replace(b'"9000.00"', b'"9e3"'),
        lambda d: d.replace(b'"2026-02-01"', b'"2026-02-30"'),
        lambda d: d.replace(b"2026-03-02T01:00:00.000Z", b"2026-03-02T01:00:00"),
        lambda d: d.replace(b'"claim_id":"', b'"claim_id":"x'),
    ],
)
async def test_what_cannot_be_read_is_a_dead_letter(audit: Audit, damage: Any) -> None:
    good, bad = Telling(), Telling(person="p2")
    event = bad.settled()
    broken = record(TOPIC, ClaimSettled.type, event.key, 1, damage(event.data))
    await audit.hear(broken, good.settled())
    assert await audit.owner.fetchval("select count(*) from claim") == 1
    topics = await audit.owner.fetch("select topic from outbox where type = 'dead-letter'")
    assert [row["topic"] for row in topics] == [f"{TOPIC}.{CONSUMER}.dlq"]
    assert await audit.owner.fetchval("select count(*) from parked") == 0


async def test_a_type_of_tomorrow_is_passed_over(audit: Audit) -> None:
    await audit.hear(record(TOPIC, "settlement.claim.polished", "k", 1, b"{}"))
    row = await audit.owner.fetchrow("select applied, dead, parked from consumer_offset")
    assert tuple(row) == (1, 0, 0)


async def test_two_consumers_never_both_miss_a_pair(audit: Audit) -> None:
    handle = claim_handler(FixedClock(), read_library())
    first, second = pair()
    async with transaction(audit.pool, [AGENCY]) as tx:
        await handle(tx, [read_event(first.settled())])
        other = asyncio.create_task(audit.hear(second.settled()))
        await asyncio.sleep(0.3)
        assert not other.done()
    await other
    assert await audit.owner.fetchval("select count(*) from flag") == 1


async def test_a_poll_is_one_transaction(audit: Audit) -> None:
    for both in [pair(), pair()]:
        both[0].person = both[1].person = str(both[0].claim_id)
        await audit.hear(both[0].settled(), both[1].settled(), both[0].reversed())
    for table in ("claim", "judgement", "inbox"):
        count = f"select count(distinct xmin::text) from {table}"  # noqa: S608
        assert await audit.owner.fetchval(count) == 2
    await audit.hear(*(claim.settled() for _ in range(20) for claim in pair()))
    count = await audit.owner.fetchval(
        "select count(distinct xmin::text) from (select xmin from finding"
        " union all select xmin from flag) t"
    )
    assert count == 1


async def test_the_fold_of_all_events_is_the_view(audit: Audit) -> None:
    claims = [Telling(person=f"p{i % 7}", parts=parts("100.00", f"{i}.00")) for i in range(20)]
    await audit.hear(*(claim.settled() for claim in claims))
    await audit.hear(*(claim.reversed() for claim in claims[::3]))
    rows = {r["claim_id"]: r for r in await audit.owner.fetch("select * from claim")}
    for number, claim in enumerate(claims):
        row = rows[claim.claim_id]
        gone = number % 3 == 0
        assert (row["status"], row["version"]) == (("reversed", 2) if gone else ("settled", 1))
        assert row["fund_fen"] == Money.from_wire(claim.parts.fund).fen
    live = await audit.owner.fetchval(
        "select count(*) from flag f join claim c using (pool_code, claim_id)"
        " where f.state = 'open' and c.status = 'reversed'"
    )
    assert live == 0
