"""The reviewers' queue: pages in the order of money, leases on flags, and counts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.audit.domain.flag import Flag, FlagState
from services.audit.store.flags import to_flag
from shared.plumbing.database import Connection

_IN_REVIEW = "state not in ('decided', 'closed')"
_AS_RAISED = """
select * from flag
where pool_code = $1 and ($2::text is null or state = $2)
  and ($3::uuid is null or flag_id > $3) and ($5::text is null or rule_family = $5)
order by flag_id limit $4
"""
_SHOWN_TO_INSTITUTION = """
select * from flag
where pool_code = $1 and ($2::text is null or state = $2)
  and ($3::uuid is null or flag_id > $3) and ($5::text is null or rule_family = $5)
  and (round > 0 or state = 'decided')
order by flag_id limit $4
"""
_PLACE = "select expected_fen from flag where pool_code = $1 and flag_id = $2"
# The terms that are not asked for are left out, so that each query walks its own partial index.
_BY_MONEY = """
select * from flag where pool_code = $1 and {in_review} {terms}
order by expected_fen desc, flag_id desc limit $2
"""
# The wall's condition looks to the planner as if it left hardly a row; it then reads and sorts all
# that is under review, rather than walk the index that lies in the order asked for.
_IN_ORDER = "set local enable_sort = off"
# Who waits for this row's lock sees the lease that was written meanwhile, and the row no more.
_TAKE_NEXT = f"""
update flag set held_by = $2, held_until = $5
where (pool_code, flag_id) = (
    select pool_code, flag_id from flag
    where pool_code = $1 and {_IN_REVIEW} and state = any($3::text[]) {{family}}
      and (held_until is null or held_until <= $4 or held_by = $2)
      and not (state = 'first_reviewed' and first_by = $2)
      and not (state = 'proposed' and proposed_by = $2)
    order by expected_fen desc, flag_id desc limit 1 for update skip locked)
returning *
"""  # noqa: S608
_HOLD = """
update flag set held_by = $3, held_until = $4 where pool_code = $1 and flag_id = $2 returning *
"""
_LET_GO = """
update flag set held_by = null, held_until = null
where pool_code = $1 and flag_id = $2 and held_by = $3
"""
_OVERDUE_STATEMENTS = """
select * from flag where state = 'notified' and due_on < $1
order by due_on limit $2 for update skip locked
"""
_COUNTS = """
select state, sum(flags)::bigint as flags from flag_count where pool_code = $1
group by state having sum(flags) > 0 order by state
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page: of one state or of all, of one family or of all, after a flag; `by_institution` shows
    what it was told of."""

    pool_code: str
    state: FlagState | None
    after: UUID | None
    limit: int
    by_institution: bool = False
    family: str | None = None
    overdue_on: date | None = None


async def as_raised(tx: Connection, asked: Asked) -> list[Flag]:
    """Flags in the order they were raised, after one of them."""
    statement = _SHOWN_TO_INSTITUTION if asked.by_institution else _AS_RAISED
    rows = await tx.fetch(
        statement, asked.pool_code, asked.state, asked.after, asked.limit, asked.family
    )
    return [to_flag(row) for row in rows]


async def by_money(tx: Connection, asked: Asked) -> list[Flag]:
    """Flags under review, the greatest expected recovery first, after one of them."""
    place: int | None = None
    if asked.after is not None:
        place = await tx.fetchval(_PLACE, asked.pool_code, asked.after)
        if place is None:
            return []
    await tx.execute(_IN_ORDER)
    statement, given = money_page(asked, place)
    return [to_flag(row) for row in await tx.fetch(statement, *given)]


def money_page(asked: Asked, place: int | None) -> tuple[str, list[object]]:
    """The statement of such a page and what it is given; `place` is the expectation, in fen, of
    the flag that the page comes after."""
    terms: list[str] = []
    given: list[object] = [asked.pool_code, asked.limit]

    def term(text: str, *values: object) -> None:
        given.extend(values)
        first = len(given) - len(values) + 1
        terms.append(text.format(*(f"${first + n}" for n in range(len(values)))))

    if asked.state is not None:
        term("and state = {}", asked.state)
    if asked.family is not None:
        term("and rule_family = {}", asked.family)
    if asked.overdue_on is not None:
        term("and due_on < {}", asked.overdue_on)
    if asked.after is not None:
        term("and (expected_fen, flag_id) < ({}::bigint, {}::uuid)", place, asked.after)
    return _BY_MONEY.format(in_review=_IN_REVIEW, terms=" ".join(terms)), given


async def take_next(
    tx: Connection, pool_code: str, by: str, states: Collection[FlagState], at: datetime,
    until: datetime, family: str | None = None,
) -> Flag | None:  # fmt: skip
    """Lease the flag with the most money in these states, and of this family if one is named, that
    nobody holds and this person may work on; None where there is none."""
    await tx.execute(_IN_ORDER)
    statement, more = next_taken(family)
    row = await tx.fetchrow(statement, pool_code, by, sorted(states), at, until, *more)
    return to_flag(row) if row else None


def next_taken(family: str | None) -> tuple[str, list[str]]:
    """The statement that leases the next flag, and what it is given beside pool, person, states
    and the two instants."""
    if family is None:
        return _TAKE_NEXT.format(family=""), []
    return _TAKE_NEXT.format(family="and rule_family = $6"), [family]


async def hold(tx: Connection, flag: Flag, by: str, until: datetime) -> Flag:
    """Lease a locked flag, or prolong the lease."""
    [row] = await tx.fetch(_HOLD, flag.pool_code, flag.flag_id, by, until)
    return to_flag(row)


async def let_go(tx: Connection, pool_code: str, flag_id: UUID, by: str) -> None:
    """End a person's lease; somebody else's stays."""
    await tx.execute(_LET_GO, pool_code, flag_id, by)


async def lock_overdue_statements(tx: Connection, today: date, limit: int) -> list[Flag]:
    """Flags whose institution was silent beyond its last day, locked; of all pools."""
    return [to_flag(row) for row in await tx.fetch(_OVERDUE_STATEMENTS, today, limit)]


async def counts(tx: Connection, pool_code: str) -> dict[FlagState, int]:
    """How many flags of a pool stand in each state."""
    rows = await tx.fetch(_COUNTS, pool_code)
    return {FlagState(row["state"]): row["flags"] for row in rows}
