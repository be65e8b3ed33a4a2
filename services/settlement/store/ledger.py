"""Statements about settlements, their claims, postings and deductions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.settlement.domain.deduction import Deduction, Kind
from services.settlement.domain.settlement import ClaimState, Settlement, Shares
from services.settlement.store.settling import posting_rows, settlement_row
from shared.ids import NO_ID
from shared.money import Money
from shared.plumbing.database import Connection


def settlement_from_row(row: Any) -> Settlement:
    """A settlement from its row."""
    return Settlement(
        shares=shares_from_row(row),
        rates=tuple(row["rates"]),
        **{name: row[name] for name in _SAME_NAMES},
    )


def shares_from_row(row: Any) -> Shares:
    """The parts from the row that holds them."""
    return Shares(
        total=Money(row["total_fen"]),
        fund=Money(row["fund_fen"]),
        member=Money(row["member_fen"]),
        member_account=Money(row["member_account_fen"]),
        member_cash=Money(row["member_cash_fen"]),
        institution=Money(row["institution_fen"]),
        other_fund=Money(row["other_fund_fen"]),
        desk_fund=Money(row["desk_fund_fen"]),
        desk_member=Money(row["desk_member_fen"]),
    )


_SAME_NAMES = (
    "pool_code", "settlement_id", "reverses", "institution_code", "institution_level", "stay_id",
    "stay_version", "pregnancy_id", "person_ref", "state_version", "county_code", "member_kind",
    "benefit", "insurance_type", "expenditure_item", "mode", "infants", "admitted_on", "event_on",
    "discharged_on", "rule_on", "line_count", "steps", "book", "engine", "settled_at",
    "account_month", "actor",
)  # fmt: skip


async def find(tx: Connection, pool_code: str, settlement_id: UUID) -> Settlement | None:
    """A settlement that the caller may see: the wall leaves out other hospitals' rows."""
    row = await tx.fetchrow(
        "select * from settlement where pool_code = $1 and settlement_id = $2",
        pool_code,
        settlement_id,
    )
    return settlement_from_row(row) if row else None


async def of_stay(
    tx: Connection,
    pool_code: str,
    institution_code: str,
    stay_id: UUID,
    after: UUID = NO_ID,
    limit: int = 200,
) -> list[Settlement]:
    """What became of a stay: its settlements and reversals, oldest first, beyond `after`."""
    rows = await tx.fetch(
        "select * from settlement where pool_code = $1 and institution_code = $2 and stay_id = $3"
        " and settlement_id > $4 order by settlement_id limit $5",
        pool_code,
        institution_code,
        stay_id,
        after,
        limit,
    )
    return [settlement_from_row(row) for row in rows]


_OF_PERSON = """
select s.* from stay t join settlement s on s.pool_code = t.pool_code and s.stay_id = t.stay_id
where t.pool_code = $1 and t.institution_code = $2 and t.person_ref = $3 and s.settlement_id > $4
order by s.settlement_id limit $5
"""


async def of_person(
    tx: Connection, pool_code: str, institution_code: str, person_ref: str, after: UUID, limit: int
) -> list[Settlement]:
    """A person's settlements and reversals in an institution, oldest first, beyond `after`."""
    rows = await tx.fetch(_OF_PERSON, pool_code, institution_code, person_ref, after, limit)
    return [settlement_from_row(row) for row in rows]


async def claim_head(
    tx: Connection, pool_code: str, settlement_id: UUID
) -> tuple[ClaimState, int] | None:
    """A claim's present state and the number of its last event."""
    row = await tx.fetchrow(
        "select state, sequence from claim where pool_code = $1 and settlement_id = $2",
        pool_code,
        settlement_id,
    )
    return (ClaimState(row["state"]), row["sequence"]) if row else None


async def move_claim(
    tx: Connection, pool_code: str, settlement_id: UUID, *, after: int, to: ClaimState
) -> int | None:
    """Give the claim its next state and event number; None if it moved since number `after`."""
    number: int | None = await tx.fetchval(
        "update claim set state = $4, sequence = sequence + 1"
        " where pool_code = $1 and settlement_id = $2 and sequence = $3"
        " returning sequence",
        pool_code,
        settlement_id,
        after,
        to,
    )
    return number


