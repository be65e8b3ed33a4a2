"""Statements about people as enrollment tells of them: a projection, version by version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from services.settlement.domain.person import PersonState, Spell
from shared.period import Month
from shared.plumbing.database import Connection
from shared.policy.shapes import MemberKind


def person_from_row(row: Any) -> PersonState:
    """A person's state from its row; `state_json` is the event's own JSON."""
    return person_from_json(row["state_json"], row["as_of"])


def person_from_json(text: str | bytes, as_of: datetime) -> PersonState:
    """A person's state from the JSON of enrollment's contract."""
    state = orjson.loads(text)
    return PersonState(
        person_ref=state["person_ref"],
        version=state["state_version"],
        spells=tuple(
            _spell(s["pool_code"], s["county_code"], s["kind"], s["start"], s["end"])
            for s in state["spells"]
        ),
        paid=tuple((_month(span["first"]), _month(span["last"])) for span in state["paid"]),
        as_of=as_of,
        sex=state.get("sex"),
        born_in=_month(born_in) if (born_in := state.get("birth_month")) else None,
    )


_month = lru_cache(maxsize=2_000)(Month.parse)


@lru_cache(maxsize=20_000)
def _spell(pool_code: str, county_code: str, kind: str, start: str, end: str | None) -> Spell:
    """A spell; thousands of people share pool, kind and days."""
    return Spell(
        pool_code,
        county_code,
        MemberKind(kind),
        date.fromisoformat(start),
        date.fromisoformat(end) if end else None,
    )


_UPSERT = """
insert into person_state
select s.pool_code, s.person_ref, s.state_version, s.state::json, s.as_of
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
    s(pool_code, person_ref, state_version, state, as_of)
order by s.person_ref
on conflict (person_ref) do update set
    pool_code = excluded.pool_code,
    state_version = excluded.state_version,
    state = excluded.state,
    as_of = greatest(person_state.as_of, excluded.as_of)
where person_state.state_version <= excluded.state_version
"""


async def upsert(tx: Connection, states: Sequence[tuple[str, str, int, str, datetime]]) -> None:
    """Take states as (pool, person, version, JSON, as of); an older version changes nothing.

    A person stands at most once in `states`.
    """
    await tx.execute(_UPSERT, *(list(column) for column in zip(*states, strict=True)))


_NOTE_DUE = """
insert into reconsideration_due (pool_code, person_ref, state_version, after, noted_at)
select d.*, $4::uuid, $5
from unnest($1::text[], $2::text[], $3::bigint[]) d(pool_code, person_ref, state_version)
where exists (
        select from pregnancy p
        where hashtextextended(p.person_ref, 0) = hashtextextended(d.person_ref, 0)
          and p.person_ref = d.person_ref)
   or exists (
        select from settlement s
        where s.pool_code = d.pool_code and s.person_ref = d.person_ref and s.pregnancy_id is null)
order by 1, 2
on conflict (pool_code, person_ref) do update set
    state_version = excluded.state_version, after = excluded.after, tries = 0
"""


async def note_due(
    tx: Connection, persons: Sequence[tuple[str, str, int]], after: UUID, at: datetime
) -> None:
    """Note that a pool has to reconsider people's claims: (pool, person, version), each once. Of
    whom nothing can have been settled there is nothing to reconsider."""
    await tx.execute(_NOTE_DUE, *(list(column) for column in zip(*persons, strict=True)), after, at)


@dataclass(frozen=True, slots=True)
class Due:
    """A person whose claims in a pool wait to be reconsidered, those behind `after`; how often
    that failed since her state was told."""

    pool_code: str
    person_ref: str
    state_version: int
    after: UUID
    tries: int


_NEXT_DUE = """
select pool_code, person_ref, state_version, after, tries from reconsideration_due
where tries < $1 or noted_at <= $2
order by tries >= $1, noted_at, person_ref limit 1 for update skip locked
"""


async def next_due(tx: Connection, tries: int, rested: datetime) -> Due | None:
    """The person who waits longest, kept from other workers until the transaction ends. Who failed
    `tries` times comes behind all others, and not before she waited since `rested`."""
    row = await tx.fetchrow(_NEXT_DUE, tries, rested)
    return Due(**row) if row else None


async def put_off(tx: Connection, due: Due, at: datetime) -> None:
    """Let a person whose reconsideration failed wait anew, unless she was told of meanwhile."""
    await tx.execute(
        "update reconsideration_due set noted_at = $4, tries = tries + 1"
        " where pool_code = $1 and person_ref = $2 and state_version = $3",
        due.pool_code,
        due.person_ref,
        due.state_version,
        at,
    )


async def count_failing(tx: Connection, tries: int) -> int:
    """How many people's reconsideration failed `tries` times or more."""
    failing: int = await tx.fetchval(
        "select count(*) from reconsideration_due where tries >= $1", tries
    )
    return failing


async def move_due(tx: Connection, due: Due, after: UUID | None) -> None:
    """Note how far a person's claims were reconsidered; None: to the end."""
    if after is None:
        await tx.execute(
            "delete from reconsideration_due where pool_code = $1 and person_ref = $2",
            due.pool_code,
            due.person_ref,
        )
        return
    await tx.execute(
        "update reconsideration_due set after = $3 where pool_code = $1 and person_ref = $2",
        due.pool_code,
        due.person_ref,
        after,
    )


async def known(tx: Connection, person_refs: Sequence[str]) -> dict[str, PersonState]:
    """People's states as they are known now."""
    rows = await tx.fetch(
        "select state::text as state_json, as_of from person_state where person_ref = any($1)",
        list(person_refs),
    )
    return {state.person_ref: state for state in map(person_from_row, rows)}


async def find(tx: Connection, person_ref: str) -> PersonState | None:
    """A person's state as it is known now."""
    row = await tx.fetchrow(
        "select state::text as state_json, as_of from person_state where person_ref = $1",
        person_ref,
    )
    return person_from_row(row) if row else None
