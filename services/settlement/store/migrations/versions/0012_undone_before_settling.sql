-- ---- a stay that was opened by mistake is cancelled; its number may then be used again

-- Apart from the state, which settling changes: an index that asks for it would make every settlement
-- write all the others of the row as well.
alter table stay
    add number_free boolean not null default false,
    drop constraint stay_state_check,
    add constraint known_state check (state in ('open', 'discharged', 'settled', 'cancelled')),
    add constraint only_what_was_cancelled_frees_its_number
        check (number_free = (state = 'cancelled')),
    add constraint nothing_is_billed_of_what_was_cancelled
        check (state <> 'cancelled' or (line_count = 0 and total_fen = 0 and bill_fen is null)),
    drop constraint stay_number_once;
create unique index stay_number_once on stay (pool_code, institution_code, stay_number)
    where not number_free;
-- A hospital asks for a person's stays, and by them for her settlements.
create index stay_person on stay (pool_code, person_ref);

-- ---- a line that returns an earlier one stands below nothing, so that a bill is the sum of its lines

alter table line
    add returns integer,
    drop constraint line_quantity_check,
    drop constraint line_in_scope_fen_check,
    drop constraint line_out_of_scope_fen_check,
    drop constraint line_over_limit_fen_check,
    drop constraint line_first_copay_fen_check,
    add constraint only_a_return_is_negative check (
        case when returns is null
        then quantity > 0
             and least(in_scope_fen, out_of_scope_fen, over_limit_fen, first_copay_fen) >= 0
        else quantity < 0 and returns <> line_number
             and greatest(in_scope_fen, out_of_scope_fen, over_limit_fen, first_copay_fen) <= 0 end);

-- What is left of each line. By the reader's own rights: the wall stands beneath.
create view billed_line with (security_invoker = true) as
select l.month, l.pool_code, l.stay_id, l.line_number, l.institution_code, l.item_code, l.charged_on,
       l.price_fen, l.class,
       l.quantity + coalesce(back.quantity, 0) as quantity,
       l.amount_fen + coalesce(back.amount_fen, 0) as amount_fen,
       l.in_scope_fen + coalesce(back.in_scope_fen, 0) as in_scope_fen,
       l.out_of_scope_fen + coalesce(back.out_of_scope_fen, 0) as out_of_scope_fen,
       l.over_limit_fen + coalesce(back.over_limit_fen, 0) as over_limit_fen,
       l.first_copay_fen + coalesce(back.first_copay_fen, 0) as first_copay_fen
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

-- ---- what was cancelled is kept: it was billed once, perhaps settled and reversed

create table cancelled_line (
    month            date not null,
    pool_code        text not null,
    stay_id          uuid not null,
    line_number      integer not null,
    institution_code text not null,
    item_code        text not null,
    charged_on       date not null,
    quantity         numeric(12, 4) not null,
    price_fen        bigint not null,
    amount_fen       bigint not null,
    class            text not null,
    in_scope_fen     bigint not null,
    out_of_scope_fen bigint not null,
    over_limit_fen   bigint not null,
    first_copay_fen  bigint not null,
    returns          integer,
    cancelled_by     text not null,
    cancelled_at     timestamptz not null,
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code)
);
create index cancelled_line_stay on cancelled_line (pool_code, stay_id);
alter table cancelled_line enable row level security;
create policy wall on cancelled_line using (
    institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');

grant select, insert on cancelled_line to settlement_service;
grant select on billed_line to settlement_service;
grant delete on line, stay_items to settlement_service;
