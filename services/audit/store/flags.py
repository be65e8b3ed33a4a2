"""Flags, their steps and their decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.audit.domain.finding import Finding
from services.audit.domain.flag import (
    Deduction,
    Flag,
    FlagState,
    Hearing,
    Lease,
    LineAmount,
    OnClaim,
    OnSeries,
    Outcome,
    Proposal,
)
from services.audit.domain.reason import Verdict
from services.audit.domain.rule import Grade
from services.audit.store.rows import insert_rows, to_json
from shared.money import Money
from shared.plumbing.database import Connection


class Stale(Exception):
    """A flag changed since it was read: nothing of this transaction may stay."""


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a flag's history; `amount` only where the step names one."""

    number: int
    step: str
    by: str
    at: datetime
    reason: str
    reason_code: str
    amount: Money | None
    from_state: str
    to_state: str


_UPDATE = """
update flag f set state = u.state, first_by = u.first_by, second_by = u.second_by,
    hearing = u.hearing, round = u.round, outcome = u.outcome, amount_fen = u.amount_fen,
    proposed_by = u.proposed_by, reason_code = u.reason_code, lines = u.lines,
    decision = u.decision, deduction = u.deduction, deducted_fen = u.deducted_fen, told = u.told,
    due_on = u.due_on, version = u.version
from jsonb_populate_recordset(null::flag, $1) u
where f.pool_code = u.pool_code and f.flag_id = u.flag_id and f.version = u.version - 1
"""
_ONE = "select * from flag where pool_code = $1 and flag_id = $2"
_LOCK_MANY = """
select f.* from flag f
join (select distinct * from unnest($1::text[], $2::uuid[]) as u(pool_code, flag_id)) k
    using (pool_code, flag_id)
order by f.pool_code, f.flag_id for update of f
"""
_LOCK_OF_CLAIMS = """
select f.* from flag f
join (select distinct * from unnest($1::text[], $2::uuid[]) as u(pool_code, claim_id)) c
    using (pool_code, claim_id)
order by f.pool_code, f.flag_id for update of f
"""
_EVER_ON = "select claim_id from flag where pool_code = $1 and claim_id = any($2)"
_OF_CLAIM = "select * from flag where pool_code = $1 and claim_id = $2 order by flag_id"
_LOCK_OF_CHANNELS = """
select f.* from flag f
join (select distinct * from unnest($1::text[], $2::text[], $3::text[])
      as u(pool_code, institution_code, channel)) c
    using (pool_code, institution_code, channel)
where f.state not in ('decided', 'closed')
order by f.pool_code, f.flag_id for update of f
"""
_STEPS = """
select number, step, by, at, reason, coalesce(reason_code, '') as reason_code, amount_fen,
       from_state, to_state
from flag_step where pool_code = $1 and flag_id = $2 order by number
"""


async def find(tx: Connection, pool_code: str, flag_id: UUID) -> Flag | None:
    """One flag of a pool, if the caller's wall lets it through."""
    row = await tx.fetchrow(_ONE, pool_code, flag_id)
    return to_flag(row) if row else None


async def lock(tx: Connection, keys: Sequence[tuple[str, UUID]]) -> list[Flag]:
    """These flags as they are now, nobody else changing them until this transaction ends."""
    rows = await tx.fetch(_LOCK_MANY, [pool for pool, _ in keys], [flag for _, flag in keys])
    return [to_flag(row) for row in rows]


async def lock_of_findings(tx: Connection, findings: Sequence[Finding]) -> list[Flag]:
    """The flags of the claims that these findings are on, locked."""
    rows = await tx.fetch(
        _LOCK_OF_CLAIMS, [f.pool_code for f in findings], [f.claim_id for f in findings]
    )
    return [to_flag(row) for row in rows]


async def of_claim(tx: Connection, pool_code: str, claim_id: UUID) -> list[Flag]:
    """A claim's flags."""
    return [to_flag(row) for row in await tx.fetch(_OF_CLAIM, pool_code, claim_id)]


