"""R: the tenant wall stands, months are Shanghai's, and no work is stuck."""

from __future__ import annotations

from deploy.verify.stores import Stores, found

OPEN = (
    # Hospitals meet here: what is one for a whole pregnancy, or unique for ever.
    *("pregnancy", "designation", "unit_entry"),
    # The pool's books and log; sums and hashes, read by the agency alone.
    *("period_balance", "log"),
    # Who may call: asked before anybody is known to be somebody.
    "client",
)
"""Tables that name an institution and stand outside the wall, each for its reason."""
MEET = {"enrollment": (), "settlement": ("claim",), "audit": ()}
"""Claims meet in settlement, which guards that one is settled once; in audit they are walled."""

# A hospital's act is logged under its own institution, and so is what it acts upon.
_ACROSS = """
select 'log row ' || l.id from log l join stay s on l.subject = 'stay:' || s.stay_id
where l.institution_code not in ('', s.institution_code)
union
select 'log row ' || l.id from log l join settlement s on l.subject = 'claim:' || s.settlement_id
where l.institution_code not in ('', s.institution_code)
union
select 'line of stay ' || l.stay_id from line l join stay s using (pool_code, stay_id)
where l.institution_code <> s.institution_code or l.caller <> l.institution_code
union
select 'settlement ' || t.settlement_id from settlement t join stay s using (pool_code, stay_id)
where t.institution_code <> s.institution_code or t.caller <> t.institution_code
union
select 'answer ' || i.object_id from idempotency i join settlement t on t.settlement_id = i.object_id
where i.caller <> t.institution_code and i.operation ~ '^(settle|reverse|[0-9]+)$'
order by 1
"""
_ACROSS_AUDIT = """
select 'flag ' || f.flag_id from flag f join claim c using (pool_code, claim_id)
where f.institution_code <> c.institution_code
union
select 'judgement of ' || j.claim_id from judgement j join claim c using (pool_code, claim_id)
where j.institution_code <> c.institution_code
union
select 'decision on ' || d.flag_id from decision d join claim c using (pool_code, claim_id)
where d.institution_code <> c.institution_code
order by 1
"""
_WALL = """
select 'no wall around ' || c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  and a.attname = 'institution_code' and c.relname <> all($1::text[])
  and (not c.relrowsecurity or not exists (select from pg_policy p where p.polrelid = c.oid))
order by 1
"""
# For a superuser, for whoever may bypass it, and for a table's owner the wall is silently void.
_ABOVE = """
select 'role above the wall ' || r.rolname from pg_roles r
where r.rolname = any(array[$1 || '_service', $1 || '_group'])
  and (r.rolsuper or r.rolbypassrls
       or exists (select from pg_class c where c.relowner = r.oid
                  and c.relnamespace = 'public'::regnamespace))
order by 1
"""


async def r03(stores: Stores) -> list[str]:
    """No row is of another institution than the stay that it is about; the wall stands."""
    wrong = await found(stores.settlement, _ACROSS) + await found(stores.audit, _ACROSS_AUDIT)
    for service, connection in stores.each():
        wrong += await found(connection, _WALL, [*OPEN, *MEET[service]])
        wrong += await found(connection, _ABOVE, service)
    return wrong


_R04 = """
select 'settlement ' || settlement_id from settlement
where account_month <> date_trunc('month', settled_at at time zone 'Asia/Shanghai')::date
union
select 'adjustment ' || adjustment_id from adjustment
where account_month <> date_trunc('month', decided_at at time zone 'Asia/Shanghai')::date
union
select 'posting ' || posting_id
from posting p, date_trunc('month', posted_at at time zone 'Asia/Shanghai') came_in
where month <> came_in::date and not (
    account in ('bank', 'income_contribution') and month > came_in
    and exists (select from closed_period c
                where c.pool_code = p.pool_code and c.month = p.month - interval '1 month'))
order by 1
"""


async def r04(stores: Stores) -> list[str]:
    """The month of account is Shanghai's month of the instant, for settlements and postings; what
    came in and was heard of after its month was closed lies in the month after the last closed."""
    return await found(stores.settlement, _R04)


_STUCK = """
select 'session ' || pid || ' idle in a transaction' from pg_stat_activity
where datname = current_database() and state like 'idle in transaction%'
  and state_change < clock_timestamp() - interval '60 seconds'
union all
select 'event waits ' || id from outbox
where position is null and at < clock_timestamp() - interval '60 seconds'
union all
select 'prepared transaction ' || gid from pg_prepared_xacts
where database = current_database() and prepared < clock_timestamp() - interval '60 seconds'
order by 1
"""


# The last day of a step is a whole one, and whoever holds the lease is at work on it. What waits for
# an institution is passed on by a worker, which comes by within an hour of the day's end.
_OVERDUE = """
select 'flag ' || flag_id || ' is ' || state || ' beyond ' || due_on || ', and nobody holds it'
from flag, lateral (select case state when 'notified' then $1::timestamptz - interval '1 hour'
                    else $1 end as at) t
where state not in ('decided', 'closed') and due_on < (t.at at time zone 'Asia/Shanghai')::date
  and (held_until is null or held_until <= $1)
order by 1
"""


async def r06(stores: Stores) -> list[str]:
    """No session idle in a transaction and no event waiting for more than 60 seconds; no step of a
    review beyond its last day in nobody's hands.

    No answer is ever kept in progress: only effects are.
    """
    stuck = [
        f"{service}: {one}"
        for service, connection in stores.each()
        for one in await found(connection, _STUCK)
    ]
    return stuck + await found(stores.audit, _OVERDUE, stores.now())
