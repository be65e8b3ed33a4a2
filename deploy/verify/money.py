"""M: the parts make the whole, the ledger balances, and each price can be made again."""

from __future__ import annotations

from deploy.verify.priced_again import price_again
from deploy.verify.rates import expenditure_items, rates_in_force
from deploy.verify.stores import Stores, found

_M01 = """
select settlement_id::text from settlement
where not coalesce(
    total_fen = fund_fen + member_fen + institution_fen + other_fund_fen
    and member_fen = member_account_fen + member_cash_fen
    and total_fen = desk_fund_fen + desk_member_fen + other_fund_fen
    and case when reverses is null
        then least(total_fen, fund_fen, member_account_fen, member_cash_fen, other_fund_fen,
                   desk_fund_fen, desk_member_fen) >= 0
        else greatest(total_fen, fund_fen, member_account_fen, member_cash_fen, other_fund_fen,
                      desk_fund_fen, desk_member_fen) <= 0 end, false)
order by 1
"""
_M02 = """
with bill as (
    select pool_code, stay_id, sum(amount_fen) as fen, count(*) as lines,
           bool_and(amount_fen = round(quantity * price_fen)) as rounded
    from line group by pool_code, stay_id
)
select 'stay ' || stay_id from stay left join bill using (pool_code, stay_id)
where coalesce(fen, 0) <> total_fen or coalesce(lines, 0) <> line_count or not coalesce(rounded, true)
union all
select 'settlement ' || s.settlement_id from settlement s left join bill using (pool_code, stay_id)
where s.reverses is null and (s.total_fen <> coalesce(fen, 0) or s.line_count <> coalesce(lines, 0))
  and not exists (select from settlement r where r.reverses = s.settlement_id)
union all
select 'returns of stay ' || stay_id from billed_line
join (select distinct month, pool_code, stay_id, returns as line_number from line
      where returns is not null) returned using (month, pool_code, stay_id, line_number)
where least(quantity, amount_fen, in_scope_fen, out_of_scope_fen, over_limit_fen, first_copay_fen) < 0
union all
select 'return of stay ' || l.stay_id from line l
where l.returns is not null and not exists (
    select from line o where o.month = l.month and o.pool_code = l.pool_code
      and o.stay_id = l.stay_id and o.line_number = l.returns and o.returns is null
      and (o.item_code, o.price_fen) = (l.item_code, l.price_fen))
order by 1
"""
_M03 = """
select settlement_id::text from posting group by pool_code, settlement_id
having sum(amount_fen) <> 0 or count(*) < 2
union all
select 'the whole ledger' from posting having sum(amount_fen) <> 0
order by 1
"""
_M04 = """
with moved as (
    select pool_code, month, account, institution_code, sum(amount_fen) as fen
    from posting join closed_period using (pool_code, month)
    group by pool_code, month, account, institution_code
)
select concat_ws(' ', pool_code, to_char(month, 'YYYY-MM'), account, institution_code)
from moved full join period_balance kept using (pool_code, month, account, institution_code)
where moved.fen is distinct from kept.amount_fen
order by 1
"""
# What each released adjustment leaves its claim at, and what the claim stood at before it.
ADJUSTED = """
adjusted as (
    select a.*, s.total_fen + sum(a.total_fen) over w as then_total,
           s.fund_fen + sum(a.fund_fen) over w as then_fund,
           s.member_account_fen + sum(a.member_account_fen) over w as then_account,
           s.member_cash_fen + sum(a.member_cash_fen) over w as then_cash,
           s.other_fund_fen + sum(a.other_fund_fen) over w as then_other,
           s.desk_fund_fen + sum(a.desk_fund_fen) over w as then_desk_fund,
           s.desk_member_fen + sum(a.desk_member_fen) over w as then_desk_member,
           lag(a.expenditure_item, 1, s.expenditure_item) over w as item_before,
           row_number() over w = count(*) over (partition by a.pool_code, a.settlement_id) as is_last
    from adjustment a join settlement s using (pool_code, settlement_id) where a.state = 'released'
    window w as (partition by a.pool_code, a.settlement_id order by a.decided_at, a.adjustment_id)
)
"""
_M01_ADJUSTED = f"""
with {ADJUSTED}
select 'adjustment ' || adjustment_id from adjustment
where not coalesce(
    total_fen = fund_fen + member_fen + institution_fen + other_fund_fen
    and member_fen = member_account_fen + member_cash_fen
    and total_fen = desk_fund_fen + desk_member_fen + other_fund_fen, false)
union
select 'adjusted ' || settlement_id from adjusted
where least(then_total, then_fund, then_account, then_cash, then_other, then_desk_fund, then_desk_member) < 0
order by 1
"""
_M05 = f"""
with {ADJUSTED}, settled as (
    select pool_code, institution_code, account_month as month,
           'expenditure_' || expenditure_item as account, fund_fen as fen
    from settlement
    union all
    select pool_code, institution_code, account_month, 'payable', -desk_fund_fen from settlement
    union all
    select pool_code, institution_code, account_month, 'expenditure_' || expenditure_item, then_fund
    from adjusted
    union all
    select pool_code, institution_code, account_month, 'expenditure_' || item_before, fund_fen - then_fund
    from adjusted
    union all
    select pool_code, institution_code, account_month, 'payable', -desk_fund_fen from adjusted
), owed as (
    select pool_code, institution_code, month, account, sum(fen) as fen from settled group by 1, 2, 3, 4
), posted as (
    select pool_code, institution_code, month, account, sum(amount_fen) as fen
    from posting where account in ('expenditure_maternity', 'expenditure_medical', 'payable')
    group by 1, 2, 3, 4
)
select concat_ws(' ', pool_code, institution_code, to_char(month, 'YYYY-MM'), account)
from owed full join posted using (pool_code, institution_code, month, account)
where coalesce(owed.fen, 0) <> coalesce(posted.fen, 0)
union all
select 'deducted from ' || s.settlement_id
from deduction d join settlement s using (pool_code, settlement_id)
left join adjusted a on a.pool_code = s.pool_code and a.settlement_id = s.settlement_id and a.is_last
where d.state not in ('cancelled', 'released')
group by s.pool_code, s.settlement_id, s.fund_fen, a.then_fund
having sum(d.amount_fen) > coalesce(a.then_fund, s.fund_fen)
order by 1
"""
_M06 = f"""
with {ADJUSTED}, charged as (
    select settlement_id as entry, 'expenditure_' || expenditure_item as account, fund_fen as fen
    from settlement
    union all
    select adjustment_id, 'expenditure_' || expenditure_item, then_fund from adjusted
    union all
    select adjustment_id, 'expenditure_' || item_before, fund_fen - then_fund from adjusted
), due as (
    select entry, account, sum(fen) as fen from charged group by 1, 2 having sum(fen) <> 0
), posted as (
    select settlement_id as entry, account, sum(amount_fen) as fen, count(*) as legs from posting
    where account in ('expenditure_maternity', 'expenditure_medical') group by 1, 2
)
select distinct entry::text from due full join posted using (entry, account)
where due.fen is distinct from posted.fen or legs > 1
order by 1
"""
_BOOKS = """
select 'settlement ' || s.settlement_id from settlement s
where not exists (
    select from book_appointment a
    where a.hash = s.book and a.approved_by <> a.proposed_by and a.effective_at <= s.settled_at)
union all
select 'adjustment ' || t.adjustment_id from adjustment t
where not exists (
    select from book_appointment a
    where a.hash = t.book and a.approved_by <> a.proposed_by and a.effective_at <= t.proposed_at)
union all
select 'book ' || hash from book where hash <> encode(sha256(content), 'hex')
order by 1
"""


