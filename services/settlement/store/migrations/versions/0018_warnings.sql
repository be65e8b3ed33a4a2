-- What audit said of a case before its claim, as the hospital was told it: so that its answer, which
-- names the warning alone, finds the check and the case.
create table told_warning (
    pool_code        text not null,
    warning_id       uuid not null,
    institution_code text not null,
    check_id         uuid not null,
    case_ref         text not null,
    rule             text not null,
    told_at          timestamptz not null,
    primary key (pool_code, warning_id)
);

-- What the hospital did about it: kept here, and then told to audit.
create table warning_reply (
    pool_code        text not null,
    reply_id         uuid not null,
    institution_code text not null,
    warning_id       uuid not null,
    check_id         uuid not null,
    case_ref         text not null,
    rule             text not null,
    way              text not null check (way in ('corrected', 'kept')),
    reason           text not null,
    said_at          timestamptz not null,
    sent_at          timestamptz,
    not_taken        text, -- audit's own code, where it will not take it
    primary key (pool_code, reply_id),
    foreign key (pool_code, warning_id) references told_warning,
    constraint keeping_has_a_reason check (way <> 'kept' or reason <> '')
);
create index warning_reply_unsent on warning_reply (said_at) where sent_at is null;

do $$
declare
    walled text;
begin
    foreach walled in array array['told_warning', 'warning_reply']
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
grant select, insert on told_warning, warning_reply to settlement_service;
grant update (check_id, told_at) on told_warning to settlement_service;
grant update (sent_at, not_taken) on warning_reply to settlement_service;
