"""READ and WRITE of settling: one statement each, for a whole group of callers.

READ sets the tenant wall for the group's callers and asks each fact by its key, one lateral
look-up after the other: the order matters, the wall stands before the first row is seen. WRITE
finds the wall standing on the same connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from services.settlement.domain.agreement import Agreement
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Stay
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import Connection
from shared.plumbing.journal import LogRow
from shared.plumbing.outbox import OutboxRow
from shared.plumbing.repeats import Answer, Ask


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered under the key before."""

    body_hash: bytes
    answer: Answer


@dataclass(frozen=True, slots=True)
class Facts:
    """What settling looks at. `rival` tells that the pregnancy's delivery is settled already."""

    kept: Kept | None
    stay: Stay | None
    agreement: Agreement | None
    pregnancy: Pregnancy | None
    person: PersonState | None
    rival: bool


READ = """
with wall as materialized (select set_config('app.callers', $1, $3)),
asked as materialized (
    select n, pool_code, caller, operation, key, stay_id, stated_on
    from wall, unnest($2::asked[])
        with ordinality as asked(pool_code, caller, operation, key, stay_id, stated_on, n)
)
select kept.body_hash as kept_hash, kept.status as kept_status, kept.answer as kept_answer,
       stay.*, agreement.level as agreement_level,
       pregnancy.institution_code as pregnancy_institution, pregnancy.person_ref as pregnancy_person,
       lower(pregnancy.period) as period_start, upper(pregnancy.period) as period_end,
       pregnancy.delivered_on, pregnancy.version as pregnancy_version,
       person.state_version, person.state::text as state_json, person.as_of,
       rival.settlement_id as rival_id
from asked
left join lateral (
    select body_hash, status, answer from idempotency i
    where i.pool_code = asked.pool_code and i.caller = asked.caller
      and i.operation = asked.operation and i.key = asked.key offset 0) kept on true
left join lateral (
    select * from stay s
    where s.pool_code = asked.pool_code and s.stay_id = asked.stay_id
      and s.institution_code = asked.caller offset 0) stay on true
left join lateral (
    select level from agreement a
    where a.pool_code = asked.pool_code and a.institution_code = asked.caller
      and a.valid @> coalesce(asked.stated_on, stay.discharged_on, stay.admitted_on) offset 0) agreement on true
left join lateral (
    select * from pregnancy p
    where p.pool_code = asked.pool_code and p.pregnancy_id = stay.pregnancy_id offset 0) pregnancy on true
left join lateral (
    select * from person_state p where p.person_ref = stay.person_ref offset 0) person on true
left join lateral (
    select settlement_id from claim c
    where c.pool_code = asked.pool_code and c.pregnancy_id = stay.pregnancy_id
      and c.state = 'settled' offset 0) rival on true
order by asked.n
"""


async def read(
    connection: Connection, asks: Sequence[tuple[Ask, UUID, date | None]], *, in_transaction: bool
) -> list[Facts]:
    """The facts of each (key, stay, discharge stated meanwhile), in order, by one statement.

    The wall stands until the end of the transaction, else as long as the connection.
    """
    rows = await connection.fetch(
        READ,
        ",".join(sorted({ask.caller for ask, _, _ in asks})),
        [
            (ask.pool_code, ask.caller, ask.operation, ask.key, stay_id, stated_on)
            for ask, stay_id, stated_on in asks
        ],
        in_transaction,
    )
    return [_facts(row) for row in rows]


