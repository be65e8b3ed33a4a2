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
import orjson

from services.settlement.domain.agreement import Agreement
from services.settlement.domain.charged import StoredItems
from services.settlement.domain.course import EMPTY, Course, UnitEntry
from services.settlement.domain.entitled import Entitlement
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.stay import Stay
from services.settlement.store.courses import course_from_row, unit_row
from services.settlement.store.encounters import Encounter, encounter_from_row
from services.settlement.store.entitlements import entitlement_row
from services.settlement.store.person_states import person_from_row
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.database import Connection
from shared.plumbing.journal import LogRow
from shared.plumbing.outbox import OutboxRow
from shared.plumbing.repeats import Answer, Ask
from shared.policy.shapes import Benefit, Procedure


@dataclass(frozen=True, slots=True)
class Kept:
    """What was answered under the key before."""

    body_hash: bytes
    answer: Answer


@dataclass(frozen=True, slots=True)
class Facts:
    """What settling looks at. `rival` tells that the pregnancy's birth or loss is settled already,
    and which of them; `operated`, of a surgery, which of the person are, in whatever hospital;
    `items` is the bill by item, only to be told, and
    `encounter` what the national interface said of the stay."""

    kept: Kept | None
    stay: Stay | None
    agreement: Agreement | None
    pregnancy: Pregnancy | None
    person: PersonState | None
    rival: Benefit | None
    course: Course = EMPTY
    operated: frozenset[tuple[date, Procedure]] = frozenset()
    items: StoredItems | None = None
    encounter: Encounter | None = None


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
       pregnancy.delivered_on, pregnancy.ended_by, pregnancy.version as pregnancy_version,
       pregnancy.confined && days.span as within_ending, pregnancy.visited && days.span as holds_visits,
       person.state_version, person.state::text as state_json, person.as_of,
       rival.benefit as rival, operated.surgeries, course.units, course.designations,
       bill.items::text as items, bill.left_out as items_left_out, encounter.told::text as told
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
    select items, left_out from stay_items b
    where b.pool_code = asked.pool_code and b.stay_id = stay.stay_id offset 0) bill on true
left join lateral (
    select told from encounter e
    where e.pool_code = asked.pool_code and e.stay_id = stay.stay_id offset 0) encounter on true
left join lateral (
    select level from agreement a
    where a.pool_code = asked.pool_code and a.institution_code = asked.caller
      and a.valid @> coalesce(asked.stated_on, stay.discharged_on, stay.admitted_on) offset 0) agreement on true
left join lateral (
    select * from pregnancy p
    where p.pool_code = asked.pool_code and p.pregnancy_id = stay.pregnancy_id
      and p.cancelled_at is null offset 0) pregnancy on true
left join lateral (
    select daterange(stay.admitted_on, greatest(stay.admitted_on, coalesce(
        asked.stated_on, stay.discharged_on)), '[]') as span offset 0) days on true
left join lateral (
    select * from person_state p where p.person_ref = stay.person_ref offset 0) person on true
left join lateral (
    select benefit from claim c
    where c.pool_code = asked.pool_code and c.pregnancy_id = stay.pregnancy_id
      and c.state = 'settled' and c.benefit in ('delivery', 'loss') offset 0) rival on true
left join lateral (
    select (select json_agg(json_build_array(c.operated_on, c.procedure)) from claim c
            where c.pool_code = asked.pool_code and c.person_ref = stay.person_ref
              and c.state = 'settled' and c.benefit = 'family_planning')::text as surgeries
    where stay.benefit = 'family_planning' offset 0) operated on true
left join lateral (
    select (select json_agg(json_build_array(unit, number, institution_code, weeks, amount_fen,
                                             used_after_fen, limit_fen) order by unit, number)
            from unit_entry u
            where u.pool_code = asked.pool_code and u.pregnancy_id = stay.pregnancy_id)::text as units,
           (select json_agg(json_build_array(institution_code, since) order by number)
            from designation d
            where d.pool_code = asked.pool_code and d.pregnancy_id = stay.pregnancy_id)::text as designations
    where stay.benefit = 'prenatal' offset 0) course on true
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
        rival=Benefit(row["rival"]) if row["rival"] else None,
        course=course_from_row(row),
        operated=frozenset(
            (date.fromisoformat(on), Procedure(procedure))
            for on, procedure in orjson.loads(row["surgeries"] or "[]")
        ),
        items=StoredItems(row["items"], row["items_left_out"]) if row["items"] else None,
        encounter=encounter_from_row(row) if row["told"] else None,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """All rows of one settlement: they are written together, or not at all.

    `pregnancy_end` is given by a birth or loss. `pregnancy_version` is given by all but a surgery:
    it is written only where the pregnancy, its days and what is left of its limits, is still as it
    was read.
    """

    settlement: Settlement
    pregnancy_end: date | None
    pregnancy_version: int | None
    uses: Sequence[UnitEntry]
    opened: Sequence[Entitlement]
    postings: Sequence[tuple[str, Money]]
    outbox: Sequence[OutboxRow]
    log: Sequence[LogRow]
    ask: Ask
    answer: Answer


