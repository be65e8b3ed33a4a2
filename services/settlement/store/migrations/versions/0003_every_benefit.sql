-- Every benefit on the path of a delivery. What only a delivery has is empty elsewhere; what only
-- the others have stands in `particulars`, as the record states it.

alter table stay
    add benefit text not null default 'delivery'
        check (benefit in ('delivery', 'prenatal', 'loss', 'family_planning', 'complication')),
    add particulars json,
    alter pregnancy_id drop not null,
    add constraint a_pregnancy_is_cared_for
        check (pregnancy_id is not null or benefit = 'family_planning');
alter table settlement
    alter mode drop not null,
    alter infants drop not null,
    alter pregnancy_id drop not null;

-- ---- one ending a pregnancy: a birth or a loss, over all hospitals

alter table claim
    add benefit text not null default 'delivery',
    add visit daterange, -- the days of a prenatal visit, which no ending's stay may hold as well
    alter pregnancy_id drop not null;
drop index one_live_delivery_a_pregnancy;
create unique index one_live_ending_a_pregnancy on claim (pool_code, pregnancy_id)
    where state = 'settled' and benefit in ('delivery', 'loss');
create index claim_visits on claim (pool_code, pregnancy_id)
    where state = 'settled' and visit is not null;

-- The birth or the loss and the visits meet on the row of their pregnancy: what lies inside the
-- settled stay of its ending is paid with that stay, and by no other method.
alter table pregnancy
    add ended_by text check (ended_by in ('birth', 'loss')),
    add confined daterange,
    add visited datemultirange not null default '{}',
    add constraint no_service_by_two_methods check (not visited && confined);
update pregnancy set ended_by = 'birth' where delivered_on is not null;

-- ---- designations: whom a pregnancy was entrusted to, since when

create table designation (
    pool_code        text not null,
    pregnancy_id     uuid not null,
    number           integer not null check (number > 0),
    institution_code text not null,
    since            date not null,
    recorded_at      timestamptz not null,
    primary key (pool_code, pregnancy_id, number),
    foreign key (pool_code, pregnancy_id) references pregnancy
);
insert into designation
select pool_code, pregnancy_id, 1, institution_code, lower(period), registered_at from pregnancy;

-- ---- units: what of a limit a pregnancy has used, entry upon entry
--
-- Each entry begins where the one before it ended: two visits at once cannot both follow the same
-- entry, and none can pass the limit. No row-level security: hospitals meet here, and see amounts.
create table unit_entry (
    pool_code        text not null,
    pregnancy_id     uuid not null,
    unit             text not null,
    number           integer not null check (number > 0),
    previous         integer,
    settlement_id    uuid not null,
    institution_code text not null,
    weeks            integer not null default 0, -- of a head: how many weeks the amount is for
    used_before_fen  bigint not null,
    amount_fen       bigint not null check (amount_fen <> 0),
    used_after_fen   bigint not null,
    limit_fen        bigint not null,
    constraint unit_entries_follow_each_other primary key (pool_code, pregnancy_id, unit, number),
    unique (pool_code, pregnancy_id, unit, number, used_after_fen),
    constraint the_chain_holds
        foreign key (pool_code, pregnancy_id, unit, previous, used_before_fen)
        references unit_entry (pool_code, pregnancy_id, unit, number, used_after_fen),
    foreign key (pool_code, settlement_id) references settlement,
    check (previous is not distinct from nullif(number - 1, 0)),
    check (previous is not null or used_before_fen = 0),
    check (used_after_fen = used_before_fen + amount_fen),
    constraint within_the_limit check (used_after_fen between 0 and limit_fen)
);
create index unit_entry_settlement on unit_entry (pool_code, settlement_id);

-- ---- what a birth or a late loss entitles to: paid to the person, in a time to come

create table entitlement (
    pool_code      text not null,
    entitlement_id uuid not null,
    kind           text not null check (kind in ('allowance', 'nutrition')),
    person_ref     text not null,
    pregnancy_id   uuid,
    settlement_id  uuid not null,
    event          text not null check (event in ('birth', 'loss', 'family_planning')),
    days           integer check (days > 0),
    amount_fen     bigint check (amount_fen >= 0), -- an allowance waits for its base
    state          text not null check (state in ('opened', 'deferred', 'withdrawn', 'fixed')),
    until          text, -- the month from which a deferred one is due
    payee          text,
    steps          json not null,
    rates          text[] not null,
    book           text not null,
    engine         text not null,
    opened_at      timestamptz not null,
    version        bigint not null,
    primary key (pool_code, entitlement_id),
    foreign key (pool_code, settlement_id) references settlement,
    check (state <> 'deferred' or until is not null),
    check (state <> 'fixed' or amount_fen is not null)
);
create unique index one_live_entitlement_a_pregnancy on entitlement (pool_code, pregnancy_id, kind)
    where state <> 'withdrawn';
create index entitlement_settlement on entitlement (pool_code, settlement_id);

grant select, insert on designation, unit_entry, entitlement to settlement_service, settlement_group;
grant update (days, amount_fen, state, until, payee, steps, rates, book, engine, version)
    on entitlement to settlement_service;
grant update (ended_by, confined, visited) on pregnancy to settlement_group;
