"""O: nothing is paid twice, and nothing belongs to two institutions."""

from __future__ import annotations

from deploy.verify.stores import Stores, found

# Only effects are kept: an answer to `settle` or `reverse` without its settlement is a success
# that was told and never happened. The national gateway's transactions settle and reverse as well;
# a message that was withdrawn before it arrived has an answer and nothing else.
_SETTLES, _REVERSES = "('settle', '2304', '2207')", "('reverse', '2305', '2208', '2601')"
_O01 = f"""
select 'key of ' || caller || ' for ' || operation from idempotency
group by pool_code, caller, operation, key having count(*) > 1
union all
select 'answer without its settlement ' || i.object_id from idempotency i
where (i.operation in {_SETTLES} or i.operation in ('reverse', '2305', '2208'))
  and i.body_hash <> 'withdrawn' and not exists (
    select from settlement s
    where s.pool_code = i.pool_code and s.settlement_id = i.object_id and s.caller = i.caller
      and (s.reverses is null) = (i.operation in {_SETTLES}))
union all
select 'answer of another settlement ' || i.object_id from idempotency i
where i.operation in ('settle', 'reverse')
  and convert_from(i.answer, 'UTF8')::json ->> 'settlement_id' is distinct from i.object_id::text
union all
select 'settlement ' || s.settlement_id from settlement s
left join idempotency i on i.pool_code = s.pool_code and i.object_id = s.settlement_id
    and case when s.reverses is null then i.operation in {_SETTLES} else i.operation in {_REVERSES} end
group by s.pool_code, s.settlement_id having count(i.*) <> 1
order by 1
"""
_LIVE = """
from settlement s where s.reverses is null
  and not exists (select from settlement r where r.pool_code = s.pool_code and r.reverses = s.settlement_id)
"""
_O02 = f"""
select s.stay_id::text {_LIVE} group by s.pool_code, s.institution_code, s.stay_id having count(*) > 1
union all
select 'number of stay ' || min(stay_id::text) from stay where state <> 'cancelled'
group by pool_code, institution_code, stay_number having count(*) > 1
order by 1
"""
_O03 = f"""
select s.pregnancy_id::text {_LIVE} and s.benefit in ('delivery', 'loss')
group by s.pool_code, s.pregnancy_id having count(*) > 1 order by 1
"""
# Summed again from the entries themselves, whatever they say of what was used before them.
_O04 = """
select 'head of ' || pregnancy_id from unit_entry where unit = 'head'
group by pool_code, pregnancy_id having sum(amount_fen) > max(limit_fen) or sum(weeks) < 0
order by 1
"""
_O05 = f"""
with live as (select s.* {_LIVE})
select 'visit ' || v.settlement_id from live v
join live e on e.pool_code = v.pool_code and e.pregnancy_id = v.pregnancy_id
where v.benefit = 'prenatal' and e.benefit in ('delivery', 'loss')
  and daterange(v.admitted_on, v.discharged_on, '[]') && daterange(e.admitted_on, e.discharged_on, '[]')
union
select 'benefit of ' || s.settlement_id from settlement s join stay t using (pool_code, stay_id)
where s.benefit <> t.benefit
union
select 'claim ' || c.settlement_id from claim c join settlement s using (pool_code, settlement_id)
where c.benefit <> s.benefit or (c.visit is not null) <> (s.benefit = 'prenatal')
order by 1
"""
_O06 = """
with chained as (
    select *, lag(used_after_fen, 1, 0) over w as before, lag(number, 1, 0) over w as number_before
    from unit_entry window w as (partition by pool_code, pregnancy_id, unit order by number)
), summed as (
    select pool_code, settlement_id, sum(amount_fen) as fen from unit_entry
    where adjustment_id is null group by 1, 2
)
select distinct 'unit ' || unit || ' of ' || pregnancy_id from chained
where used_before_fen <> before or number <> number_before + 1 or used_after_fen <> before + amount_fen
   or used_after_fen < 0 or (used_after_fen > limit_fen and amount_fen > 0)
union
select 'uses of ' || s.settlement_id
from settlement s left join summed u using (pool_code, settlement_id)
where s.benefit = 'prenatal' and coalesce(u.fen, 0) <> s.fund_fen
union
select 'uses of adjustment ' || coalesce(a.adjustment_id, u.adjustment_id)
from (select a.* from adjustment a join settlement s using (pool_code, settlement_id)
      where a.state = 'released' and s.benefit = 'prenatal') a
full join (select adjustment_id, sum(amount_fen) as fen from unit_entry
           where adjustment_id is not null group by 1) u using (adjustment_id)
where coalesce(a.fund_fen, 0) <> coalesce(u.fen, 0) or a.adjustment_id is null
union
select 'units of ' || s.settlement_id
from settlement s join summed using (pool_code, settlement_id) where s.benefit <> 'prenatal'
order by 1
"""
_O07 = """
select kind || ' of ' || pregnancy_id from entitlement
where state <> 'withdrawn' and pregnancy_id is not null
group by pool_code, pregnancy_id, kind having count(*) > 1
union
select kind || ' of ' || settlement_id from entitlement
group by pool_code, settlement_id, kind having count(*) > 1
union
select e.kind || ' ' || e.entitlement_id
from entitlement e left join claim c using (pool_code, settlement_id)
where c.settlement_id is null or (e.state = 'withdrawn') <> (c.state = 'reversed' or exists (
    select from entitlement_revision r where r.entitlement_id = e.entitlement_id
        and r.version = e.version and r.state = 'withdrawn'))
union
select 'event of ' || e.entitlement_id
from entitlement e left join outbox o on o.aggregate_id = e.entitlement_id::text
group by e.pool_code, e.entitlement_id, e.version
having count(o.*) <> e.version or max(o.sequence) is distinct from e.version
union
select 'revision of ' || r.entitlement_id
from entitlement_revision r
left join adjustment a on a.pool_code = r.pool_code and a.adjustment_id = r.adjustment_id
where a.state is distinct from 'released'
order by 1
"""
# What each event says that the entitlement comes to from then on; a reversal says nothing of it.
_O07_SUMS = """
with said as (
    select aggregate_id as id, sequence, type, convert_from(data, 'UTF8')::json as s from outbox
    where topic like '%settlement.allowance.v1' and type <> 'settlement.allowance.withdrawn'
), summed as (
    select id, sequence, type, s ->> 'days' as days, s ->> 'amount' as amount, s ->> 'payee' as payee,
           s ->> 'state' as state, s ->> 'until' as until,
           lead(sequence) over (partition by id order by sequence) as next
    from said
), moved as (
    select *, lag(days) over w as days_before, lag(amount) over w as amount_before,
           lag(payee) over w as payee_before, lag(state) over w as state_before
    from summed window w as (partition by id order by sequence)
)
select 'sum of ' || e.entitlement_id
from entitlement e left join moved m on m.id = e.entitlement_id::text and m.next is null
where m.id is null or (m.state is distinct from 'withdrawn' and (
    e.days::text is distinct from m.days or e.payee is distinct from m.payee
    or e.amount_fen is distinct from (m.amount::numeric * 100)::bigint
    or e.until is distinct from m.until
    or (e.state <> 'withdrawn' and e.state is distinct from m.state)))
union
select 'revision ' || coalesce(r.entitlement_id::text, m.id)
from entitlement_revision r
full join (select * from moved where type = 'settlement.allowance.revised') m
    on m.id = r.entitlement_id::text and m.sequence = r.version
where (r.entitlement_id is null or m.id is null) and r.version is distinct from 1
   or r.version > 1 and (
       r.state <> m.state or r.state_before is distinct from m.state_before
       or r.days::text is distinct from m.days
       or r.amount_fen is distinct from (m.amount::numeric * 100)::bigint
       or r.until is distinct from m.until or r.payee is distinct from m.payee
       or (r.state_before <> 'withdrawn' and (
           r.days_before::text is distinct from m.days_before
           or r.amount_before_fen is distinct from (m.amount_before::numeric * 100)::bigint
           or r.payee_before is distinct from m.payee_before)))
order by 1
"""
_O08 = """
with beside as (
    select pool_code, settlement_id, sum(total_fen) as total_fen, sum(fund_fen) as fund_fen,
           sum(member_fen) as member_fen, sum(member_account_fen) as member_account_fen,
           sum(member_cash_fen) as member_cash_fen, sum(institution_fen) as institution_fen,
           sum(other_fund_fen) as other_fund_fen, sum(desk_fund_fen) as desk_fund_fen,
           sum(desk_member_fen) as desk_member_fen
    from adjustment where state = 'released' group by 1, 2
)
select 'settlement ' || o.settlement_id
from settlement o join settlement r on r.pool_code = o.pool_code and r.reverses = o.settlement_id
left join beside b on b.pool_code = o.pool_code and b.settlement_id = o.settlement_id
group by o.pool_code, o.settlement_id
having count(*) > 1 or bool_or(
    o.reverses is not null or r.institution_code <> o.institution_code or r.stay_id <> o.stay_id
    or r.pregnancy_id <> o.pregnancy_id or r.person_ref <> o.person_ref
    or r.total_fen <> -o.total_fen - coalesce(b.total_fen, 0)
    or r.fund_fen <> -o.fund_fen - coalesce(b.fund_fen, 0)
    or r.member_fen <> -o.member_fen - coalesce(b.member_fen, 0)
    or r.member_account_fen <> -o.member_account_fen - coalesce(b.member_account_fen, 0)
    or r.member_cash_fen <> -o.member_cash_fen - coalesce(b.member_cash_fen, 0)
    or r.institution_fen <> -o.institution_fen - coalesce(b.institution_fen, 0)
    or r.other_fund_fen <> -o.other_fund_fen - coalesce(b.other_fund_fen, 0)
    or r.desk_fund_fen <> -o.desk_fund_fen - coalesce(b.desk_fund_fen, 0)
    or r.desk_member_fen <> -o.desk_member_fen - coalesce(b.desk_member_fen, 0))
union all
select 'reversal of nothing ' || r.settlement_id from settlement r
where r.reverses is not null and not exists (
    select from settlement o where o.pool_code = r.pool_code and o.settlement_id = r.reverses)
union all
select 'legs of ' || r.settlement_id
from settlement r
cross join lateral (
    select array_agg(account || ' ' || amount_fen order by account, amount_fen) as legs
    from posting where settlement_id = r.settlement_id) own
cross join lateral (
    select array_agg(account || ' ' || -fen order by account, -fen) as legs
    from (select account, sum(amount_fen) as fen from posting
          where settlement_id = r.reverses or settlement_id in (
              select adjustment_id from adjustment
              where settlement_id = r.reverses and state = 'released')
          group by account having sum(amount_fen) <> 0) sums) undone
where r.reverses is not null and own.legs is distinct from undone.legs
order by 1
"""
_O09 = """
select a.pregnancy_id::text from pregnancy a join pregnancy b
    on b.person_ref = a.person_ref and b.pregnancy_id > a.pregnancy_id and b.period && a.period
order by 1
"""
_O10 = """
select 'line of stay ' || l.stay_id from line l left join stay s using (pool_code, stay_id)
where s.institution_code is distinct from l.institution_code or l.caller <> l.institution_code
union
select 'settlement ' || t.settlement_id from settlement t left join stay s using (pool_code, stay_id)
where s.institution_code is distinct from t.institution_code or t.caller <> t.institution_code
union
select 'claim ' || c.settlement_id from claim c left join stay s using (pool_code, stay_id)
where s.institution_code is distinct from c.institution_code
union
select 'posting of ' || p.settlement_id
from posting p join settlement t using (pool_code, settlement_id)
where p.institution_code <> t.institution_code
union
select 'adjustment ' || a.adjustment_id
from adjustment a left join settlement t using (pool_code, settlement_id)
where t.institution_code is distinct from a.institution_code
union
select 'posting of ' || p.settlement_id
from posting p join adjustment a on a.pool_code = p.pool_code and a.adjustment_id = p.settlement_id
where p.institution_code <> a.institution_code
union
select 'deduction ' || d.deduction_id
from deduction d left join settlement t using (pool_code, settlement_id)
where t.institution_code is distinct from d.institution_code
order by 1
"""


