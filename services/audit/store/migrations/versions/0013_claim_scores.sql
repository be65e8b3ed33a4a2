-- A claim as it was last scored: those that are flagged or likely wrong. Nothing here decides
-- anything: each run of `watch` lays the rows of a pool anew.
create table claim_score (
    pool_code        text not null,
    claim_id         uuid not null,
    institution_code text not null,
    chance           numeric not null check (chance between 0 and 1),
    at_risk_fen      bigint not null check (at_risk_fen >= 0),
    expected_fen     bigint not null generated always as ((at_risk_fen * chance)::bigint) stored,
    reason_zh        text not null,
    reason_en        text not null,
    features         text not null,
    model            text not null,
    scored_at        timestamptz not null,
    primary key (pool_code, claim_id),
    foreign key (pool_code, claim_id, institution_code)
        references claim (pool_code, claim_id, institution_code)
);
create index claim_score_by_money on claim_score (pool_code, expected_fen desc, claim_id);
alter table claim_score enable row level security;
create policy wall on claim_score using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
grant select, insert, delete on claim_score to audit_service;
