"""Statements about books held against each other: our rows of a period, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.settlement.domain.reconciling import (
    BookRow,
    Difference,
    DifferenceKind,
    Scope,
    Sums,
)
from shared.money import Money
from shared.plumbing.clock import TIME_ZONE
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a hospital asked, and what came of it; `detailed` where it sent its rows."""

    pool_code: str
    reconciliation_id: UUID
    institution_code: str
    scope: Scope
    theirs: Sums
    ours: Sums
    detailed: bool
    level_rows: int
    differences: int
    made_at: datetime


class OurBook(NamedTuple):
    """Our rows of a period, and of each reversal among them the claim that it reverses, by id."""

    rows: list[BookRow]
    reversals: Mapping[str, str]


# What a receipt says the funds paid: the pool's, and what medical insurance takes by its own rules.
# By the national interface a receipt shows the insurance that the hospital named when it began.
# Losses and complications are of visits and of stays: by that interface every admission tells its
# ipt_no; of others a loss states where it was, and nothing else is a visit.
_IN_SCOPE = """
from settlement
where pool_code = $1 and institution_code = $2 and settled_at >= $3 and settled_at < $4
  and ($5::text is null or $5 = coalesce(
        (select told ->> 'insutype' from encounter
         where encounter.pool_code = settlement.pool_code
           and encounter.stay_id = settlement.stay_id),
        insurance_type))
  and ($6::boolean is null or (reverses is not null) = $6)
  and ($7::text[] is null or benefit = any ($7))
  and ($8::boolean is null or benefit not in ('loss', 'complication') or $8 = coalesce(
        (select told ->> 'ipt_no' is null from encounter
         where encounter.pool_code = settlement.pool_code
           and encounter.stay_id = settlement.stay_id),
        (select particulars ->> 'setting' = 'outpatient' from stay
         where stay.pool_code = settlement.pool_code and stay.stay_id = settlement.stay_id),
        false))
"""
_SUMS = f"""
select coalesce(sum(total_fen), 0)::bigint as total_fen,
       coalesce(sum(desk_fund_fen + other_fund_fen), 0)::bigint as fund_fen,
       coalesce(sum(member_account_fen), 0)::bigint as account_fen, count(*)::int as rows
{_IN_SCOPE}
"""
_ROWS = f"""
select settlement_id, reverses, stay_id, person_ref, total_fen,
       desk_fund_fen + other_fund_fen as fund_fen, member_account_fen as account_fen
{_IN_SCOPE}
"""
_BATCH = 5000


async def our_sums(tx: Connection, pool_code: str, institution_code: str, scope: Scope) -> Sums:
    """What our book of an institution comes to."""
    row = await tx.fetchrow(_SUMS, *_asked(pool_code, institution_code, scope))
    assert row is not None  # noqa: S101 - sums of nothing are a row too
    return Sums(
        Money(row["total_fen"]), Money(row["fund_fen"]), Money(row["account_fen"]), row["rows"]
    )


async def our_book(tx: Connection, pool_code: str, institution_code: str, scope: Scope) -> OurBook:
    """Our book of an institution, row by row."""
    found = OurBook([], {})
    reversals: dict[str, str] = {}
    cursor = await tx.cursor(_ROWS, *_asked(pool_code, institution_code, scope))
    while rows := await cursor.fetch(_BATCH):
        for row in rows:
            claim = str(row["reverses"] or row["settlement_id"])
            if row["reverses"]:
                reversals[str(row["settlement_id"])] = claim
            found.rows.append(
                BookRow(
                    claim, row["reverses"] is not None, str(row["stay_id"]), row["person_ref"],
                    Money(row["total_fen"]), Money(row["fund_fen"]), Money(row["account_fen"]),
                )
            )  # fmt: skip
    return found._replace(reversals=reversals)


class Written(NamedTuple):
    """How a row of ours was made: its own id, and the message that made it, "" where it came by no
    message."""

    settlement_id: UUID
    msgid: str


# By the index of receipts where a settlement has one: its operations, word for word. A message that
# took another back has none, and a hospital sends few of them.
WRITTEN = f"""
with ours as (select settlement_id, reverses {_IN_SCOPE})
select settlement_id, coalesce(reverses, settlement_id) as claim, reverses is not null as refund,
       coalesce(receipt.key, taken_back.key) as msgid
from ours
left join idempotency receipt
    on receipt.object_id = settlement_id
    and receipt.operation in ('2207', '2208', '2304', '2305')
    and receipt.pool_code = $1 and receipt.caller = $2
left join idempotency taken_back
    on taken_back.pool_code = $1 and taken_back.caller = $2 and taken_back.operation = '2601'
    and taken_back.object_id = settlement_id
"""  # noqa: S608 - put together of our own words