async def insert_reversal(
    tx: Connection, reversal: Settlement, legs: Sequence[tuple[str, Money]], caller: str
) -> None:
    """Post a reversal as rows of its own, and free the stay for a new settlement."""
    await tx.execute(
        "insert into settlement select * from unnest($1::settlement[])",
        [settlement_row(reversal, caller)],
    )
    await tx.execute(
        "insert into posting select * from unnest($1::posting[])", posting_rows(reversal, legs)
    )
    await tx.execute(
        "update stay set state = 'discharged', version = version + 1"
        " where pool_code = $1 and stay_id = $2 and state = 'settled'",
        reversal.pool_code,
        reversal.stay_id,
    )


async def legs_of(tx: Connection, month: date, settlement_id: UUID) -> list[tuple[str, Money]]:
    """The legs of a settlement's entry."""
    rows = await tx.fetch(
        "select account, amount_fen from posting where month = $1 and settlement_id = $2"
        " order by posting_id",
        month,
        settlement_id,
    )
    return [(row["account"], Money(row["amount_fen"])) for row in rows]


DEDUCTED = """
select coalesce(sum(amount_fen), 0)::bigint from deduction
where pool_code = $1 and settlement_id = $2 and state not in ('cancelled', 'released')
"""


async def deducted_so_far(tx: Connection, pool_code: str, settlement_id: UUID) -> Money:
    """What is deducted from a claim already, or waits to be: all but what was given up."""
    return Money(await tx.fetchval(DEDUCTED, pool_code, settlement_id))


async def insert_deduction(tx: Connection, deduction: Deduction) -> None:
    """Note a pending deduction."""
    await tx.execute(
        "insert into deduction values ($1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9)",
        deduction.pool_code, deduction.deduction_id, deduction.settlement_id,
        deduction.institution_code, deduction.flag_id, deduction.decision, deduction.amount.fen,
        deduction.taken_at, deduction.kind,
    )  # fmt: skip


CANCEL_DEDUCTIONS = """
update deduction set state = 'cancelled'
where pool_code = $1 and settlement_id = $2 and state = 'pending' returning *
"""


async def cancel_deductions(tx: Connection, pool_code: str, settlement_id: UUID) -> list[Deduction]:
    """Cancel what still waits to be deducted from a claim; returns what was cancelled."""
    rows = await tx.fetch(CANCEL_DEDUCTIONS, pool_code, settlement_id)
    return [deduction_from_row(row) for row in rows]


RELEASE_DEDUCTIONS = """
update deduction set state = 'released'
where pool_code = $1 and flag_id = $2 and decision < $3 and state = 'pending' returning *
"""


async def release_deductions(
    tx: Connection, pool_code: str, flag_id: str, decision: int
) -> list[Deduction]:
    """Release what earlier decisions on a flag still have waiting; returns what was released."""
    rows = await tx.fetch(RELEASE_DEDUCTIONS, pool_code, flag_id, decision)
    return [deduction_from_row(row) for row in rows]


async def deductions(
    tx: Connection, pool_code: str, state: str, after: UUID | None, limit: int
) -> list[Deduction]:
    """Deductions in a state that the caller may see, newest first, beyond `after`."""
    rows = await tx.fetch(
        "select * from deduction where pool_code = $1 and state = $2"
        " and ($3::uuid is null or deduction_id < $3) order by deduction_id desc limit $4",
        pool_code,
        state,
        after,
        limit,
    )
    return [deduction_from_row(row) for row in rows]


def deduction_from_row(row: Any) -> Deduction:
    """A deduction from its row."""
    return Deduction(
        pool_code=row["pool_code"],
        deduction_id=row["deduction_id"],
        settlement_id=row["settlement_id"],
        institution_code=row["institution_code"],
        flag_id=row["flag_id"],
        decision=row["decision"],
        amount=Money(row["amount_fen"]),
        taken_at=row["taken_at"],
        kind=Kind(row["kind"]),
    )


_POST_INCOME = """
insert into posting
select i.month, i.posting_id, i.pool_code, i.contribution_id, i.account, '', i.amount_fen, i.posted_at
from unnest($1::date[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::timestamptz[])
    i(month, posting_id, pool_code, contribution_id, account, amount_fen, posted_at)
"""


async def post_income(
    tx: Connection,
    rows: Sequence[tuple[date, UUID, str, UUID, str, int, datetime]],
) -> None:
    """Post contributions as income: (month, id, pool, contribution, account, fen, at)."""
    await tx.execute(_POST_INCOME, *(list(column) for column in zip(*rows, strict=True)))
