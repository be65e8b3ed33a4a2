"""Statements about fee lines: those of a bill, those that were cancelled, and what is left of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from services.settlement.domain.line import ClassedLine, FeeLine
from services.settlement.domain.stay import Stay
from services.settlement.domain.undoing import KeptLine, Left
from services.settlement.store.stays import cost_from_row
from shared.money import Money
from shared.plumbing.database import Connection
from shared.policy.shapes import DeliveryMode

N = TypeVar("N", int, Decimal)

_INSERT_LINES = """
insert into line (month, pool_code, stay_id, line_number, institution_code, caller, item_code, charged_on,
                  quantity, price_fen, amount_fen, class, in_scope_fen, out_of_scope_fen, over_limit_fen,
                  first_copay_fen, returns, own_code)
select * from unnest(
    $1::date[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::date[],
    $9::numeric[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::bigint[],
    $15::bigint[], $16::bigint[], $17::int[], $18::text[])
on conflict do nothing returning line_number
"""


async def insert(tx: Connection, bills: Sequence[tuple[Stay, Sequence[ClassedLine]]]) -> int:
    """Insert the lines of stays; returns how many were new, fewer when a line number was used
    before."""
    rows = [_row(stay, classed) for stay, lines in bills for classed in lines]
    if not rows:
        return 0
    return len(await tx.fetch(_INSERT_LINES, *zip(*rows, strict=True)))


def _row(stay: Stay, classed: ClassedLine) -> tuple[object, ...]:
    """A row of `line`, in the order of the statement."""
    line, cost = classed.line, classed.cost
    return (
        stay.admitted_on.replace(day=1), stay.pool_code, stay.stay_id, line.line_number,
        stay.institution_code, stay.institution_code, line.item_code, line.charged_on,
        _signed(classed, line.quantity), line.price.fen, _signed(classed, cost.total.fen),
        classed.item_class, _signed(classed, cost.in_scope.fen),
        _signed(classed, cost.out_of_scope.fen), _signed(classed, cost.over_limit.fen),
        _signed(classed, cost.first_copay.fen), line.returns, line.own_code,
    )  # fmt: skip


def _signed(classed: ClassedLine, number: N) -> N:
    """A line that returns another is stored below nothing, so that the bill is the sum."""
    return number if classed.line.returns is None else -number


_KEPT = """
select line_number, returns, abs(amount_fen) as total_fen, abs(in_scope_fen) as in_scope_fen,
       abs(out_of_scope_fen) as out_of_scope_fen, abs(over_limit_fen) as over_limit_fen,
       abs(first_copay_fen) as first_copay_fen
from line where month = $1 and pool_code = $2 and stay_id = $3 order by line_number
"""


async def kept(tx: Connection, stay: Stay) -> list[KeptLine]:
    """The lines of a bill, without what only its paper shows."""
    rows = await tx.fetch(_KEPT, *_of(stay))
    return [KeptLine(row["line_number"], row["returns"], cost_from_row(row)) for row in rows]


class StoredLine(NamedTuple):
    """A line as it is stored: what one that returns another takes back is negative."""

    line_number: int
    returns: int | None
    item_code: str
    item_class: str
    charged_on: date
    quantity: Decimal
    price: Money
    amount: Money
    in_scope: Money
    out_of_scope: Money
    over_limit: Money
    first_copay: Money
    own_code: str | None = None


_PAGE = """
select line_number, returns, item_code, class, charged_on, quantity, price_fen, amount_fen,
       in_scope_fen, out_of_scope_fen, over_limit_fen, first_copay_fen, own_code
from line where month = $1 and pool_code = $2 and stay_id = $3 and line_number > $4
order by line_number limit $5
"""


async def page(tx: Connection, stay: Stay, after: int, limit: int) -> list[StoredLine]:
    """The lines of a bill by number, beyond one."""
    rows = await tx.fetch(_PAGE, *_of(stay), after, limit)
    return [_stored(row) for row in map(tuple, rows)]


def _stored(row: Any) -> StoredLine:
    amounts = [Money(fen) for fen in row[6:12]]
    return StoredLine(
        row[0], row[1], row[2], row[3], row[4], row[5], amounts[0], amounts[1], amounts[2],
        amounts[3], amounts[4], amounts[5], row[12],
    )  # fmt: skip


_MODES_CHARGED = """
select distinct i.delivery_mode from (
    select item_code, min(charged_on) as on_day from line
    where month = $1 and pool_code = $2 and stay_id = $3
    group by item_code having sum(quantity) > 0) charged
join catalogue_item i
  on i.pool_code = $2 and i.item_code = charged.item_code and i.valid @> charged.on_day
where i.delivery_mode is not null
"""


async def modes_charged(tx: Connection, stay: Stay) -> frozenset[DeliveryMode]:
    """How a child is born by the items of a bill, as the catalogue has it on the day on which each
    was first charged; those that were returned whole say nothing."""
    rows = await tx.fetch(_MODES_CHARGED, *_of(stay))
    return frozenset(DeliveryMode(row["delivery_mode"]) for row in rows)


_LEFT = """
select *, amount_fen as total_fen from billed_line
where month = $1 and pool_code = $2 and stay_id = $3 and line_number = any($4)
"""


async def left(tx: Connection, stay: Stay, line_numbers: Collection[int]) -> dict[int, Left]:
    """What is left of these lines, their returns taken off; what is no line is missing."""
    rows = await tx.fetch(_LEFT, *_of(stay), list(line_numbers))
    return {
        row["line_number"]: Left(
            FeeLine(
                row["line_number"], row["item_code"], row["charged_on"], row["quantity"],
                Money(row["price_fen"]), own_code=row["own_code"],
            ),
            row["class"],
            row["quantity"],
            cost_from_row(row),
        )
        for row in rows
    }  # fmt: skip


_CANCEL = """
with gone as (
    delete from line where month = $1 and pool_code = $2 and stay_id = $3 and line_number = any($4)
    returning *
)
insert into cancelled_line
select month, pool_code, stay_id, line_number, institution_code, item_code, charged_on, quantity,
       price_fen, amount_fen, class, in_scope_fen, out_of_scope_fen, over_limit_fen,
       first_copay_fen, returns, $5, $6, own_code
from gone
"""


async def cancel(
    tx: Connection, stay: Stay, line_numbers: Collection[int], by: str, at: datetime
) -> None:
    """Put lines aside: no bill counts them, and their numbers may be used again."""
    await tx.execute(_CANCEL, *_of(stay), list(line_numbers), by, at)


def _of(stay: Stay) -> tuple[date, str, object]:
    return stay.admitted_on.replace(day=1), stay.pool_code, stay.stay_id
