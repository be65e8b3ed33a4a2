"""Flags on an institution's channel: one under review, further months added, money never."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from services.audit.actions.raise_series_flag import raise_series_flag
from services.audit.domain.flag import Flag
from services.audit.domain.indicator import Indicator
from services.audit.domain.rule import Words
from services.audit.domain.series import SeriesFinding
from services.audit.domain.watch_rule import WATCH_RULES, read_watch_rules
from services.audit.scoring.indicators import channel_of
from services.audit.scoring.series import CHANNELS
from services.audit.scoring.told import UNITS
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import LIBRARY, Audit
from tests.audit.events import HOSPITAL, NOW, POOL

FOUND = SeriesFinding(
    pool_code=POOL,
    institution_code=HOSPITAL,
    channel="caesarean",
    month="2026-01",
    score=Decimal("6.25"),
    window_months=3,
    cases=412,
    expected=Money.from_wire("810000.00"),
    actual=Money.from_wire("903000.00"),
    reason=Words(
        zh="剖宫产率三个月高于同级机构", en="Caesarean share above peers for three months"
    ),
    features="1",
    model="scan-1",
)


async def found(audit: Audit, finding: SeriesFinding) -> Flag | None:
    async with transaction(audit.pool, [AGENCY]) as tx:
        return await raise_series_flag(tx, finding, "run:1", LIBRARY.time_limits, NOW)


async def test_a_channel_is_flagged_once_and_further_months_are_added(audit: Audit) -> None:
    flag = await found(audit, FOUND)
    assert flag is not None
    assert await found(audit, FOUND) is None, "the same model said it of the same month"
    further = await found(audit, replace(FOUND, month="2026-02"))
    assert further is not None
    assert further.flag_id == flag.flag_id
    shown = await audit.flag(str(flag.flag_id))
    assert (shown["claim_id"], shown["channel"], shown["month"]) == (
        None, "caesarean", "2026-01",
    )  # fmt: skip
    assert (shown["amount_at_risk"], shown["grade"]) == ("93000.00", "suspicious")
    assert [one["month"] for one in shown["months"]] == ["2026-01", "2026-02"]
    assert [step["step"] for step in shown["history"]] == ["raised", "finding-added"]
    assert await audit.told(str(flag.flag_id)) == [("raised", 1)]


async def test_a_decided_channel_is_flagged_anew(audit: Audit) -> None:
    flag = await found(audit, FOUND)
    assert flag is not None
    await audit.dismiss(str(flag.flag_id))
    anew = await found(audit, replace(FOUND, month="2026-02"))
    assert anew is not None
    assert anew.flag_id != flag.flag_id
    assert (await audit.flag(str(flag.flag_id)))["state"] == "decided"


async def test_a_channel_is_upheld_without_money(audit: Audit) -> None:
    flag = await found(audit, FOUND)
    assert flag is not None
    one = str(flag.flag_id)
    await audit.confirmed(one)
    refused = await audit.dispose(one, amount="100.00", reason_code="upcoded")
    assert refused.json()["code"] == "4020-outcome-does-not-fit-flag"
    upheld = await audit.dispose(one, amount="0.00", outcome="uphold", reason_code="upcoded")
    assert upheld.status_code == 200, upheld.text
    decided = (await audit.approve(one)).json()
    assert (decided["state"], decided["outcome"], decided["deduction"]) == (
        "decided", "uphold", "none",
    )  # fmt: skip
    [row] = (await audit.client("r1").get("/reviews?since=2026-03-02")).json()["reviews"]
    assert (row["claim_id"], row["channel"], row["outcome"]) == (
        None, "caesarean", "confirmed",
    )  # fmt: skip
    told = await audit.owner.fetch("select data from outbox where type = 'audit.flag.decided'")
    assert b'"channel":"caesarean"' in told[0]["data"]


async def test_two_runs_at_once_make_one_flag(audit: Audit) -> None:
    months = [replace(FOUND, month=f"2025-{n:02d}") for n in range(1, 7)]
    flags = await asyncio.gather(*(found(audit, one) for one in months))
    assert len({flag.flag_id for flag in flags if flag}) == 1
    with pytest.raises(asyncpg.UniqueViolationError, match="one_open_flag_a_channel"):
        await audit.owner.execute(
            "insert into flag (pool_code, flag_id, institution_code, channel, month, grade,"
            " at_risk_fen, state, decision, deduction, told, version, raised_at)"
            " select pool_code, $1, institution_code, channel, month, grade, at_risk_fen, state,"
            " decision, deduction, told, version, raised_at from flag",
            UUID(int=1),
        )


async def test_a_flag_on_a_channel_names_its_rule_and_its_law(audit: Audit) -> None:
    """Red when the grounds of a notice are those of claims alone."""
    flag = await found(audit, FOUND)
    assert flag is not None
    one = str(flag.flag_id)
    said = {"rule": "watch-caesarean", "rule_version": 1, "title_zh": "同风险产妇的剖宫产率"}
    [month] = (await audit.flag(one))["months"]
    assert month.items() >= said.items()
    await audit.first(one)
    notice = (await audit.client("his", role="hospital").get(f"/flags/{one}/notice")).json()
    [ground] = notice["grounds"]
    assert ground.items() >= said.items()
    assert (ground["amount_at_risk"], ground["explanation_zh"]) == ("93000.00", FOUND.reason.zh)
    for told in (month, ground):
        assert (
            told["legal_basis_zh"]
            == "《医疗保障基金使用监督管理条例》（国务院令第735号）第15、38条"
        )
        assert told["legal_basis"].endswith("(State Council Decree No. 735), arts 15, 38")


def test_every_channel_has_a_rule() -> None:
    channels = {*CHANNELS, *(channel_of(indicator) for indicator in Indicator)}
    assert WATCH_RULES.of_channels.keys() == channels
    assert set(UNITS) == set(CHANNELS)
    assert len({rules[0].id for rules in WATCH_RULES.of_channels.values()}) == len(channels)


def test_a_finding_keeps_the_version_of_its_day() -> None:
    text = """
    [[rule]]
    id = "watch-x"
    channel = "x"
    version = 1
    valid_from = 2021-05-01
    title = { zh = "甲", en = "x" }
    [[rule.legal_basis]]
    document = { zh = "甲", en = "x" }
    number = { zh = "1", en = "1" }
    articles = [1]
    """
    later = text.replace("version = 1", "version = 2").replace("2021-05-01", "2027-01-01")
    rules = read_watch_rules(text + later)
    assert rules.newest("x").version == 2
    versions = [rules.in_force("x", date(year, 1, 1)).version for year in (2020, 2026, 2027)]
    assert versions == [1, 1, 2]
    for clash in (text + text, text + later.replace("watch-x", "watch-y")):
        with pytest.raises(ValueError, match="two versions"):
            read_watch_rules(clash)
