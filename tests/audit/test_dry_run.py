"""A dry run says what a rule would have found, and how far reviewers agree; it keeps nothing."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.audit.__main__ import commands
from services.audit.actions.dry_run import dry_run
from services.audit.domain.dry_run import Yield
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.rule import RULES, Rule, read_rules
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.settings import Settings
from tests.audit.conftest import Audit
from tests.audit.events import NOW, OTHER_POOL, POOL, Telling, parts

DAY = date(2026, 3, 2)
RULE = read_rules().find("duplicate-claim", 1)


async def found(audit: Audit, since: date, until: date, rule: Rule = RULE) -> Yield:
    async with transaction(audit.pool, [AGENCY]) as tx:
        return await dry_run(tx, rule, SHIPPED_GROUPS, POOL, since, until)


async def pairs(audit: Audit) -> None:
    """Three persons with two births each, eleven days apart; the second settled a day later."""
    for number in range(3):
        for days, born in ((1, "2026-01-01"), (0, "2026-01-12")):
            telling = Telling(
                person=f"p{number}", born=born, settled_at=NOW - timedelta(days=days),
                parts=parts("100.00", f"{number + 1}0.00"),
            )  # fmt: skip
            await audit.hear(telling.settled())
    await audit.hear(Telling(pool=OTHER_POOL).settled())


async def test_hits_and_money_of_the_days_asked_for(audit: Audit) -> None:
    await pairs(audit)
    before = await audit.contents()
    day = timedelta(days=1)
    assert await found(audit, DAY - day, DAY + day) == Yield(6, 0, 3, Money(6_000), 0, 0)
    assert await found(audit, DAY - day, DAY) == Yield(3, 0, 0, Money(0), 0, 0)
    assert await found(audit, DAY, DAY + day) == Yield(3, 0, 3, Money(6_000), 0, 0)
    assert await audit.contents() == before


async def test_silence_is_counted(audit: Audit) -> None:
    await pairs(audit)
    rule = read_rules().find("not-insured", 1)
    assert await found(audit, DAY, DAY + timedelta(days=1), rule) == Yield(3, 3, 0, Money(0), 0, 0)


async def decided(audit: Audit, *verdicts: str) -> None:
    """The first flags, each decided with a verdict."""
    for flag, verdict in zip(await audit.flags(), verdicts, strict=False):
        await audit.owner.execute(
            "insert into decision (pool_code, flag_id, number, institution_code, claim_id, outcome,"
            " amount_fen, by, approved_by, decided_at, verdict, reason_code, hearing)"
            " select pool_code, flag_id, 1, institution_code, claim_id, $2, $3, 'a', 'b', $4, $5,"
            " 'x', 'stated' from flag where flag_id::text = $1",
            flag["flag_id"],
            "deduct" if verdict == "confirmed" else "dismiss",
            100 if verdict == "confirmed" else 0,
            NOW,
            verdict,
        )


async def test_precision_is_of_what_was_reviewed(audit: Audit) -> None:
    await pairs(audit)
    await decided(audit, "confirmed", "explained")
    run = await found(audit, DAY, DAY + timedelta(days=1))
    assert (run.hits, run.reviewed, run.confirmed) == (3, 2, 1)


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator's shell says of the service that runs, in a window that breaks no line."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("AUDIT_MODE", settings.mode)
    monkeypatch.setenv("AUDIT_ANCHOR_FILE", str(settings.anchor_file))
    for name in ("owner_dsn", "service_dsn", "group_dsn", "signing_key", "field_key"):
        monkeypatch.setenv(f"AUDIT_{name.upper()}", getattr(settings, name).get_secret_value())


async def command(rule: Path, since: str, until: str, pool: str = POOL) -> tuple[int, str, str]:
    """What `dry-run` ends with, what it prints and what it complains of."""
    said = ["dry-run", str(rule), "--pool", pool, "--since", since, "--until", until]
    done = await asyncio.to_thread(CliRunner().invoke, commands, said)
    return done.exit_code, done.stdout, done.stderr


SHIPPED = RULES / "duplicate-claim.1.toml"


@pytest.mark.usefixtures("environment")
async def test_the_command_says_what_a_rule_yields(audit: Audit) -> None:
    await pairs(audit)
    await decided(audit, "confirmed", "explained", "confirmed")
    before = await audit.contents()
    code, said, _ = await command(SHIPPED, "2026-03-01", "2026-03-03")
    assert code == 0
    assert json.loads(said) == {
        "rule": "duplicate-claim", "version": 1, "claims": 6, "silent": 0, "hits": 3,
        "at_risk": "60.00", "reviewed": 3, "confirmed": 2, "precision_percent": 66,
    }  # fmt: skip
    # The last day is not asked of, and of what nobody reviewed there is no precision.
    code, said, _ = await command(SHIPPED, "2026-03-01", "2026-03-02")
    assert code == 0
    assert json.loads(said) == {
        "rule": "duplicate-claim", "version": 1, "claims": 3, "silent": 0, "hits": 0,
        "at_risk": "0.00", "reviewed": 0, "confirmed": 0, "precision_percent": None,
    }  # fmt: skip
    code, said, _ = await command(SHIPPED, "2026-03-01", "2026-03-03", pool=OTHER_POOL)
    assert (code, json.loads(said)["claims"]) == (0, 1), "each pool is asked by itself"
    assert await audit.contents() == before


@pytest.mark.usefixtures("environment")
async def test_the_command_refuses_a_rule_that_is_none(audit: Audit, tmp_path: Path) -> None:
    missing, unknown = tmp_path / "missing.toml", tmp_path / "unknown.toml"
    code, said, complaint = await command(missing, "2026-03-01", "2026-03-03")
    assert (code, said) == (2, "")
    assert "does not exist" in complaint
    text = SHIPPED.read_text(encoding="utf-8")
    unknown.write_text(text.replace('"duplicate-claim"\nbenefit', '"full-moon"\nbenefit'), "utf-8")
    line = text[: text.index("[parameters]")].count("\n") + 1
    code, said, complaint = await command(unknown, "2026-03-01", "2026-03-03")
    assert (code, said) == (2, "")
    assert complaint.startswith(f"{unknown}:{line}: ")
    assert "full-moon" in complaint
