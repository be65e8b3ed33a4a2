-- What an adjustment changes of what its claim entitles to waits and is decided with it.
alter table adjustment add revisions json not null default '[]';

-- What a clerk fixed an allowance from: it is counted again from the same. Fixed before, it is empty.
alter table entitlement add base json;

-- Append only: what a released adjustment made of an entitlement; the version is the one it led to.
-- No state before: there was no entitlement.
create table entitlement_revision (
    pool_code         text not null,
    entitlement_id    uuid not null,
    version           bigint not null,
    adjustment_id     uuid not null,
    state_before      text check (state_before in ('opened', 'deferred', 'fixed', 'withdrawn')),
    days_before       integer,
    amount_before_fen bigint,
    until_before      text,
    payee_before      text,
    state             text not null check (state in ('opened', 'deferred', 'fixed', 'withdrawn')),
    days              integer check (days > 0),
    amount_fen        bigint check (amount_fen >= 0),
    until             text,
    payee             text,
    revised_at        timestamptz not null,
    primary key (pool_code, entitlement_id, version),
    foreign key (pool_code, entitlement_id) references entitlement,
    foreign key (pool_code, adjustment_id) references adjustment,
    check ((version = 1) = (state_before is null))
);
create index entitlement_revision_adjustment on entitlement_revision (pool_code, adjustment_id);

grant select, insert on entitlement_revision to settlement_service;
grant update (base) on entitlement to settlement_service;