async def written(
    tx: Connection, pool_code: str, institution_code: str, scope: Scope
) -> dict[tuple[str, bool], Written]:
    """How the rows of our book were made, by claim and whether it is a refund."""
    rows = await tx.fetch(WRITTEN, *_asked(pool_code, institution_code, scope))
    return {
        (str(row["claim"]), row["refund"]): Written(row["settlement_id"], row["msgid"] or "")
        for row in rows
    }


def _asked(pool_code: str, institution_code: str, scope: Scope) -> tuple[object, ...]:
    since = datetime.combine(scope.since, time(), TIME_ZONE)
    until = datetime.combine(scope.until + timedelta(days=1), time(), TIME_ZONE)
    return (
        pool_code, institution_code, since, until, scope.insurance_type, scope.refunds,
        scope.benefits, scope.visits,
    )  # fmt: skip


async def insert(
    tx: Connection, one: Reconciliation, caller: str, found: Sequence[Difference]
) -> None:
    """Keep a reconciliation with its differences, numbered from 1."""
    scope = one.scope
    await tx.execute(
        "insert into reconciliation values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
        " $14, $15, $16, $17, $18, $19, $20, $21)",
        one.pool_code, one.reconciliation_id, one.institution_code, caller, scope.since, scope.until,
        scope.insurance_type, scope.refunds, *_fens(one.theirs), one.theirs.rows, *_fens(one.ours),
        one.ours.rows, one.detailed, one.level_rows, one.differences, one.made_at, scope.benefits,
    )  # fmt: skip
    await tx.executemany(
        "insert into reconciliation_difference"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        [
            (
                one.pool_code, one.reconciliation_id, number, one.institution_code,
                difference.kind.value, row.claim, row.refund, row.stay, row.person,
                *_fens(difference.theirs), *_fens(difference.ours),
            )
            for number, difference in enumerate(found, 1)
            if (row := difference.ours or difference.theirs)
        ],
    )  # fmt: skip


def _fens(sums: Sums | BookRow | None) -> tuple[int | None, int | None, int | None]:
    if sums is None:
        return None, None, None
    return sums.total.fen, sums.fund.fen, sums.account.fen


async def find(tx: Connection, pool_code: str, reconciliation_id: UUID) -> Reconciliation | None:
    """A reconciliation that the caller may see."""
    row = await tx.fetchrow(
        "select * from reconciliation where pool_code = $1 and reconciliation_id = $2",
        pool_code,
        reconciliation_id,
    )
    return _from_row(row) if row else None


async def page(
    tx: Connection, pool_code: str, before: UUID | None, limit: int
) -> list[Reconciliation]:
    """Reconciliations that the caller may see, the latest first, before a given one."""
    rows = await tx.fetch(
        "select * from reconciliation where pool_code = $1"
        " and ($2::uuid is null or reconciliation_id < $2) order by reconciliation_id desc limit $3",
        pool_code,
        before,
        limit,
    )
    return [_from_row(row) for row in rows]


async def differences(
    tx: Connection, pool_code: str, reconciliation_id: UUID, after: int, limit: int
) -> list[Difference]:
    """What a reconciliation found that the caller may see, beyond a number."""
    rows = await tx.fetch(
        "select * from reconciliation_difference"
        " where pool_code = $1 and reconciliation_id = $2 and number > $3 order by number limit $4",
        pool_code,
        reconciliation_id,
        after,
        limit,
    )
    return [
        Difference(DifferenceKind(row["kind"]), _side(row, "their"), _side(row, "our"))
        for row in rows
    ]


def _side(row: Any, side: str) -> BookRow | None:
    if row[f"{side}_total_fen"] is None:
        return None
    return BookRow(
        row["claim"], row["refund"], row["stay"], row["person"],
        *(Money(row[f"{side}_{part}_fen"]) for part in ("total", "fund", "account")),
    )  # fmt: skip


def _from_row(row: Any) -> Reconciliation:
    return Reconciliation(
        pool_code=row["pool_code"],
        reconciliation_id=row["reconciliation_id"],
        institution_code=row["institution_code"],
        scope=Scope(
            row["since"], row["until"], row["insurance_type"], row["refunds"],
            tuple(row["benefits"]) if row["benefits"] is not None else None,
        ),
        theirs=_sums(row, "their"),
        ours=_sums(row, "our"),
        detailed=row["detailed"],
        level_rows=row["level_rows"],
        differences=row["differences"],
        made_at=row["made_at"],
    )  # fmt: skip


def _sums(row: Any, side: str) -> Sums:
    total, fund, account = (
        Money(row[f"{side}_{part}_fen"]) for part in ("total", "fund", "account")
    )
    return Sums(total, fund, account, row[f"{side}_rows"])
