create table reconciliation (
    pool_code         text not null,
    reconciliation_id uuid not null,
    institution_code  text not null,
    caller            text not null check (caller = institution_code),
    since             date not null,
    until             date not null check (until >= since),
    insurance_type    text check (insurance_type in ('310', '510')),
    refunds           boolean, -- null: settlements and reversals alike
    their_total_fen   bigint not null,
    their_fund_fen    bigint not null,
    their_account_fen bigint not null,
    their_rows        integer not null,
    our_total_fen     bigint not null,
    our_fund_fen      bigint not null,
    our_account_fen   bigint not null,
    our_rows          integer not null,
    detailed          boolean not null,
    level_rows        integer not null check (level_rows >= 0),
    differences       integer not null check (differences >= 0),
    made_at           timestamptz not null,
    primary key (pool_code, reconciliation_id)
);
create index reconciliation_institution
    on reconciliation (pool_code, institution_code, reconciliation_id);
-- What a hospital tells of a row is its own word: it is kept as it was told, and refers to nothing.
create table reconciliation_difference (
    pool_code         text not null,
    reconciliation_id uuid not null,
    number            integer not null check (number > 0),
    institution_code  text not null,
    kind              text not null
        check (kind in ('missing_here', 'missing_there', 'amount', 'state', 'refund_unpaired')),
    claim             text not null,
    refund            boolean not null,
    stay              text not null,
    person            text not null,
    their_total_fen   bigint,
    their_fund_fen    bigint,
    their_account_fen bigint,
    our_total_fen     bigint,
    our_fund_fen      bigint,
    our_account_fen   bigint,
    primary key (pool_code, reconciliation_id, number),
    foreign key (pool_code, reconciliation_id) references reconciliation,
    check (coalesce(their_total_fen, our_total_fen) is not null)
);

-- Files that a hospital sent, or may fetch; until a moment, then they are gone.
create table exchanged_file (
    pool_code        text not null,
    file_id          uuid not null,
    institution_code text not null,
    name             text not null,
    content          bytea not null,
    stored_at        timestamptz not null,
    expires_at       timestamptz not null check (expires_at > stored_at),
    primary key (pool_code, file_id)
);
create index exchanged_file_expiry on exchanged_file (expires_at);

-- Rows are appended by time: a few bytes a thousand of them find a day again.
create index settlement_settled_at on settlement using brin (settled_at);

do $$
declare
    walled text;
begin
    foreach walled in array array['reconciliation', 'reconciliation_difference', 'exchanged_file']
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
grant select, insert on reconciliation, reconciliation_difference, exchanged_file to settlement_service;
grant delete on exchanged_file to settlement_service;