def _facts(row: asyncpg.Record) -> Facts:
    kept = row["kept_hash"]
    return Facts(
        kept=Kept(kept, Answer(row["kept_status"], row["kept_answer"])) if kept else None,
        stay=stay_from_row(row) if row["stay_id"] else None,
        agreement=(
            Agreement(row["institution_code"], row["agreement_level"])
            if row["agreement_level"]
            else None
        ),
        pregnancy=pregnancy_from_row(row) if row["pregnancy_version"] else None,
        person=person_from_row(row) if row["state_version"] else None,
        rival=row["rival_id"] is not None,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """All rows of one settlement: they are written together, or not at all."""

    settlement: Settlement
    pregnancy_end: date
    postings: Sequence[tuple[str, Money]]
    outbox: OutboxRow
    log: LogRow
    ask: Ask
    answer: Answer


WRITE = """
with asked as (select * from unnest($1::settlement[])),
locked as (
    select stay.pool_code, stay.stay_id
    from asked join stay using (pool_code, stay_id, institution_code)
    where stay.version = asked.stay_version and stay.state = 'discharged'
    order by stay.pool_code, stay.stay_id for update of stay
),
won as (
    insert into claim (pool_code, settlement_id, institution_code, stay_id, pregnancy_id, state, sequence)
    select a.pool_code, a.settlement_id, a.institution_code, a.stay_id, a.pregnancy_id, 'settled', 1
    from asked a join locked using (pool_code, stay_id)
    order by a.pool_code, a.pregnancy_id
    on conflict do nothing
    returning settlement_id
),
settled as (
    insert into settlement select asked.* from asked join won using (settlement_id)
),
bound as (
    update stay set state = 'settled', version = stay.version + 1
    from asked join won using (settlement_id)
    where stay.pool_code = asked.pool_code and stay.stay_id = asked.stay_id
),
ended as (
    update pregnancy p
    set period = daterange(lower(p.period), e.ended), delivered_on = asked.event_on,
        version = p.version + 1
    from unnest($2::uuid[], $3::date[]) e(settlement_id, ended)
    join won using (settlement_id) join asked using (settlement_id)
    where p.pool_code = asked.pool_code and p.pregnancy_id = asked.pregnancy_id
      and p.delivered_on is distinct from asked.event_on
),
kept as (
    insert into idempotency select i.* from unnest($4::idempotency[]) i
    join won on won.settlement_id = i.object_id
),
posted as (
    insert into posting select p.* from unnest($5::posting[]) p join won using (settlement_id)
),
told as (
    insert into outbox (month, id, pool_code, topic, type, key, aggregate_id, sequence, at, headers, data)
    select o.* from unnest($6::outbox_row[]) o
    join won on won.settlement_id = o.aggregate_id::uuid
),
logged as (
    insert into log (month, id, pool_code, at, actor, institution_code, request_id, action, subject,
                     from_state, to_state, before_hash, after_hash, content_hash)
    select l.* from unnest($7::log_row[]) l join won on l.subject = 'claim:' || won.settlement_id
)
select settlement_id from won
"""


async def write(connection: Connection, entries: Sequence[Entry]) -> list[bool]:
    """Write all entries by one statement; which of them won.

    An entry loses when its stay changed since READ, when its stay was settled meanwhile, or when
    another hospital was first to settle the pregnancy's delivery.
    """
    ids = [e.settlement.settlement_id for e in entries]
    rows = await connection.fetch(
        WRITE,
        [settlement_row(e.settlement, e.ask.caller) for e in entries],
        ids,
        [e.pregnancy_end for e in entries],
        [_kept_row(e) for e in entries],
        [row for e in entries for row in posting_rows(e.settlement, e.postings)],
        [e.outbox for e in entries],
        [e.log for e in entries],
    )
    won = {row["settlement_id"] for row in rows}
    return [settlement_id in won for settlement_id in ids]


def settlement_row(s: Settlement, caller: str) -> tuple[object, ...]:
    """A row of `settlement`, in the table's order. `caller` is who asked, by the credential: the
    table refuses a settlement of another institution's stay, whatever READ let through."""
    p = s.shares
    return (
        s.pool_code, s.settlement_id, s.reverses, s.institution_code, caller,
        s.institution_level, s.stay_id, s.stay_version, s.pregnancy_id, s.person_ref,
        s.state_version, s.county_code, s.member_kind, s.benefit, s.insurance_type,
        s.expenditure_item, s.mode, s.infants, s.admitted_on, s.event_on, s.discharged_on, s.rule_on,
        p.total.fen, p.fund.fen, p.member.fen, p.member_account.fen, p.member_cash.fen,
        p.institution.fen, p.other_fund.fen, p.desk_fund.fen, p.desk_member.fen,
        s.line_count, s.steps, list(s.rates), s.book, s.engine, s.settled_at, s.account_month,
        s.actor,
    )  # fmt: skip


def posting_rows(s: Settlement, legs: Sequence[tuple[str, Money]]) -> list[tuple[object, ...]]:
    """Rows of `posting`, in the table's order."""
    return [
        (s.account_month, new_id(), s.pool_code, s.settlement_id, account, s.institution_code,
         amount.fen, s.settled_at)
        for account, amount in legs
    ]  # fmt: skip


def _kept_row(e: Entry) -> tuple[object, ...]:
    ask, at = e.ask, e.settlement.settled_at
    return (
        ask.pool_code, ask.caller, ask.operation, ask.key, ask.body_hash, e.answer.status,
        e.answer.body, e.settlement.settlement_id, at,
    )  # fmt: skip