async def o01(stores: Stores) -> list[str]:
    """One answer a key, for ever; each kept answer has its effect, and each effect its answer."""
    return await found(stores.settlement, _O01)


async def o02(stores: Stores) -> list[str]:
    """At most one settlement of a stay stands, and an institution's stay number names one stay."""
    return await found(stores.settlement, _O02)


async def o03(stores: Stores) -> list[str]:
    """At most one birth or loss of a pregnancy stands, over all hospitals."""
    return await found(stores.settlement, _O03)


async def o04(stores: Stores) -> list[str]:
    """A pregnancy's head is paid once, over all its hospitals."""
    return await found(stores.settlement, _O04)


async def o05(stores: Stores) -> list[str]:
    """No visit lies within the stay of its pregnancy's ending, and a stay has one benefit."""
    return await found(stores.settlement, _O05)


async def o06(stores: Stores) -> list[str]:
    """What is used of a unit follows entry upon entry within its limit, and is what visits paid."""
    return await found(stores.settlement, _O06)


async def o07(stores: Stores) -> list[str]:
    """One allowance and one subsidy a birth, while its settlement stands; each step told once, and
    each comes to what it was opened with, fixed at, or revised to."""
    return await found(stores.settlement, _O07) + await found(stores.settlement, _O07_SUMS)


async def o08(stores: Stores) -> list[str]:
    """A reversal is the exact negative of one settlement and its released adjustments in every part
    and leg; none is undone."""
    return await found(stores.settlement, _O08)


async def o09(stores: Stores) -> list[str]:
    """The periods of a person's pregnancies lie apart, over all hospitals."""
    return await found(stores.settlement, _O09)


async def o10(stores: Stores) -> list[str]:
    """A stay, its lines, settlement, claim, postings, adjustments, deductions and caller: one institution."""
    return await found(stores.settlement, _O10)
