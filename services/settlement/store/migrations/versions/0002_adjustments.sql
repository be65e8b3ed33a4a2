-- What pricing again found, beside the settlement that it never rewrites: each part is the new one
-- less what stood. The legs of a released one lie in `posting` under the adjustment's own id, as a
-- reversal's do under the reversal's.
create table adjustment (
    pool_code          text not null,
    adjustment_id      uuid not null,
    settlement_id      uuid not null,
    institution_code   text not null,
    cause              text not null check (cause ~ '^(book|person):.'),
    state              text not null check (state in ('proposed', 'released', 'rejected', 'withdrawn')),
    state_version      bigint not null,
    expenditure_item   text not null check (expenditure_item in ('maternity', 'medical')),
    rule_on            date not null,
    total_fen          bigint not null,
    fund_fen           bigint not null,
    member_fen         bigint not null,
    member_account_fen bigint not null,
    member_cash_fen    bigint not null,
    institution_fen    bigint not null,
    other_fund_fen     bigint not null,
    desk_fund_fen      bigint not null,
    desk_member_fen    bigint not null,
    steps              json not null,
    rates              text[] not null,
    book               text not null references book,
    engine             text not null,
    proposed_by        text not null,
    proposed_at        timestamptz not null,
    decided_by         text,
    decided_at         timestamptz,
    account_month      date,
    primary key (pool_code, adjustment_id),
    foreign key (pool_code, settlement_id) references settlement,
    constraint adjusted_once_a_cause unique (pool_code, settlement_id, cause),
    constraint parts_make_the_whole
        check (total_fen = fund_fen + member_fen + institution_fen + other_fund_fen),
    constraint member_pays_by_account_and_cash
        check (member_fen = member_account_fen + member_cash_fen),
    constraint desk_makes_the_whole check (total_fen = desk_fund_fen + desk_member_fen + other_fund_fen),
    constraint decided_by_another check (
        decided_by <> proposed_by or state not in ('released', 'rejected')),
    check ((state = 'proposed') = (decided_by is null)),
    check ((decided_by is null) = (decided_at is null)),
    check ((state = 'released') = (account_month is not null)),
    constraint account_month_is_of_shanghai check (
        account_month = date_trunc('month', decided_at at time zone 'Asia/Shanghai')::date)
);
-- A second proposal would rest on what the first one may still change.
create unique index one_proposed_adjustment_a_claim on adjustment (pool_code, settlement_id)
    where state = 'proposed';
create index adjustment_state on adjustment (pool_code, state, adjustment_id);

alter table adjustment enable row level security;
create policy wall on adjustment using (
    institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');

grant select, insert on adjustment to settlement_service;
grant update (state, decided_by, decided_at, account_month) on adjustment to settlement_service;