WRITE = """
with asked as (select * from unnest($1::settlement[])),
locked as (
    select stay.pool_code, stay.stay_id, stay.particulars ->> 'procedure' as procedure
    from asked join stay using (pool_code, stay_id, institution_code)
    where stay.version = asked.stay_version and stay.state = 'discharged'
    order by stay.pool_code, stay.stay_id for update of stay
),
tended as (
    select p.pool_code, p.pregnancy_id, asked.settlement_id, asked.benefit
    from unnest($8::uuid[], $9::bigint[]) t(settlement_id, pregnancy_version)
    join asked using (settlement_id) join locked using (pool_code, stay_id)
    join pregnancy p using (pool_code, pregnancy_id)
    where p.version = t.pregnancy_version
    order by p.pool_code, p.pregnancy_id for no key update of p
),
entrusted as (
    select distinct on (t.pool_code, t.pregnancy_id) t.settlement_id from tended t
    where t.benefit = 'prenatal' and not exists (
        select from asked e where e.pool_code = t.pool_code
                      and e.pregnancy_id = t.pregnancy_id and e.benefit in ('delivery', 'loss'))
    order by t.pool_code, t.pregnancy_id, t.settlement_id
),
won as (
    insert into claim (pool_code, settlement_id, institution_code, stay_id, pregnancy_id, state,
                       sequence, benefit, visit, person_ref, operated_on, procedure)
    select a.pool_code, a.settlement_id, a.institution_code, a.stay_id, a.pregnancy_id, 'settled', 1,
           a.benefit,
           case when a.benefit = 'prenatal' then daterange(a.admitted_on, a.discharged_on, '[]') end,
           case when a.benefit = 'family_planning' then a.person_ref end,
           case when a.benefit = 'family_planning' then a.event_on end, locked.procedure
    from asked a join locked using (pool_code, stay_id)
    where a.benefit = 'family_planning' or a.settlement_id in (
        select settlement_id from tended where benefit <> 'prenatal'
        union all select settlement_id from entrusted)
    order by a.pool_code, a.pregnancy_id, a.person_ref, a.event_on
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
    set period = daterange(lower(p.period), e.ended), version = p.version + 1,
        delivered_on = case when asked.benefit = 'delivery' then asked.event_on end,
        ended_by = case when asked.benefit = 'delivery' then 'birth' else 'loss' end,
        confined = daterange(asked.admitted_on, asked.discharged_on, '[]')
    from unnest($2::uuid[], $3::date[]) e(settlement_id, ended)
    join won using (settlement_id) join asked using (settlement_id)
    where p.pool_code = asked.pool_code and p.pregnancy_id = asked.pregnancy_id
      and e.ended is not null
),
visited as (
    update pregnancy p
    set visited = p.visited + datemultirange(daterange(asked.admitted_on, asked.discharged_on, '[]')),
        version = p.version + 1
    from asked join won using (settlement_id)
    where p.pool_code = asked.pool_code and p.pregnancy_id = asked.pregnancy_id
      and asked.benefit = 'prenatal'
),
counted as (
    insert into unit_entry select u.* from unnest($10::unit_entry[]) u join won using (settlement_id)
),
opened as (
    insert into entitlement select e.* from unnest($11::entitlement[]) e
    join won using (settlement_id)
    returning entitlement_id
),
made as (
    select settlement_id as id, 'claim:' || settlement_id as subject from won
    union all select entitlement_id, 'entitlement:' || entitlement_id from opened
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
    select o.* from unnest($6::outbox_row[]) o join made on made.id = o.aggregate_id::uuid
),
logged as (
    insert into log (month, id, pool_code, at, actor, institution_code, request_id, action, subject,
                     from_state, to_state, before_hash, after_hash, content_hash)
    select l.* from unnest($7::log_row[]) l join made using (subject)
)
select settlement_id from won
"""


async def write(connection: Connection, entries: Sequence[Entry]) -> list[bool]:
    """Write all entries by one statement; which of them won.

    An entry loses when its stay changed since READ, when its stay was settled meanwhile, when
    another hospital was first to settle the pregnancy's birth or loss or the surgery, or when its
    pregnancy changed since, by a correction or another visit or a birth: a visit and a birth of one
    group meet again in the next.
    """
    ids = [e.settlement.settlement_id for e in entries]
    cares = [e for e in entries if e.pregnancy_version is not None]
    rows = await connection.fetch(
        WRITE,
        [settlement_row(e.settlement, e.ask.caller) for e in entries],
        ids,
        [e.pregnancy_end for e in entries],
        [_kept_row(e) for e in entries],
        [row for e in entries for row in posting_rows(e.settlement, e.postings)],
        [row for e in entries for row in e.outbox],
        [row for e in entries for row in e.log],
        [e.settlement.settlement_id for e in cares],
        [e.pregnancy_version for e in cares],
        [unit_row(e.settlement, use) for e in cares for use in e.uses],
        [entitlement_row(one) for e in entries for one in e.opened],
    )
    won = {row["settlement_id"] for row in rows}
    return [settlement_id in won for settlement_id in ids]


CLASHES = (asyncpg.ExclusionViolationError, asyncpg.CheckViolationError)


def clash_of(error: asyncpg.IntegrityConstraintViolationError) -> Refusal:
    """What a settlement that could not be written ran into. Raises `error` where it is our own
    mistake."""
    if isinstance(error, asyncpg.ExclusionViolationError):
        # The birth, restated after a reversal, would reach into the next pregnancy.
        return Refusal.PREGNANCY_OVERLAPS
    if error.constraint_name == "no_service_by_two_methods":
        # A visit and a birth whose days meet, settled at the same moment.
        return Refusal.SERVICE_COVERED_TWICE
    raise error


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
