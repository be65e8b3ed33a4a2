-- Who registered a pregnancy may correct and cancel it, beside whom it is entrusted to: an
-- institution, or empty for the agency's staff. A cancelled one has an empty period, which keeps no
-- other one away; by whom it was cancelled the log says.
alter table pregnancy
    add registered_by text not null default '',
    add cancelled_at timestamptz,
    drop constraint pregnancy_period_check,
    add constraint only_a_cancelled_one_is_empty
        check (isempty(period) = (cancelled_at is not null));
update pregnancy p set registered_by = l.institution_code from log l
where l.action = 'register_pregnancy' and l.subject = 'pregnancy:' || p.pregnancy_id;

-- What its first day was before each correction. Its first designation moves with it.
create table pregnancy_correction (
    pool_code    text not null,
    pregnancy_id uuid not null,
    number       integer not null check (number > 0),
    since_before date not null,
    since        date not null,
    corrected_at timestamptz not null,
    primary key (pool_code, pregnancy_id, number),
    foreign key (pool_code, pregnancy_id) references pregnancy
);
grant select, insert on pregnancy_correction to settlement_service;
grant update (since) on designation to settlement_service;

-- Whether anything is settled under a pregnancy, and whether stays or visits of it stand at all, in
-- whatever hospital: asked also by a hospital that may see no stay but its own, so it runs as the
-- owner and answers nothing but yes or no. Her stays are found by the index of the person's.
create function cared_for(pool text, pregnancy uuid, person text)
returns table (settled boolean, standing boolean)
language sql stable security definer
begin atomic
    select coalesce(bool_or(s.state = 'settled'), false),
           coalesce(bool_or(s.state <> 'cancelled'), false)
    from stay s
    where s.pool_code = pool and s.person_ref = person and s.pregnancy_id = pregnancy;
end;
revoke execute on function cared_for from public;
grant execute on function cared_for to settlement_service;
