"""What the front page shows: counts, the fund's month, the latest settlements, the open flags.

Read from the services' databases in read-only sessions; only what is in them is shown, so a
refusal, which is never stored, is not counted.
"""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import orjson

from deploy.library import library_in_use
from deploy.local.demo.town import read_town
from services.audit.api.explanation import explain_finding, title_of
from services.audit.domain.rule import RuleBook
from services.audit.store import claims, findings
from services.settlement.api.explanation import explain_settlement
from services.settlement.domain.steps import Step
from services.settlement.store.ledger import shares_from_row
from shared.money import Money
from shared.period import Month
from shared.plumbing.clock import Clock, business_day
from shared.plumbing.database import Connection, Pool, open_pool
from shared.policy.compiler import BUILT_IN
from shared.policy.speech import Language

LATEST = 2
"""Of each benefit."""
FLAGS = 5
MONTHS = 24
STATEMENT_MS = 3000

_COUNTS = """
select count(*) filter (where reverses is null) as made,
       count(*) filter (where reverses is not null) as undone from settlement
"""
_WAITING = """
select (select count(*) from entitlement where state = 'opened') as opened,
       (select count(*) from entitlement where state = 'deferred') as deferred,
       (select count(*) from adjustment where state = 'proposed') as proposed
"""
_POSTED = """
with posted as (
    select account_month, settled_at as at, fund_fen from settlement where account_month >= $1
    union all
    select account_month, decided_at, fund_fen from adjustment where account_month >= $1
)
"""
_DAYS = f"""
{_POSTED}
select (at at time zone 'Asia/Shanghai')::date as day, sum(fund_fen)::bigint as fen
from posted group by 1
"""  # noqa: S608
_MONTHS = f"""
{_POSTED}
select account_month as month, sum(fund_fen)::bigint as fen from posted group by 1
"""  # noqa: S608
_LATEST = """
with placed as (
    select s.pool_code, s.settlement_id, row_number() over (
        partition by s.benefit order by s.settled_at desc, s.settlement_id desc) as place
    from settlement s join claim c using (pool_code, settlement_id) where c.state = 'settled'
)
select s.settlement_id, s.pool_code, s.institution_code, s.benefit, s.event_on, s.mode, s.total_fen,
       s.fund_fen, s.member_fen, s.member_account_fen, s.member_cash_fen, s.institution_fen,
       s.other_fund_fen, s.desk_fund_fen, s.desk_member_fen, s.steps::text as steps
from settlement s join placed using (pool_code, settlement_id)
where place <= $1 order by s.settled_at desc, s.settlement_id desc
"""
_AT_RISK = """
select count(*) as count, coalesce(sum(at_risk_fen), 0)::bigint as fen
from flag where state = 'open'
"""
_FLAGS = """
select pool_code, flag_id, claim_id, institution_code, at_risk_fen from flag
where state = 'open' and claim_id is not null order by raised_at desc, flag_id desc limit $1
"""


