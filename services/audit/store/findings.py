"""Judgements and findings: what the rules said, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.audit.domain.claim import Claim
from services.audit.domain.finding import Finding
from services.audit.store.rows import insert_rows
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding as it lies under its flag."""

    finding_id: UUID
    claim_id: UUID
    rival_id: UUID | None
    rule: str
    rule_version: int
    at_risk: Money
    evidence: Mapping[str, str]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """That a claim was judged by a rule set; `silent` are the rules that lacked a fact."""

    rule_set: str
    judged_at: datetime
    silent: Sequence[str]


_KNOWN = """
select f.claim_id, f.rival_id, f.rule, f.rule_version from finding f
join unnest($1::text[], $2::uuid[]) c(pool_code, claim_id) using (pool_code, claim_id)
"""
# A flag's ground is gone when none of its findings holds a claim that stands, and where it takes
# two, another that stands. A flag of a claim that was picked has no finding, but its claim.
_GROUNDLESS = """
with reversed_claim as (select * from unnest($1::text[], $2::uuid[]) u(pool_code, claim_id)),
touched as (
    select pool_code, flag_id, claim_id as reversed_id
    from finding join reversed_claim using (pool_code, claim_id)
    union
    select r.pool_code, f.flag_id, r.claim_id from reversed_claim r
    join finding f on f.pool_code = r.pool_code and f.rival_id = r.claim_id
    union
    select pool_code, flag_id, claim_id from pick join reversed_claim using (pool_code, claim_id)
)
select t.pool_code, t.flag_id, t.reversed_id from touched t
where t.flag_id is not null and not exists (
    select from finding f
    join claim c on c.pool_code = f.pool_code and c.claim_id = f.claim_id and c.status = 'settled'
    left join claim o on o.pool_code = f.pool_code and o.claim_id = f.rival_id
    where f.pool_code = t.pool_code and f.flag_id = t.flag_id
      and (f.rival_id is null or o.status = 'settled'))
"""
_OF_FLAG = """
select finding_id, claim_id, rival_id, rule, rule_version, at_risk_fen, evidence, found_at
from finding where pool_code = $1 and flag_id = $2 order by finding_id
"""
_JUDGEMENTS = """
select rule_set, judged_at, silent from judgement where pool_code = $1 and claim_id = $2
order by judged_at, rule_set
"""


async def record_judgements(
    tx: Connection, judged: Sequence[tuple[Claim, str, Sequence[str]]], at: datetime
) -> None:
    """Note that claims were judged, each by a rule set, some rules silent."""
    rows = [
        {"pool_code": claim.pool_code, "claim_id": claim.claim_id, "rule_set": rule_set,
         "institution_code": claim.institution_code, "judged_at": at, "silent": list(silent)}
        for claim, rule_set, silent in judged
    ]  # fmt: skip
    await insert_rows(tx, "judgement", rows)


async def unknown(tx: Connection, findings: Sequence[Finding]) -> list[Finding]:
    """Those findings that are not recorded yet, each once."""
    rows = await tx.fetch(_KNOWN, [f.pool_code for f in findings], [f.claim_id for f in findings])
    known = {tuple(row) for row in rows}
    new = {finding.key: finding for finding in findings if finding.key not in known}
    return list(new.values())


async def record_findings(
    tx: Connection, found: Sequence[tuple[UUID | None, Finding]], at: datetime
) -> None:
    """Record findings, each under its flag; a shadow finding has none."""
    rows: list[Mapping[str, Any]] = [
        {"pool_code": f.pool_code, "finding_id": new_id(), "institution_code": f.institution_code,
         "flag_id": flag_id, "claim_id": f.claim_id, "rival_id": f.rival_id, "rule": f.rule,
         "rule_version": f.rule_version, "rule_set": f.rule_set,
         "at_risk_fen": f.at_risk.fen, "evidence": dict(f.evidence), "shadow": f.shadow,
         "found_at": at}
        for flag_id, f in found
    ]  # fmt: skip
    await insert_rows(tx, "finding", rows)


async def groundless_flags(
    tx: Connection, reversed_claims: Sequence[tuple[str, UUID]]
) -> list[tuple[str, UUID, UUID]]:
    """Flags that have no live pair left, as (pool, flag, reversed claim that took it)."""
    rows = await tx.fetch(
        _GROUNDLESS, [pool for pool, _ in reversed_claims], [claim for _, claim in reversed_claims]
    )
    return [(row["pool_code"], row["flag_id"], row["reversed_id"]) for row in rows]


async def of_flag(tx: Connection, pool_code: str, flag_id: UUID) -> list[StoredFinding]:
    """A flag's findings, in the order found."""
    return [
        StoredFinding(
            finding_id=row["finding_id"],
            claim_id=row["claim_id"],
            rival_id=row["rival_id"],
            rule=row["rule"],
            rule_version=row["rule_version"],
            at_risk=Money(row["at_risk_fen"]),
            evidence=orjson.loads(row["evidence"]),
            found_at=row["found_at"],
        )
        for row in await tx.fetch(_OF_FLAG, pool_code, flag_id)
    ]


async def judgements_of(tx: Connection, pool_code: str, claim_id: UUID) -> list[Judgement]:
    """How a claim was judged."""
    return [Judgement(*row) for row in await tx.fetch(_JUDGEMENTS, pool_code, claim_id)]
