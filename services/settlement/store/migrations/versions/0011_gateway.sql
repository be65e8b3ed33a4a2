-- How an institution speaks the national interface: what it may do differently is data, set by two
-- people. Its secret is sealed under the service's field key.
create table his_profile (
    number           bigint generated always as identity primary key,
    pool_code        text not null,
    institution_code text not null,
    terms            json not null,
    sealed_secret    bytea not null,
    proposed_by      text not null,
    proposed_at      timestamptz not null,
    approved_by      text,
    effective_at     timestamptz,
    check (approved_by <> proposed_by),
    check ((approved_by is null) = (effective_at is null)),
    -- Who calls is known by the institution alone, so that it is of one pool.
    constraint one_pool exclude using gist (institution_code with =, pool_code with <>)
);
create index on his_profile (institution_code, effective_at desc) where effective_at is not null;

-- A signature of our own is good once.
create table used_nonce (
    institution_code text not null,
    nonce            text not null,
    used_at          timestamptz not null,
    primary key (institution_code, nonce)
);
-- Old ones are forgotten with each call.
create index used_nonce_by_age on used_nonce (institution_code, used_at);

-- What a hospital told of a stay or visit, transaction by transaction, until its record is complete.
-- A visit that is only registered is no stay yet.
create table encounter (
    pool_code        text not null,
    stay_id          uuid not null,
    institution_code text not null,
    person_ref       text not null,
    told             json not null,
    noted_at         timestamptz not null,
    primary key (pool_code, stay_id)
);

-- The hospital's own number of a fee line, once a stay.
create table told_line (
    pool_code        text not null,
    stay_id          uuid not null,
    institution_code text not null,
    serial           text not null,
    batch            text not null,
    line_number      integer not null,
    primary key (pool_code, stay_id, serial),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code)
);

do $$
declare
    walled text;
begin
    foreach walled in array array['his_profile', 'used_nonce', 'encounter', 'told_line']
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

grant select, insert on his_profile, used_nonce, encounter, told_line to settlement_service;
grant update (approved_by, effective_at) on his_profile to settlement_service;
grant update (told) on encounter to settlement_service;
grant delete on used_nonce, told_line to settlement_service;
