"""Time limits in work days, and silence that is noted when one runs out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.audit.domain.flag import IN_REVIEW
from services.audit.domain.reason import REASONS, Verdict
from services.audit.domain.time_limits import SHIPPED_TIME_LIMITS, read_time_limits
from services.audit.domain.work_day import after_work_days, is_work_day
from services.audit.work.silent_institutions import SilentInstitutions
from tests.audit.conftest import Audit, FixedClock
from tests.audit.events import NOW, Telling


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-03-02", True),  # a Monday
        ("2026-03-01", False),  # a Sunday
        ("2026-02-17", False),  # the first day of the lunar year, a Tuesday
        ("2024-04-07", True),  # a Sunday worked for Qingming
        ("2099-10-01", True),  # a Thursday of a year whose holidays nobody knows
        ("2099-10-03", False),
    ],
)
def test_work_days(day: str, works: bool) -> None:
    assert is_work_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("begin", "count", "last"),
    [
        ("2026-03-02", 10, "2026-03-16"),
        ("2026-03-06", 1, "2026-03-09"),  # from Friday to Monday
        ("2024-04-03", 1, "2024-04-07"),  # Qingming, then a Sunday that is worked
        ("2024-04-03", 2, "2024-04-08"),
    ],
)
def test_the_first_day_does_not_count(begin: str, count: int, last: str) -> None:
    assert after_work_days(date.fromisoformat(begin), count) == date.fromisoformat(last)


def test_each_step_has_a_time_limit_and_nothing_else_has() -> None:
    assert SHIPPED_TIME_LIMITS.keys() == IN_REVIEW
    with pytest.raises(ValueError, match="a time limit for each step"):
        read_time_limits('[open]\nwork_days = 1\nlabel = "example"\nnote = "x"')


def test_every_verdict_has_a_reason() -> None:
    assert {reason.verdict for reason in REASONS.values()} == set(Verdict)


async def _asked(audit: Audit) -> str:
    """A flag whose institution is asked for a statement."""
    await audit.hear(Telling(settled_at=NOW - timedelta(days=1)).settled(), Telling().settled())
    [flag] = await audit.flags()
    await audit.first(flag["flag_id"])
    return str(flag["flag_id"])


async def _last_day(audit: Audit, day: str) -> None:
    await audit.owner.execute("update flag set due_on = $1", date.fromisoformat(day))


async def test_silence_is_noted_the_day_after_the_last(audit: Audit) -> None:
    flag = await _asked(audit)
    sweep = SilentInstitutions(audit.pool, FixedClock(), SHIPPED_TIME_LIMITS)
    await _last_day(audit, "2026-03-02")
    await sweep.note()
    assert (await audit.flag(flag))["state"] == "notified", "the last day is hers"
    await _last_day(audit, "2026-03-01")
    await sweep.note()
    await sweep.note()
    shown = await audit.flag(flag)
    assert (shown["state"], shown["hearing"], shown["due_on"]) == (
        "first_reviewed", "silent", "2026-03-16",
    )  # fmt: skip
    assert [(s["step"], s["by"]) for s in shown["history"]][2:] == [("statement-missing", "audit")]


async def test_a_late_statement_is_taken_until_the_second_review(audit: Audit) -> None:
    flag = await _asked(audit)
    await _last_day(audit, "2026-03-01")
    await SilentInstitutions(audit.pool, FixedClock(), SHIPPED_TIME_LIMITS).note()
    late = await audit.statement(flag)
    assert (late.status_code, late.json()["hearing"]) == (200, "stated")
    again = await audit.statement(flag)
    assert again.json()["code"] == "4013-no-statement-awaited"
    await audit.second(flag)
    assert (await audit.statement(flag)).json()["code"] == "4013-no-statement-awaited"


async def test_silence_does_not_keep_money_from_being_decided_by_people(audit: Audit) -> None:
    flag = await _asked(audit)
    await _last_day(audit, "2026-03-01")
    await SilentInstitutions(audit.pool, FixedClock(), SHIPPED_TIME_LIMITS).note()
    await audit.second(flag)
    await audit.dispose(flag)
    await audit.approve(flag)
    assert await audit.owner.fetchval("select hearing from decision") == "silent"


async def test_what_is_over_time_is_listed(audit: Audit) -> None:
    flag = await _asked(audit)
    assert (await audit.client("r1").get("/flags?overdue=true")).json()["flags"] == []
    await _last_day(audit, "2026-03-01")
    [shown] = (await audit.client("r1").get("/flags?overdue=true")).json()["flags"]
    assert shown["flag_id"] == flag


async def test_what_reviews_came_to_is_exported(audit: Audit) -> None:
    await audit.hear(Telling(settled_at=NOW - timedelta(days=1)).settled(), Telling().settled())
    await audit.hear(
        Telling("p2", settled_at=NOW - timedelta(days=1)).settled(), Telling("p2").settled()
    )
    one, other = [flag["flag_id"] for flag in await audit.flags()]
    await audit.dismiss(one)
    await audit.decide(other, "10.00")
    rows, after = [], ""
    while True:
        asked = f"/reviews?since=2026-03-02&limit=1{after}"
        page = (await audit.client("r1").get(asked)).json()
        rows += page["reviews"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert {(r["flag_id"], r["outcome"], r["disposal"], r["reviewed_on"]) for r in rows} == {
        (one, "explained", "dismiss", "2026-03-02"), (other, "confirmed", "deduct", "2026-03-02"),
    }  # fmt: skip
    assert all(row["claim_id"] and row["reviewed_by"] != row["approved_by"] for row in rows)
    later = (await audit.client("r1").get("/reviews?since=2026-03-03")).json()
    assert later["reviews"] == []
