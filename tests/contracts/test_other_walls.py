"""The wall by itself in audit and enrollment, read by read, as test_tenants.py asks of settlement.

Every read of audit's store is tried on rows of a hospital, or named with what stands for it. In
enrollment nothing belongs to a hospital: people are of pools, and no table names an institution.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg

import services.audit.store
import services.enrollment.store
from services.audit.store import (
    case_mix,
    claim_scores,
    claims,
    findings,
    flags,
    history,
    outcomes,
    queue,
    statements,
)
from shared.period import Period
from shared.plumbing.database import AGENCY, Connection, open_pool, transaction
from tests.support.peopled import A, B, Peopled

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


Row = dict[str, Any]
Read = Callable[[Connection, Row], Awaitable[Any]]


async def _page_of(read: Any, tx: Connection, s: Row) -> list[Any]:
    asked = queue.Asked(A.pool, None, None, 1000)
    return [flag for flag in await read(tx, asked) if flag.flag_id == s["flag"]]


async def _told_of(tx: Connection, s: Row) -> list[Any]:
    asked = queue.Asked(A.pool, None, None, 1000, by_institution=True)
    return [flag for flag in await queue.as_raised(tx, asked) if flag.flag_id == s["flag"]]


async def _standing(tx: Connection, s: Row) -> list[Any]:
    parts = [part async for part in claims.standing(tx, A.pool, LAST_DAY)]
    return [claim for part in parts for claim in part if claim.claim_id == s["claim"]]


async def _by_person(tx: Connection, s: Row) -> list[Any]:
    batches = history.persons_settled(tx, A.pool, FIRST_DAY, LAST_DAY)
    found = [one async for batch in batches for person in batch for one in person]
    return [one for one in found if one.claim_id == s["claim"]]


async def _own(read: Awaitable[list[Any]], s: Row) -> list[Any]:
    """Of a woman's claims, those of hospital A."""
    return [one for one in await read if one.claim_id == s["claim"]]


async def _reviewed(tx: Connection, s: Row) -> list[Any]:
    found = await outcomes.since(tx, A.pool, datetime.fromisoformat("2000-01-01T00:00Z"), None, 999)
    return [one for one in found if one.flag_id == s["flag"]]


async def _verdict(tx: Connection, s: Row) -> list[Any]:
    return [one for one in await claim_scores.reviewed(tx, A.pool) if one[0] == s["claim"]]


async def _mix(tx: Connection, _: Row) -> Any:
    return await case_mix.alike(tx, A.pool, A.hospital, Period(FIRST_DAY, LAST_DAY))


READS: dict[Any, list[Read]] = {
    claims.find: [lambda tx, s: claims.find(tx, A.pool, s["claim"])],
    claims.known: [lambda tx, s: claims.known(tx, [(A.pool, s["claim"])])],
    claims.persons_of: [lambda tx, s: claims.persons_of(tx, [(A.pool, s["claim"])])],
    claims.of_person_refs: [
        lambda tx, s: _own(claims.of_person_refs(tx, [(A.pool, s["person"])]), s)
    ],
    claims.of_persons: [lambda tx, s: _own(claims.of_persons(tx, [s["whole"]]), s)],
    claims.standing: [_standing],
    case_mix.alike: [_mix],
    claim_scores.reviewed: [_verdict],
    findings.of_flag: [lambda tx, s: findings.of_flag(tx, A.pool, s["flag"])],
    findings.judgements_of: [lambda tx, s: findings.judgements_of(tx, A.pool, s["claim"])],
    flags.find: [lambda tx, s: flags.find(tx, A.pool, s["flag"])],
    flags.lock: [lambda tx, s: flags.lock(tx, [(A.pool, s["flag"])])],
    flags.of_claim: [lambda tx, s: flags.of_claim(tx, A.pool, s["claim"])],
    flags.ever_on: [lambda tx, s: flags.ever_on(tx, A.pool, [s["claim"]])],
    flags.steps_of: [lambda tx, s: flags.steps_of(tx, A.pool, s["flag"])],
    history.persons_settled: [_by_person],
    history.verdicts: [lambda tx, s: history.verdicts(tx, A.pool, [s["claim"]])],
    outcomes.since: [_reviewed],
    queue.as_raised: [lambda tx, s: _page_of(queue.as_raised, tx, s), _told_of],
    statements.of_flag: [lambda tx, s: statements.of_flag(tx, A.pool, s["flag"])],
}
"""Each asked for what is A's: nothing but the wall can hide it."""

BY_TABLE = {
    "baselines.of_pool": ("decision", "series_finding"),
    "claim_scores.of_claim": ("claim_score",),
    "claim_scores.highest": ("claim_score", "flag"),
    "claim_scores.under_review": ("flag",),
    "findings.groundless_flags": ("flag", "finding"),
    "findings.unknown": ("finding",),
    "flags.lock_of_findings": ("flag",),
    "flags.lock_open_of_channels": ("flag",),
    "indicators.of_institution": ("indicator_month",),
    "indicators.lock": ("indicator_limit",),
    "indicators.lock_standing": ("indicator_limit",),
    "indicators.page": ("indicator_limit",),
    "indicators.standing": ("indicator_limit",),
    "money_at_risk.due": ("flag", "money_at_risk"),
    "money_at_risk.of_flag": ("money_at_risk",),
    "month_ends.unrecorded": ("claim",),
    "peers.of_claim": ("claim",),
    "picks.of_flag": ("pick",),
    "price_notices.lock": ("posted_price",),
    "price_notices.lock_standing": ("posted_price",),
    "price_notices.page": ("posted_price",),
    "price_notices.standing": ("posted_price",),
    "queue.by_money": ("flag",),
    "queue.lock_overdue_statements": ("flag",),
    "queue.take_next": ("flag",),
    "rule_records.count": ("finding", "decision"),
    "scoring_runs.of_pool": ("scoring_run",),
    "scoring_runs.warnings": ("scoring_run",),
    "series.is_known": ("series_finding",),
    "series.of_flag": ("series_finding",),
    "series_months.page": ("series_month",),
    "series_months.flags_of": ("flag",),
    "snoozes.lock": ("rule_snooze",),
    "snoozes.muted": ("rule_snooze",),
    "snoozes.page": ("rule_snooze",),
}
"""What asks for more than a decided flag and its claim: that the tables which it reads stand behind
the wall is asked of the database itself."""

