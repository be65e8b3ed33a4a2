-- What audit knows: claims folded from settlement's events, how each was judged, and what people
-- decided about the flags. Times are those of events and of the clock, never SQL's now().

-- One row a person: locked while the person's claims are compared, so that two consumers that
-- hear two claims of one person at the same moment cannot both miss the pair.
create table person (
    pool_code  text not null,
    person_ref text not null,
    primary key (pool_code, person_ref)
);

-- The fold of a claim's events. Amounts are those of the settlement and stay so when it is
-- reversed; `version` is the highest sequence heard.
create table claim (
    pool_code          text not null,
    claim_id           uuid not null,
    institution_code   text not null,
    county_code        text not null,
    institution_level  smallint not null,
    stay_id            text not null,
    person_ref         text not null,
    pregnancy_id       text not null,
    benefit            text not null,
    insurance_type     text not null,
    expenditure_item   text not null,
    member_kind        text not null,
    mode               text not null,
    infants            smallint not null,
    admitted_on        date not null,
    event_on           date not null,
    discharged_on      date not null,
    settled_at         timestamptz not null,
    settled_on         date not null,
    account_month      text not null,
    total_fen          bigint not null check (total_fen >= 0),
    fund_fen           bigint not null check (fund_fen >= 0),
    member_fen         bigint not null check (member_fen >= 0),
    member_account_fen bigint not null check (member_account_fen >= 0),
    member_cash_fen    bigint not null check (member_cash_fen >= 0),
    institution_fen    bigint not null,
    other_fund_fen     bigint not null check (other_fund_fen >= 0),
    desk_fund_fen      bigint not null check (desk_fund_fen >= 0),
    desk_member_fen    bigint not null check (desk_member_fen >= 0),
    out_of_scope_fen   bigint not null check (out_of_scope_fen >= 0),
    line_count         integer not null check (line_count >= 0),
    book               text not null,
    engine             text not null,
    status             text not null check (status in ('settled', 'reversed')),
    reversed_at        timestamptz,
    version            bigint not null check (version > 0),
    primary key (pool_code, claim_id),
    unique (pool_code, claim_id, institution_code),
    check (total_fen = fund_fen + member_fen + institution_fen + other_fund_fen),
    check ((status = 'reversed') = (reversed_at is not null))
);
create index claim_person on claim (pool_code, person_ref, event_on);
create index claim_institution on claim (pool_code, institution_code, settled_on);

-- Each claim is judged once by a rule set.
create table judgement (
    pool_code        text not null,
    claim_id         uuid not null,
    rule_set         text not null,
    institution_code text not null,
    judged_at        timestamptz not null,
    primary key (pool_code, claim_id, rule_set),
    foreign key (pool_code, claim_id, institution_code)
        references claim (pool_code, claim_id, institution_code)
);

-- One flag a claim and rule family. `told` counts its events, `decision` its decisions; proposal
-- and proposer are those of the first review that stands.
create table flag (
    pool_code        text not null,
    flag_id          uuid not null,
    institution_code text not null,
    claim_id         uuid not null,
    rule_family      text not null,
    grade            text not null check (grade in ('violation', 'suspicious')),
    at_risk_fen      bigint not null check (at_risk_fen >= 0),
    state            text not null check (state in ('open', 'first_reviewed', 'decided', 'closed')),
    outcome          text check (outcome in ('deduct', 'dismiss')),
    amount_fen       bigint check (amount_fen >= 0),
    proposed_by      text,
    decision         integer not null check (decision >= 0),
    deduction        text not null check (deduction in ('none', 'pending', 'taken', 'refused')),
    told             bigint not null check (told > 0),
    version          bigint not null check (version > 0),
    raised_at        timestamptz not null,
    primary key (pool_code, flag_id),
    unique (pool_code, claim_id, rule_family),
    unique (pool_code, flag_id, institution_code),
    foreign key (pool_code, claim_id, institution_code)
        references claim (pool_code, claim_id, institution_code),
    check ((state in ('first_reviewed', 'decided')) = (outcome is not null)),
    check ((outcome is null) = (amount_fen is null) and (outcome is null) = (proposed_by is null)),
    check (outcome <> 'deduct' or (amount_fen > 0 and amount_fen <= at_risk_fen)),
    check (outcome <> 'dismiss' or amount_fen = 0)
);

-- What one rule says of one claim beside another of the same person.
create table finding (
    pool_code        text not null,
    finding_id       uuid not null,
    institution_code text not null,
    flag_id          uuid not null,
    claim_id         uuid not null,
    rival_id         uuid not null,
    rule             text not null,
    rule_version     integer not null,
    rule_set         text not null,
    days_between     integer not null check (days_between >= 0),
    found_at         timestamptz not null,
    primary key (pool_code, finding_id),
    unique (pool_code, claim_id, rule, rule_version, rival_id),
    foreign key (pool_code, claim_id, institution_code)
        references claim (pool_code, claim_id, institution_code),
    foreign key (pool_code, rival_id) references claim (pool_code, claim_id),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code),
    check (rival_id <> claim_id)
);
create index finding_rival on finding (pool_code, rival_id);
create index finding_flag on finding (pool_code, flag_id);

-- Append only: each change of a flag, numbered by the version that it made.
create table flag_step (
    pool_code        text not null,
    flag_id          uuid not null,
    number           bigint not null,
    institution_code text not null,
    step             text not null,
    by               text not null,
    at               timestamptz not null,
    reason           text not null,
    amount_fen       bigint,
    from_state       text not null,
    to_state         text not null,
    primary key (pool_code, flag_id, number),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code)
);

-- Append only: what two people decided. Four eyes are the table's own law.
create table decision (
    pool_code        text not null,
    flag_id          uuid not null,
    number           integer not null check (number > 0),
    institution_code text not null,
    claim_id         uuid not null,
    outcome          text not null check (outcome in ('deduct', 'dismiss')),
    amount_fen       bigint not null check (amount_fen >= 0),
    by               text not null,
    approved_by      text not null,
    decided_at       timestamptz not null,
    primary key (pool_code, flag_id, number),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code),
    constraint four_eyes check (approved_by <> by),
    check ((outcome = 'deduct') = (amount_fen > 0))
);

-- An institution sees its own rows; the agency's reviewers and consumers see all.
do $$
declare
    walled text;
begin
    foreach walled in array array['claim', 'judgement', 'flag', 'finding', 'flag_step', 'decision']
    loop
        execute format('alter table %I enable row level security', walled);
        execute format(
            $policy$create policy wall on %I using (
                institution_code = any (
                    (select string_to_array(current_setting('app.callers', true), ','))::text[])
                or (select current_setting('app.callers', true)) = '*')$policy$, walled);
    end loop;
end
$$;

grant select, insert on person, claim, judgement, flag, finding, flag_step, decision
    to audit_service;
grant update (person_ref) on person to audit_service;
grant update (status, reversed_at, version) on claim to audit_service;
grant update (state, outcome, amount_fen, proposed_by, decision, deduction, told, version)
    on flag to audit_service;
