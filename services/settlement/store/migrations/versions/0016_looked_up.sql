-- A hospital looks at a settlement as it was told of it: its answer is found by what it made.
create index idempotency_receipt on idempotency (object_id)
    where operation in ('2207', '2208', '2304', '2305');

-- ---- a hospital's code stands for an item in a period, once the agency approved it

alter table item_mapping
    add starts date,
    add ends date,
    add valid daterange;
update item_mapping set starts = (proposed_at at time zone 'Asia/Shanghai')::date;
update item_mapping set valid = daterange(starts, null) where state = 'approved';
alter table item_mapping
    alter starts set not null,
    add constraint lasts check (ends > starts),
    add constraint no_approval_without_a_period check (state <> 'approved' or valid is not null);
-- Whoever classes a line asks by the code.
create index item_mapping_code on item_mapping (pool_code, institution_code, own_code)
    where valid is not null;
grant update (valid) on item_mapping to settlement_service;

-- The hospital's own code of a line, where it told one.
alter table line add own_code text;
alter table cancelled_line add own_code text;
create or replace view billed_line with (security_invoker = true) as
select l.month, l.pool_code, l.stay_id, l.line_number, l.institution_code, l.item_code, l.charged_on,
       l.price_fen, l.class,
       l.quantity + coalesce(back.quantity, 0) as quantity,
       l.amount_fen + coalesce(back.amount_fen, 0) as amount_fen,
       l.in_scope_fen + coalesce(back.in_scope_fen, 0) as in_scope_fen,
       l.out_of_scope_fen + coalesce(back.out_of_scope_fen, 0) as out_of_scope_fen,
       l.over_limit_fen + coalesce(back.over_limit_fen, 0) as over_limit_fen,
       l.first_copay_fen + coalesce(back.first_copay_fen, 0) as first_copay_fen,
       l.own_code
from line l
left join lateral (
    select sum(r.quantity) as quantity, sum(r.amount_fen)::bigint as amount_fen,
           sum(r.in_scope_fen)::bigint as in_scope_fen,
           sum(r.out_of_scope_fen)::bigint as out_of_scope_fen,
           sum(r.over_limit_fen)::bigint as over_limit_fen,
           sum(r.first_copay_fen)::bigint as first_copay_fen
    from line r
    where r.month = l.month and r.pool_code = l.pool_code and r.stay_id = l.stay_id
      and r.returns = l.line_number
) back on true
where l.returns is null;

-- ---- what is doubtful in a hospital's record: no reason to refuse, and something to ask about

create table doubt (
    pool_code        text not null,
    doubt_id         uuid not null,
    institution_code text not null,
    stay_id          uuid not null,
    kind             text not null,
    found            json not null,
    noted_at         timestamptz not null,
    primary key (pool_code, doubt_id),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code)
);
create index doubt_stay on doubt (pool_code, stay_id, kind);

-- ---- the settlement list: one a settlement, in place of the one before

create table settlement_list (
    pool_code        text not null,
    settlement_id    uuid not null,
    institution_code text not null,
    stay_id          uuid not null,
    list_number      bigint generated always as identity,
    told             json not null,
    told_at          timestamptz not null,
    primary key (pool_code, settlement_id),
    foreign key (pool_code, settlement_id) references settlement (pool_code, settlement_id),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code)
);

do $$
declare
    walled text;
begin
    foreach walled in array array['doubt', 'settlement_list']
    loop
        execute format('alter table %I enable row level security', walled);
        execute format($policy$
            create policy wall on %I using (
                institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
                or (select current_setting('app.callers', true)) = '*')
            $policy$, walled);
    end loop;
end
$$;

grant select, insert on doubt, settlement_list to settlement_service;
grant update (told, told_at) on settlement_list to settlement_service;
grant delete on doubt to settlement_service;
