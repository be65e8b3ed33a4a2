-- A month of an institution as it was last scored. Nothing here decides anything: each run of
-- `watch` lays the rows of a pool anew, and only findings (series_finding) are kept for ever.
create table series_month (
    pool_code        text not null,
    institution_code text not null,
    month            text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    claims           integer not null check (claims > 0),
    score            numeric not null,
    channel          text,
    window_months    integer check (window_months > 0),
    cases            integer check (cases >= 0),
    expected_fen     bigint,
    actual_fen       bigint,
    reason_zh        text not null,
    reason_en        text not null,
    channels         jsonb not null,
    features         text not null,
    model            text not null,
    scored_at        timestamptz not null,
    primary key (pool_code, institution_code, month),
    check ((channel is null) = (window_months is null) and (channel is null) = (cases is null)
        and (channel is null) = (expected_fen is null) and (channel is null) = (actual_fen is null))
);
create index series_month_by_score on series_month (pool_code, month, score desc);

alter table series_month enable row level security;
create policy wall on series_month using (
    institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');

grant select, insert, delete on series_month to audit_service;
