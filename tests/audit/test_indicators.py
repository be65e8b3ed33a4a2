"""Indicators of agreements: plain counts beside a limit, and flags where enough cases pass it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.audit.domain.claim import Claim
from services.audit.domain.indicator import (
    Indicator,
    IndicatorLimit,
    Measured,
    in_force,
    measured,
    tally,
)
from services.audit.domain.series import BORNE_BY_MOTHERS
from services.audit.scoring.indicators import channel_of, passed
from services.audit.scoring.series import CHANNELS
from services.audit.store import claims
from services.audit.work.watch import watch_once
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, LOT, Audit, FixedClock
from tests.audit.events import NOW, POOL
from tests.audit.test_by_two import agreed
from tests.audit.test_watch import a_claim, of_months

A, B = "H-1", "H-2"
JAN, FEB = date(2026, 1, 10), date(2026, 2, 10)


def births(hospital: str, day: date, vaginal: int, cesarean: int, yuan: int = 4000) -> list[Claim]:
    """Births of a day: cesareans cost 2,500 yuan more; a tenth of each bill is out of scope."""
    made = []
    for n in range(vaginal + cesarean):
        total = (yuan + (2500 if n >= vaginal else 0)) * 100
        claim = a_claim(hospital, day, total)
        mode = "cesarean" if n >= vaginal else "vaginal"
        made.append(replace(claim, mode=mode, out_of_scope=Money(total // 10)))
    return made


def limit(indicator: Indicator, most: str | None, **said: Any) -> IndicatorLimit:
    return IndicatorLimit(
        **{
            "pool_code": POOL, "id": new_id(), "reason": "协议", "by": "r1", "asked_at": NOW,
            "approved_by": "r2", "indicator": indicator, "institution_code": None,
            "since": "2026-01", "window_months": 3,
            "limit": None if most is None else Decimal(most),
        } | said
    )  # fmt: skip


def told(some: list[Claim], *limits: IndicatorLimit) -> dict[tuple[str, str], Measured]:
    return {(one.institution_code, one.month): one for one in measured(tally(some), limits)}


def test_the_cesarean_rate_by_hand() -> None:
    found = told(births(A, JAN, 24, 16), limit(Indicator.CESAREAN_RATE, "0.35"))[A, "2026-01"]
    # 16 of 40 are 40 %; 14 were allowed; each of the two above costs 2,500 yuan more
    assert (found.cases, found.value, found.passed) == (40, Decimal("0.4000"), True)
    assert found.excess == Money.from_wire("5000.00")
    assert found.spent == Money.from_wire("200000.00")


def test_the_other_indicators_by_hand() -> None:
    some = births(A, JAN, 30, 10)
    share = told(some, limit(Indicator.OUT_OF_SCOPE_SHARE, "0.08"))[A, "2026-01"]
    assert (share.value, share.spent.to_wire(), share.excess.to_wire()) == (
        Decimal("0.1000"), "18500.00", "3700.00"
    )  # fmt: skip
    mean = told(some, limit(Indicator.AVERAGE_COST, "4500.00"))[A, "2026-01"]
    assert (mean.value, mean.excess.to_wire()) == (Decimal("4625.0000"), "5000.00")


def test_what_mothers_paid_puts_nothing_of_the_funds_at_risk() -> None:
    some = births(A, JAN, 30, 10)
    shares = told(some, limit(Indicator.OUT_OF_SCOPE_SHARE, "0.08")).values()
    means = told(some, limit(Indicator.AVERAGE_COST, "4500.00")).values()
    [share], [mean] = passed("990001", shares), passed("990001", means)
    assert (share.excess.to_wire(), share.at_risk) == ("3700.00", Money(0))
    assert mean.at_risk == mean.excess == Money.from_wire("5000.00")
    assert replace(mean, channel="own_share").at_risk == Money(0)
    assert {*CHANNELS, *map(channel_of, Indicator)} >= BORNE_BY_MOTHERS


def test_a_repeat_is_of_the_same_woman_hospital_and_fortnight() -> None:
    some = births(A, JAN, 40, 0)
    stay = timedelta(days=3)
    again = [
        replace(a_claim(A, JAN + timedelta(days=days) + stay, 100_00), person_ref=one.person_ref,
                benefit="complication", mode=None)
        for one, days in zip(some, (0, 15, 16), strict=False)
    ]  # fmt: skip
    elsewhere = replace(a_claim(B, JAN + timedelta(days=5), 100_00), person_ref=some[5].person_ref)
    found = told([*some, *again, elsewhere], limit(Indicator.REPEAT_ADMISSION, "0.01"))
    one = found[A, "2026-01"]
    # of 43 stays two begin 0 and 15 days after another ended; 16 days are no repeat
    assert (one.cases, one.value) == (43, Decimal("0.0465"))
    assert one.excess == Money(15700)  # 2 - 0.43 stays at 100 yuan each
    assert found[B, "2026-01"].value == 0


def test_few_cases_pass_no_limit() -> None:
    few = told(births(A, JAN, 9, 20), limit(Indicator.CESAREAN_RATE, "0.35"))[A, "2026-01"]
    assert (few.low_volume, few.passed, few.value > few.limit) == (True, False, True)
    # together with the next month they are enough
    both = told(
        [*births(A, JAN, 9, 20), *births(A, FEB, 1, 0)], limit(Indicator.CESAREAN_RATE, "0.35")
    )
    assert (both[A, "2026-02"].cases, both[A, "2026-02"].passed) == (30, True)


def test_a_window_begins_with_its_limit() -> None:
    some = [*births(A, JAN, 0, 40), *births(A, FEB, 40, 0)]
    since = limit(Indicator.CESAREAN_RATE, "0.35", since="2026-02")
    found = told(some, since)
    assert set(found) == {(A, "2026-02")}
    assert (found[A, "2026-02"].months, found[A, "2026-02"].value) == (1, 0)


def test_the_institutions_own_limit_stands_before_the_pools_and_the_later_before_the_earlier() -> (
    None
):
    rate = Indicator.CESAREAN_RATE
    pools = limit(rate, "0.30")
    own = limit(rate, "0.40", institution_code=A)
    later = limit(rate, "0.50", institution_code=A, since="2026-02")
    asked = limit(rate, "0.01", institution_code=A, since="2026-02", approved_by=None)
    none = limit(rate, None, institution_code=A, since="2026-03")
    every = [pools, own, later, asked, none]
    assert in_force(every, rate, B, "2026-02") is pools
    assert in_force(every, rate, A, "2026-01") is own
    assert in_force(every, rate, A, "2026-02") is later
    assert in_force(every, rate, A, "2025-12") is None
    assert in_force(every, Indicator.AVERAGE_COST, A, "2026-02") is None
    assert (A, "2026-03") not in told(births(A, date(2026, 3, 1), 0, 40), *every)


def test_without_other_births_nothing_is_dearer() -> None:
    found = told(births(A, JAN, 0, 40), limit(Indicator.CESAREAN_RATE, "0.35"))[A, "2026-01"]
    assert (found.passed, found.excess) == (True, Money(0))


@pytest.fixture
async def told_of(audit: Audit) -> Audit:
    """Two hospitals, one of them above its limit in both months, and a limit of the pool."""
    async with transaction(audit.pool, [AGENCY]) as tx:
        for day in (JAN, FEB):
            await claims.record(tx, [*births(A, day, 20, 20), *births(B, day, 30, 10)])
    said = {"indicator": "caesarean-rate", "since": "2026-01", "window_months": 3,
            "limit": "0.35", "reason": "协议"}  # fmt: skip
    await agreed(audit, "/indicator-limits", said)
    await watch_once(audit.pool, FixedClock(), LOT, LIBRARY)
    return audit


async def test_a_passed_limit_is_a_flag_of_its_own_family(told_of: Audit) -> None:
    [flag] = await of_months(told_of)
    assert (flag["institution_code"], flag["channel"]) == (A, "agreement-caesarean-rate")
    assert (flag["grade"], flag["state"]) == ("suspicious", "open")
    shown = await told_of.flag(flag["flag_id"])
    assert [month["month"] for month in shown["months"]] == ["2026-01", "2026-02"]
    last = shown["months"][-1]
    # 40 of 80 where 28 are allowed: twelve at 2,500 yuan
    assert (last["cases"], last["excess"], last["score"]) == (80, "30000.00", "1.4286")
    assert "35.00 %" in last["explanation"]
    assert "剖宫产率" in last["explanation_zh"]
    assert last["rule"] == "agreement-caesarean-rate"
    assert "No. 735), art. 13" in last["explanation"]
    assert last["model"] == "agreement-limit-1"
    await watch_once(told_of.pool, FixedClock(), LOT, LIBRARY)
    assert len((await told_of.flag(flag["flag_id"]))["months"]) == 2
    assert await told_of.told(flag["flag_id"]) == [("raised", 1)]


async def test_institutions_show_their_indicators(told_of: Audit) -> None:
    shown = (await told_of.client("r1").get(f"/institutions/{B}")).json()["indicators"]
    assert [(one["month"], one["value"], one["passed"]) for one in shown] == [
        ("2026-01", "0.2500", False), ("2026-02", "0.2500", False),
    ]  # fmt: skip


async def test_what_was_explained_of_an_agreement_is_no_new_past(told_of: Audit) -> None:
    [flag] = await of_months(told_of)
    await told_of.dismiss(flag["flag_id"])
    shown = (await told_of.client("r1").get(f"/institutions/{A}")).json()
    assert shown["baselines"] == []
    assert UUID(flag["flag_id"])