async def ever_on(tx: Connection, pool_code: str, claim_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these claims a flag stands on, or ever stood on."""
    rows = await tx.fetch(_EVER_ON, pool_code, claim_ids)
    return {row["claim_id"] for row in rows}


async def lock_open_of_channels(
    tx: Connection, channels: Sequence[tuple[str, str, str]]
) -> list[Flag]:
    """The flags under review of these (pool, institution, channel), locked."""
    columns = [[one[place] for one in channels] for place in range(3)]
    return [to_flag(row) for row in await tx.fetch(_LOCK_OF_CHANNELS, *columns)]


async def insert(tx: Connection, flags: Sequence[Flag]) -> None:
    """Record new flags."""
    await insert_rows(tx, "flag", [_to_row(flag) for flag in flags])


async def update(tx: Connection, flags: Sequence[Flag]) -> None:
    """Record changed flags, each one version further. Raises Stale."""
    rows = [_to_row(flag) for flag in flags]
    status = await tx.execute(_UPDATE, to_json(rows))
    if status != f"UPDATE {len(rows)}":
        raise Stale


async def insert_steps(tx: Connection, steps: Sequence[tuple[Flag, Step]]) -> None:
    """Add to flags' histories."""
    rows = [
        {"pool_code": flag.pool_code, "flag_id": flag.flag_id, "number": step.number,
         "institution_code": flag.institution_code, "step": step.step, "by": step.by,
         "at": step.at, "reason": step.reason, "reason_code": step.reason_code or None,
         "amount_fen": None if step.amount is None else step.amount.fen,
         "from_state": step.from_state, "to_state": step.to_state}
        for flag, step in steps
    ]  # fmt: skip
    await insert_rows(tx, "flag_step", rows)


async def steps_of(tx: Connection, pool_code: str, flag_id: UUID) -> list[Step]:
    """A flag's history."""
    return [
        Step(
            number=row["number"],
            step=row["step"],
            by=row["by"],
            at=row["at"],
            reason=row["reason"],
            reason_code=row["reason_code"],
            amount=None if row["amount_fen"] is None else Money(row["amount_fen"]),
            from_state=row["from_state"],
            to_state=row["to_state"],
        )
        for row in await tx.fetch(_STEPS, pool_code, flag_id)
    ]


async def insert_decision(
    tx: Connection, flag: Flag, proposal: Proposal, verdict: Verdict, approved_by: str, at: datetime
) -> None:
    """Record what two people decided; the table refuses one person in both places."""
    row = {
        "pool_code": flag.pool_code, "flag_id": flag.flag_id, "number": flag.decision,
        "institution_code": flag.institution_code, **_subject(flag.subject), "outcome": proposal.outcome,
        "amount_fen": proposal.amount.fen, "by": proposal.by, "approved_by": approved_by,
        "decided_at": at, "reason_code": proposal.reason_code, "verdict": verdict,
         "lines": _lines(proposal), "hearing": flag.hearing,
    }  # fmt: skip
    await insert_rows(tx, "decision", [row])


def to_flag(row: asyncpg.Record) -> Flag:
    """The flag of a row."""
    subject: OnClaim | OnSeries = (
        OnClaim(row["claim_id"], row["rule_family"])
        if row["claim_id"] is not None
        else OnSeries(row["channel"], row["month"])
    )
    return Flag(
        pool_code=row["pool_code"],
        flag_id=row["flag_id"],
        institution_code=row["institution_code"],
        subject=subject,
        grade=Grade(row["grade"]),
        at_risk=Money(row["at_risk_fen"]),
        state=FlagState(row["state"]),
        first_by=row["first_by"],
        second_by=row["second_by"],
        hearing=Hearing(row["hearing"]),
        round=row["round"],
        proposal=_proposal(row),
        decision=row["decision"],
        deduction=Deduction(row["deduction"]),
        deducted=Money(row["deducted_fen"]),
        told=row["told"],
        version=row["version"],
        raised_at=row["raised_at"],
        due_on=row["due_on"],
        score=row["score"],
        lease=Lease(row["held_by"], row["held_until"]) if row["held_by"] else None,
    )


def _proposal(row: asyncpg.Record) -> Proposal | None:
    if row["outcome"] is None:
        return None
    lines = tuple(
        LineAmount(line["line_number"], Money(line["amount_fen"]))
        for line in orjson.loads(row["lines"] or "[]")
    )
    return Proposal(
        Outcome(row["outcome"]), Money(row["amount_fen"]), row["proposed_by"],
        row["reason_code"] or "", lines,
    )  # fmt: skip


def _to_row(flag: Flag) -> dict[str, Any]:
    proposal = flag.proposal
    return {
        "pool_code": flag.pool_code,
        "flag_id": flag.flag_id,
        "institution_code": flag.institution_code,
        **_subject(flag.subject),
        "rule_family": flag.rule_family,
        "grade": flag.grade,
        "at_risk_fen": flag.at_risk.fen,
        "state": flag.state,
        "first_by": flag.first_by,
        "second_by": flag.second_by,
        "hearing": flag.hearing,
        "round": flag.round,
        "outcome": proposal.outcome if proposal else None,
        "amount_fen": proposal.amount.fen if proposal else None,
        "proposed_by": proposal.by if proposal else None,
        "reason_code": proposal.reason_code if proposal else None,
        "lines": _lines(proposal),
        "decision": flag.decision,
        "deduction": flag.deduction,
        "deducted_fen": flag.deducted.fen,
        "told": flag.told,
        "version": flag.version,
        "raised_at": flag.raised_at,
        "due_on": flag.due_on,
    }


def _subject(subject: OnClaim | OnSeries) -> dict[str, Any]:
    """The subject's columns; those of the other kind are empty."""
    if isinstance(subject, OnClaim):
        return {"claim_id": subject.claim_id, "channel": None, "month": None}
    return {"claim_id": None, "channel": subject.channel, "month": subject.month}


def _lines(proposal: Proposal | None) -> list[dict[str, int]] | None:
    if proposal is None or not proposal.lines:
        return None
    return [
        {"line_number": line.line_number, "amount_fen": line.amount.fen} for line in proposal.lines
    ]
