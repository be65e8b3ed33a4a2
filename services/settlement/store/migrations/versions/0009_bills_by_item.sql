-- What is told of a bill's items when its stay settles: JSON as the event holds it, made once the
-- bill is complete. Apart from the stay, whose row settling writes again.
create table stay_items (
    pool_code        text not null,
    stay_id          uuid not null,
    institution_code text not null,
    items            json not null,
    left_out         integer not null check (left_out >= 0),
    primary key (pool_code, stay_id),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code)
);
alter table stay_items alter items set statistics 0; -- nobody asks by them

-- Stays that wait to be settled, or to be settled again, were discharged before there was such a
-- table: their bills are complete as well.
insert into stay_items (pool_code, stay_id, institution_code, items, left_out)
select pool_code, stay_id, institution_code,
       json_agg(json_build_object(
           'code', item_code, 'quantity', trim_scale(quantity)::text,
           'amount', (amount_fen / 100.0)::numeric(16, 2)::text,
           'in_scope', (in_scope_fen / 100.0)::numeric(16, 2)::text,
           'first_on', first_on, 'last_on', last_on, 'lines', lines, 'days', days)
           order by place) filter (where place <= 300),
       greatest(count(*) - 300, 0)
from (
    select s.pool_code, s.stay_id, s.institution_code, l.item_code, sum(l.quantity) as quantity,
           sum(l.amount_fen) as amount_fen, sum(l.in_scope_fen) as in_scope_fen,
           min(l.charged_on) as first_on, max(l.charged_on) as last_on, count(*) as lines,
           count(distinct l.charged_on) as days,
           row_number() over (partition by s.pool_code, s.stay_id
                              order by sum(l.amount_fen) desc, l.item_code) as place
    from stay s join line l on l.month = s.month and l.pool_code = s.pool_code and l.stay_id = s.stay_id
    where s.state = 'discharged'
    group by s.pool_code, s.stay_id, s.institution_code, l.item_code
) by_item
group by pool_code, stay_id, institution_code;

alter table stay_items enable row level security;
create policy wall on stay_items using (
    institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
grant select, insert on stay_items to settlement_service;
grant select on stay_items to settlement_group;