async def m01(stores: Stores) -> list[str]:
    """Final and desk parts each add up to the bill, also of what adjustments leave a claim at;
    only the institution's part may be below 0."""
    adjusted = await found(stores.settlement, _M01_ADJUSTED)
    return await found(stores.settlement, _M01) + adjusted


async def m02(stores: Stores) -> list[str]:
    """Lines add up to the stay and its settlement; a line is quantity x price, half fen up."""
    return await found(stores.settlement, _M02)


async def m03(stores: Stores) -> list[str]:
    """Every ledger entry has at least two legs that sum to 0, and so does the whole ledger."""
    return await found(stores.settlement, _M03)


async def m04(stores: Stores) -> list[str]:
    """A closed month's balances equal the sums of its postings, on both sides."""
    return await found(stores.settlement, _M04)


async def m05(stores: Stores) -> list[str]:
    """Per hospital, item and month, settlements and adjustments less reversals equal the ledger's
    movement; and from no claim is more deducted than the fund pays for it."""
    return await found(stores.settlement, _M05)


async def m06(stores: Stores) -> list[str]:
    """The fund's part stands whole on one item: the one that the pool's clause names, or the one
    that an adjustment moved all of it to."""
    posted = await found(stores.settlement, _M06)
    return posted + await expenditure_items(stores)


async def m08(stores: Stores) -> list[str]:
    """Two people appointed the settlement's book before it settled; every rate that it names was
    in force; and the stored facts give, with that book, the very settlement again. So for each
    adjustment, with its own book and what was known when it was proposed."""
    appointed = await found(stores.settlement, _BOOKS)
    return appointed + await rates_in_force(stores) + await price_again(stores)
