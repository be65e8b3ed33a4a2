"""E: nobody is paid for who was not entitled, by a state that enrollment stands by."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg

from deploy.verify.priced_again import states_named
from deploy.verify.rates import archived_books
from deploy.verify.stores import Stores, found
from services.settlement.domain.entitlement import entitlement
from services.settlement.domain.person import PersonState, member_of, spell_on
from services.settlement.domain.refusals import Refused
from shared.plumbing.clock import business_day
from shared.policy.book import Book, NoRule
from shared.policy.cells import STATE_AGE_DAYS_MAX

_PAID = """
select s.settlement_id, s.pool_code, s.person_ref, s.state_version, s.event_on, s.rule_on,
       s.settled_at, s.book
from settlement s
where s.reverses is null and s.fund_fen > 0
  and not exists (select from settlement r where r.reverses = s.settlement_id)
order by s.settlement_id
"""
_NAMED = """
select settlement_id, pool_code, person_ref, state_version, settled_at, book
from settlement where reverses is null order by settlement_id
"""
_VERSIONS = "select person_ref, version, at from person_version where person_ref = any($1)"
_E02 = """
select 'spells of ' || a.person_ref from spell a join spell b
    on b.person_ref = a.person_ref and (b.started_on, b.pool_code) > (a.started_on, a.pool_code)
   and daterange(b.started_on, b.ended_on) && daterange(a.started_on, a.ended_on)
union
select 'number of ' || min(person_ref) from person_index group by id_index having count(*) > 1
union
select 'index of ' || person_ref from person p where not exists (
    select from person_index i where i.person_ref = p.person_ref and i.key_id = p.key_id)
union
select 'month of ' || person_ref from contribution group by person_ref, month having count(*) > 1
order by 1
"""


async def e01(stores: Stores) -> list[str]:
    """The fund pays only who was entitled on the day by the state that the settlement names.

    Asked of the states that enrollment keeps and the settlement's own book. A correction that
    came later is an adjustment's matter, which M08 prices again.
    """
    books = await archived_books(stores)
    rows = await stores.settlement.fetch(_PAID)
    states = await states_named(stores, rows)
    return [
        str(row["settlement_id"])
        for row in rows
        if (state := states.get((row["person_ref"], row["state_version"]))) is not None
        and (book := books.get(row["book"])) is not None
        and not _entitled(row, state, book)
    ]


def _entitled(row: asyncpg.Record, state: PersonState, book: Book) -> bool:
    spell = spell_on(state, row["pool_code"], row["event_on"])
    if spell is None:
        return False
    day, known_on = row["rule_on"], business_day(row["settled_at"])
    try:
        rules = book.on(row["pool_code"], spell.kind, on=day, known_on=known_on)
        return not isinstance(entitlement(member_of(state, spell, day), day, rules), Refused)
    except NoRule:
        return False


async def e02(stores: Stores) -> list[str]:
    """A person's spells lie apart; one ID number is one person; a month is paid once."""
    return await found(stores.enrollment, _E02)


async def e03(stores: Stores) -> list[str]:
    """The state that a settlement names exists, and was no older than the pool's policy lets."""
    books = await archived_books(stores)
    rows = await stores.settlement.fetch(_NAMED)
    told: dict[str, dict[int, datetime]] = {}
    for v in await stores.enrollment.fetch(_VERSIONS, list({r["person_ref"] for r in rows})):
        told.setdefault(v["person_ref"], {})[v["version"]] = v["at"]
    return [
        str(row["settlement_id"])
        for row in rows
        if not _was_current(row, told.get(row["person_ref"], {}), books.get(row["book"]))
    ]


def _was_current(row: asyncpg.Record, told: dict[int, datetime], book: Book | None) -> bool:
    named, settled_at = row["state_version"], row["settled_at"]
    if named not in told or told[named] > settled_at:
        return False
    replaced_at = told.get(named + 1)
    return replaced_at is None or replaced_at > settled_at - _lag(row, book)


def _lag(row: asyncpg.Record, book: Book | None) -> timedelta:
    today = business_day(row["settled_at"])
    try:
        if book is not None:
            days = book.ask(row["pool_code"], STATE_AGE_DAYS_MAX, on=today, known_on=today).value
            return timedelta(days=days)
    except NoRule:
        pass
    return timedelta(0)