NOT_WALLED = {
    "claims.pools": "names of pools alone",
    "queue.counts": "a number of a whole pool, asked by its reviewers",
    "rule_records.of_pool": "a count of a whole pool, rule by rule",
    "rule_records.on_trial": "a count of a whole pool, rule by rule",
}
WRITES = {
    "adjust", "hold", "insert", "insert_decision", "insert_rows", "insert_steps", "lay", "let_go",
    "lock_persons", "raise_version", "record", "record_findings", "record_judgements", "reverse",
    "update", "write",
}  # fmt: skip


def modules(store: ModuleType) -> list[ModuleType]:
    """The files of a store."""
    names = [one.name for one in pkgutil.iter_modules(store.__path__) if not one.ispkg]
    return [importlib.import_module(f"{store.__name__}.{name}") for name in names]


def asking(store: ModuleType) -> dict[str, Any]:
    """Every function of a store that waits for the database."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": found
        for module in modules(store)
        for name, found in inspect.getmembers(
            module, lambda o: inspect.iscoroutinefunction(o) or inspect.isasyncgenfunction(o)
        )
        if found.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_read_of_audits_store_is_tried_or_named() -> None:
    found = asking(services.audit.store)
    tried = {name for name, read in found.items() if read in READS}
    wrote = {name for name in found if name.rpartition(".")[2] in WRITES}
    assert found.keys() == tried | wrote | BY_TABLE.keys() | NOT_WALLED.keys()
    assert not tried & (BY_TABLE.keys() | NOT_WALLED.keys())
    assert len(tried) == len(READS)


async def test_the_wall_alone_hides_what_audit_keeps_of_another(here: Peopled) -> None:
    made = await here.deducted(A, before=B)
    of_a: Row = {name: UUID(value) for name, value in made.items()}
    settings = here.whole.services["audit"].settings
    pool = await open_pool(settings.service_dsn.get_secret_value(), size=1)
    async with transaction(pool, [AGENCY]) as tx:
        of_a["whole"] = whole = await claims.find(tx, A.pool, of_a["claim"])
        assert whole is not None
        of_a["person"] = whole.person_ref
    for read, ways in READS.items():
        for number, asked in enumerate(ways):
            for wall, seen in (
                (A.hospital, True),
                (AGENCY, True),
                (B.hospital, False),
                ("", False),
            ):
                async with transaction(pool, [wall]) as tx:
                    assert bool(await asked(tx, of_a)) == seen, (read, number, wall)
    await _seen_without(here, pool, of_a["claim"])
    await pool.close()


async def _seen_without(here: Peopled, pool: Any, claim: UUID) -> None:
    """That nothing but the wall hid it: taken down, another hospital reads it."""
    owner = here.owners["audit"]
    await owner.execute("alter table claim disable row level security")
    try:
        async with transaction(pool, [B.hospital]) as tx:
            assert await claims.find(tx, A.pool, claim)
    finally:
        await owner.execute("alter table claim enable row level security")


_COLUMNS = """
select c.relname, c.relrowsecurity, array(select pg_get_expr(p.polqual, p.polrelid)
                                          from pg_policy p where p.polrelid = c.oid) as walls
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'institution_code'
where c.relkind in ('r', 'p') and not c.relispartition
  and c.relnamespace = 'public'::regnamespace
"""


async def named(owner: asyncpg.Pool[asyncpg.Record]) -> dict[str, asyncpg.Record]:
    """The tables of a database that name an institution."""
    return {row["relname"]: row for row in await owner.fetch(_COLUMNS)}


BY_THE_PLUMBING = {"client", "log"}
"""Credentials, read before anybody is known, and the log, which no route reads."""


async def test_every_table_that_names_a_hospital_stands_behind_the_wall(here: Peopled) -> None:
    found = await named(here.owners["audit"])
    assert {table for tables in BY_TABLE.values() for table in tables} <= (
        found.keys() | {"scoring_run", "posted_price"}
    )
    for table, row in found.items():
        if table not in BY_THE_PLUMBING:
            assert row["relrowsecurity"], table
            assert all("app.callers" in wall for wall in row["walls"]), table
            assert row["walls"], table


async def test_of_the_agency_alone_a_hospital_sees_nothing(here: Peopled) -> None:
    """What names no hospital, and is the reviewers' own."""
    rows = await here.owners["audit"].fetch(
        "select relname, pg_get_expr(polqual, polrelid) as wall from pg_policy"
        " join pg_class on pg_class.oid = polrelid where relname in ('posted_price', 'scoring_run')"
    )
    assert len(rows) == 2
    for row in rows:
        assert "app.callers" in row["wall"]
        assert "institution_code" not in row["wall"]


async def test_enrollment_keeps_nothing_of_a_hospitals(here: Peopled) -> None:
    """So there is no wall of this kind there: each statement names the pool, and
    test_tenants.py asks for another pool's people by every route."""
    assert (await named(here.owners["enrollment"])).keys() <= BY_THE_PLUMBING
    assert len(asking(services.enrollment.store)) > 10
