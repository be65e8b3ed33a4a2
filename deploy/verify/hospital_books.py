"""R02: a hospital's book and ours add up by what was found between them, and ours to the claims."""

from __future__ import annotations

from deploy.verify.stores import Stores, found

# Rows that are level are the same in both books, and every other row of either is a difference: so
# what is left of each book without its side of the differences must be the level rows, twice.
_R02 = """
with told as (
    select pool_code, reconciliation_id, institution_code, count(*) as differences,
           max(number) as last, count(their_total_fen) as their_rows, count(our_total_fen) as our_rows,
           coalesce(sum(their_total_fen), 0) as their_total, coalesce(sum(our_total_fen), 0) as our_total,
           coalesce(sum(their_fund_fen), 0) as their_fund, coalesce(sum(our_fund_fen), 0) as our_fund,
           coalesce(sum(their_account_fen), 0) as their_account,
           coalesce(sum(our_account_fen), 0) as our_account
    from reconciliation_difference group by pool_code, reconciliation_id, institution_code)
select 'reconciliation ' || reconciliation_id
from reconciliation r left join told using (pool_code, reconciliation_id, institution_code)
where r.differences <> coalesce(told.differences, 0) or r.differences <> coalesce(told.last, 0)
   or (not detailed and level_rows + r.differences <> 0)
   or (detailed and (
        level_rows + coalesce(told.our_rows, 0) <> r.our_rows
     or level_rows + coalesce(told.their_rows, 0) <> r.their_rows
     or our_total_fen - coalesce(our_total, 0) <> their_total_fen - coalesce(their_total, 0)
     or our_fund_fen - coalesce(our_fund, 0) <> their_fund_fen - coalesce(their_fund, 0)
     or our_account_fen - coalesce(our_account, 0) <> their_account_fen - coalesce(their_account, 0)))
union
select 'difference ' || number || ' of reconciliation ' || reconciliation_id
from reconciliation_difference d
where not case kind
    when 'missing_here' then their_total_fen is not null and our_total_fen is null
    when 'state' then true
    when 'amount' then (their_total_fen, their_fund_fen, their_account_fen)
                    is distinct from (our_total_fen, our_fund_fen, our_account_fen)
                   and their_total_fen is not null and our_total_fen is not null
    else our_total_fen is not null and their_total_fen is null end
union
select 'differences without a reconciliation ' || reconciliation_id from told
where not exists (select from reconciliation r
                  where (r.pool_code, r.reconciliation_id, r.institution_code)
                      = (told.pool_code, told.reconciliation_id, told.institution_code))
order by 1
"""
# Our book as it was when it was asked for, summed again from the claims. Not asked where it cannot be
# known any more: where a claim was made within a minute of that, before or after (a call is noted as
# it comes, and reads the claims when it has read its own rows), or one of its stays was told anew.
_OURS = """
with scope as (
    select r.*, since::timestamp at time zone 'Asia/Shanghai' as begins,
           (until + 1)::timestamp at time zone 'Asia/Shanghai' as ends,
           case when ('prenatal' = any(benefits)) <> ('delivery' = any(benefits))
                then 'prenatal' = any(benefits) end as visits
    from reconciliation r),
claim_of as (
    select scope.pool_code, scope.reconciliation_id, s.stay_id, s.settled_at, scope.made_at,
           s.total_fen, s.desk_fund_fen + s.other_fund_fen as fund_fen, s.member_account_fen,
           (scope.insurance_type is null
              or scope.insurance_type = coalesce(e.told ->> 'insutype', s.insurance_type))
           and (scope.refunds is null or scope.refunds = (s.reverses is not null))
           and (scope.benefits is null or s.benefit = any(scope.benefits))
           and (scope.visits is null or s.benefit not in ('loss', 'complication')
                or scope.visits = case when e.stay_id is not null then e.told ->> 'ipt_no' is null
                                       else coalesce(t.particulars ->> 'setting' = 'outpatient', false)
                                  end) as meant
    from scope
    join settlement s on s.pool_code = scope.pool_code and s.institution_code = scope.institution_code
        and s.settled_at >= begins and s.settled_at < ends and s.settled_at <= made_at + interval '60 seconds'
    join stay t on t.pool_code = s.pool_code and t.stay_id = s.stay_id
    left join encounter e on e.pool_code = s.pool_code and e.stay_id = s.stay_id),
ours as (
    select pool_code, reconciliation_id, count(*) filter (where meant) as rows,
           sum(total_fen) filter (where meant) as total,
           sum(fund_fen) filter (where meant) as fund,
           sum(member_account_fen) filter (where meant) as account,
           bool_or(settled_at > made_at - interval '60 seconds' or exists (
               select from log where log.subject = 'stay:' || stay_id and log.at > claim_of.made_at
               and log.action in ('discharge', 'reopen_stay'))) as unknown
    from claim_of group by pool_code, reconciliation_id)
select 'our book of reconciliation ' || reconciliation_id
from reconciliation r left join ours using (pool_code, reconciliation_id)
where unknown is not true
  and (our_rows, our_total_fen, our_fund_fen, our_account_fen) is distinct from
      (coalesce(rows, 0), coalesce(total, 0), coalesce(fund, 0), coalesce(account, 0))
order by 1
"""


async def r02(stores: Stores) -> list[str]:
    """Level rows and differences are both books, in rows and sums, and ours is that of the claims."""
    return await found(stores.settlement, _R02) + await found(stores.settlement, _OURS)
