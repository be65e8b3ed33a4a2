-- What fund, member and hospital bear because of what a flag disputes, as settlement priced its claim
-- without it; a part may be negative. Nothing was asked where neither a book nor a refusal stands.
create table money_at_risk (
    pool_code        text not null,
    flag_id          uuid not null,
    institution_code text not null,
    fund_fen         bigint,
    member_fen       bigint,
    institution_fen  bigint,
    book             text,
    refused          text,
    asked_at         timestamptz not null,
    primary key (pool_code, flag_id),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code),
    check (num_nulls(fund_fen, member_fen, institution_fen, book) in (0, 4)),
    check (book is null or refused is null)
);
alter table money_at_risk enable row level security;
create policy wall on money_at_risk using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
grant select, insert, delete on money_at_risk to audit_service;
grant update (at_risk_fen) on flag to audit_service;