@dataclass(frozen=True, slots=True)
class Paid:
    """What the fund paid in a day or month; `label` names it."""

    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Latest:
    """A settlement with its explanation; `mode` None where it is no birth's. `borne` is the
    hospital's part, `other` what another fund pays."""

    settlement_id: UUID
    pool: str
    institution: str
    benefit: str
    event_on: date
    mode: str | None
    total: Money
    fund: Money
    member: Money
    borne: Money
    other: Money
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """An open flag on a claim with its explanation; those on an institution's months stand in the
    console."""

    flag_id: UUID
    pool: str
    institution: str
    at_risk: Money
    title: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it, at one moment and in one language. Entitlements are `opened` or `deferred`, of the
    adjustments those are counted that wait for the second person."""

    standing: int
    reversed: int
    opened: int
    deferred: int
    proposed: int
    flags_open: int
    at_risk: Money
    days: tuple[Paid, ...]
    months: tuple[Paid, ...]
    latest: tuple[Latest, ...]
    flags: tuple[Raised, ...]

    @property
    def fund_month(self) -> Money:
        """What the fund paid this month."""
        return Money.total(day.amount for day in self.days)


class Viewer:
    """Reads pictures for the page; it can change nothing."""

    def __init__(self, settlement: Pool, audit: Pool, clock: Clock) -> None:
        self._settlement = settlement
        self._audit = audit
        self._clock = clock
        self._rules = library_in_use().rules

    async def look(self, language: Language) -> Picture:
        """A picture of now. Raises what the database raises."""
        today = business_day(self._clock.now())
        async with AsyncExitStack() as held:
            settlement, audit = await asyncio.gather(
                *(held.enter_async_context(p.acquire()) for p in (self._settlement, self._audit))
            )
            (counts,) = await settlement.fetch(_COUNTS)
            (waiting,) = await settlement.fetch(_WAITING)
            (risk,) = await audit.fetch(_AT_RISK)
            return Picture(
                standing=counts["made"] - counts["undone"],
                reversed=counts["undone"],
                opened=waiting["opened"],
                deferred=waiting["deferred"],
                proposed=waiting["proposed"],
                flags_open=risk["count"],
                at_risk=Money(risk["fen"]),
                days=await _days(settlement, today),
                months=await _months(settlement, today),
                latest=tuple(
                    _settled(row, language) for row in await settlement.fetch(_LATEST, LATEST)
                ),
                flags=tuple(
                    [
                        await _flagged(audit, row, self._rules, language)
                        for row in await audit.fetch(_FLAGS, FLAGS)
                    ]
                ),
            )


async def open_viewer(databases: Mapping[str, str], clock: Clock, held: AsyncExitStack) -> Viewer:
    """A viewer on the services' databases, by the addresses of their owners, until `held` ends."""
    pools = []
    for service in ("settlement", "audit"):
        dsn = f"{databases[service]}?default_transaction_read_only=on"
        pool = await open_pool(dsn, size=2, statement_timeout_ms=STATEMENT_MS)
        held.push_async_callback(pool.close)
        pools.append(pool)
    return Viewer(pools[0], pools[1], clock)


async def _days(tx: Connection, today: date) -> tuple[Paid, ...]:
    first = today.replace(day=1)
    paid = {row["day"]: row["fen"] for row in await tx.fetch(_DAYS, first)}
    days = [first + timedelta(days=n) for n in range(today.day)]
    return tuple(Paid(str(day.day), Money(paid.get(day, 0))) for day in days)


async def _months(tx: Connection, today: date) -> tuple[Paid, ...]:
    months = [Month.of(today).plus(back - MONTHS + 1) for back in range(MONTHS)]
    rows = await tx.fetch(_MONTHS, months[0].first_day())
    paid = {Month.of(row["month"]): row["fen"] for row in rows}
    return tuple(Paid(str(month), Money(paid.get(month, 0))) for month in months)


def _settled(row: Any, language: Language) -> Latest:
    steps = [Step.from_stored(stored) for stored in orjson.loads(row["steps"])]
    shares = shares_from_row(row)
    return Latest(
        settlement_id=row["settlement_id"],
        pool=_pools().get(row["pool_code"], row["pool_code"]),
        institution=_hospitals().get(row["institution_code"], row["institution_code"]),
        benefit=row["benefit"],
        event_on=row["event_on"],
        mode=row["mode"],
        total=shares.total,
        fund=shares.fund,
        member=shares.member,
        borne=shares.institution,
        other=shares.other_fund,
        why=tuple(explain_settlement(shares, steps, language)),
    )


async def _flagged(tx: Connection, row: Any, rules: RuleBook, language: Language) -> Raised:
    pool_code = row["pool_code"]
    titles, why = [], []
    claim = await claims.find(tx, pool_code, row["claim_id"])
    for finding in await findings.of_flag(tx, pool_code, row["flag_id"]):
        rule = rules.find(finding.rule, finding.rule_version)
        if claim is not None:
            why.append(explain_finding(finding, rule, claim, language))
        titles.append(title_of(finding, rule, language))
    return Raised(
        flag_id=row["flag_id"],
        pool=_pools().get(pool_code, pool_code),
        institution=_hospitals().get(row["institution_code"], row["institution_code"]),
        at_risk=Money(row["at_risk_fen"]),
        title=" · ".join(sorted(set(titles))),
        why=tuple(why),
    )


@cache
def _hospitals() -> Mapping[str, str]:
    """The demo's hospitals by code; others are shown by their code."""
    return {one.institution_code: one.name for one in read_town().hospitals}


@cache
def _pools() -> Mapping[str, str]:
    """The built-in pools' names by code."""
    entries: Sequence[dict[str, Any]] = [
        tomllib.loads(file.read_text(encoding="utf-8")) for file in BUILT_IN.glob("*/pool.toml")
    ]
    return {entry["pool"]: entry["name"] for entry in entries}
