-- Append only: why a claim was taken into review that no rule met, with the score that it had then.
-- `share` is the chance that any claim had to be drawn by lot.
create table pick (
    pool_code        text not null,
    flag_id          uuid not null,
    institution_code text not null,
    claim_id         uuid not null,
    picked_by        text not null check (picked_by in ('lot', 'person')),
    by               text not null,
    reason           text not null check (reason <> ''),
    share            numeric check (share > 0 and share <= 1),
    chance           numeric check (chance between 0 and 1),
    at_risk_fen      bigint check (at_risk_fen >= 0),
    reason_zh        text,
    reason_en        text,
    features         text,
    model            text,
    picked_at        timestamptz not null,
    primary key (pool_code, flag_id),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code),
    foreign key (pool_code, claim_id, institution_code)
        references claim (pool_code, claim_id, institution_code),
    constraint a_lot_has_a_share check ((picked_by = 'lot') = (share is not null)),
    constraint score_is_whole
        check (num_nulls(chance, at_risk_fen, reason_zh, reason_en, features, model) in (0, 6))
);
-- A month's end of a hospital: births of women of whom nothing was heard before are counted there.
create index claim_births on claim (pool_code, institution_code, discharged_on)
    where benefit = 'delivery' and status = 'settled';

-- Little money is expected of what the lot drew: its queue is asked for by its family.
create index flag_queue_of_family
    on flag (pool_code, rule_family, expected_fen desc, flag_id desc)
    where state not in ('decided', 'closed');
create index pick_of_claim on pick (pool_code, claim_id);

-- Both models score; the challenger's word stands beside the champion's and counts for nothing.
alter table claim_score
    add challenger_chance numeric check (challenger_chance between 0 and 1),
    add challenger_model  text,
    add drawn             boolean not null default false,
    add constraint challenger_is_whole
        check ((challenger_chance is null) = (challenger_model is null));

-- What the last run over a pool's claims was like; each run lays it anew. `warnings`:
-- [{"kind": "psi", "of": "...", "figure": "0.31", "low": "0.0", "high": "0.2"}].
create table scoring_run (
    pool_code  text primary key,
    claims     integer not null check (claims >= 0),
    likely     integer not null check (likely >= 0),
    features   text not null,
    champion   text not null,
    challenger text,
    reviewed   integer not null check (reviewed >= 0),
    confirmed  integer not null check (confirmed between 0 and reviewed),
    warnings   jsonb not null check (jsonb_typeof(warnings) = 'array'),
    scored_at  timestamptz not null
);

-- What people made of what a version of a rule found, as last counted; each run of `watch` lays it
-- anew. One that is seldom confirmed is on trial: it only records. No claim and nobody is named.
create table rule_record (
    pool_code  text not null,
    rule       text not null,
    version    integer not null check (version > 0),
    reviewed   integer not null check (reviewed > 0),
    confirmed  integer not null check (confirmed between 0 and reviewed),
    on_trial   boolean not null,
    counted_at timestamptz not null,
    primary key (pool_code, rule, version)
);

alter table pick enable row level security;
create policy wall on pick using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
-- The agency's own, which no hospital is shown.
alter table scoring_run enable row level security;
create policy wall on scoring_run using ((select current_setting('app.callers', true)) = '*');

grant select, insert on pick to audit_service;
grant select, insert, delete on scoring_run, rule_record to audit_service;
