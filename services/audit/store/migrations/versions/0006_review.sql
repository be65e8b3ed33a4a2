-- A flag stands on a claim or on a channel of an institution's months, and is reviewed in five
-- steps: first review, the institution's statement, second review, investigation, disposal. What a
-- rule found at risk may be less than what people decide to deduct: only the fund's part of the
-- claim bounds that, and the domain holds it.

alter table flag
    alter claim_id drop not null,
    alter rule_family drop not null,
    add channel      text,
    add month        text check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    add first_by     text,
    add second_by    text,
    add hearing      text not null default 'none'
        check (hearing in ('none', 'waiting', 'stated', 'silent')),
    add round        integer not null default 0 check (round >= 0),
    add reason_code  text,
    add lines        jsonb,
    add deducted_fen bigint not null default 0 check (deducted_fen >= 0),
    add due_on       date,
    -- The probability that the flag proves right, where one is known.
    add score        numeric check (score between 0 and 1),
    add held_by      text,
    add held_until   timestamptz,
    drop constraint flag_state_check,
    drop constraint flag_outcome_check,
    drop constraint flag_deduction_check,
    drop constraint flag_check,
    drop constraint flag_check1,
    drop constraint flag_check2,
    drop constraint flag_check3;

-- Reviews that were under way keep their people.
update flag set first_by = proposed_by where state in ('first_reviewed', 'decided');
update flag f set second_by = d.approved_by, deducted_fen =
    case when f.deduction = 'taken' then d.amount_fen else 0 end
from decision d
where d.pool_code = f.pool_code and d.flag_id = f.flag_id and d.number = f.decision
  and f.state = 'decided';
update flag f set deducted_fen = d.amount_fen
from decision d
where d.pool_code = f.pool_code and d.flag_id = f.flag_id and d.number = f.decision
  and f.deduction = 'taken' and d.outcome = 'deduct' and f.state <> 'decided';

alter table flag
    -- What the queue is ordered by: what the fund may get back. Until a score is known a violation
    -- counts whole and a suspicion by half.
    add expected_fen bigint not null generated always as (
        (at_risk_fen * coalesce(score, case grade when 'violation' then 1 else 0.5 end))::bigint
    ) stored,
    add constraint known_state check (state in (
        'open', 'notified', 'first_reviewed', 'investigating', 'second_reviewed', 'proposed',
        'decided', 'closed')),
    add constraint known_outcome check (outcome in ('deduct', 'recover', 'uphold', 'dismiss')),
    add constraint known_deduction check (
        deduction in ('none', 'pending', 'taken', 'refused', 'releasing', 'released')),
    add constraint one_subject check (
        (claim_id is null) = (rule_family is null) and (claim_id is null) = (channel is not null)
        and (channel is null) = (month is null)),
    -- Each step has had its person, and no person two that belong to two.
    add constraint people_of_its_steps check (case
        when state in ('open', 'closed') then first_by is null and second_by is null
        when state in ('notified', 'first_reviewed') then first_by is not null and second_by is null
        else first_by is not null and second_by is not null end),
    add constraint second_reviewer_is_another check (second_by <> first_by),
    add constraint heard_before_disposal check (
        state not in ('investigating', 'second_reviewed', 'proposed')
        or hearing in ('stated', 'silent')),
    add constraint waiting_to_be_heard check ((state = 'notified') = (hearing = 'waiting')),
    add constraint proposal_of_its_step check (case
        when state in ('proposed', 'decided') then outcome is not null
        when state = 'first_reviewed' then true
        else outcome is null end),
    add constraint proposal_is_whole check (
        (outcome is null) = (amount_fen is null) and (outcome is null) = (proposed_by is null)
        and (lines is null or outcome is not null)),
    add constraint amount_of_its_outcome check ((outcome in ('deduct', 'recover')) = (amount_fen > 0)),
    add constraint money_needs_a_claim check (
        outcome is null or outcome = 'dismiss' or (outcome = 'uphold') = (claim_id is null)),
    add constraint lease_is_whole check ((held_by is null) = (held_until is null));

-- One flag under review for a channel of an institution; a claim has one a family for ever.
create unique index one_open_flag_a_channel on flag (pool_code, institution_code, channel)
    where state not in ('decided', 'closed');
create index flag_queue on flag (pool_code, expected_fen desc, flag_id desc)
    where state not in ('decided', 'closed');
create index flag_queue_of_step on flag (pool_code, state, expected_fen desc, flag_id desc)
    where state not in ('decided', 'closed');
create index flag_due on flag (due_on) where state = 'notified';
create index flag_of_institution on flag (pool_code, institution_code, flag_id);

alter table flag_step
    add reason_code text,
    add constraint lawful_step check ((from_state, to_state) in (
        ('', 'open'),
        ('open', 'open'), ('open', 'notified'), ('open', 'first_reviewed'), ('open', 'closed'),
        ('notified', 'notified'), ('notified', 'first_reviewed'), ('notified', 'closed'),
        ('first_reviewed', 'first_reviewed'), ('first_reviewed', 'open'),
        ('first_reviewed', 'investigating'), ('first_reviewed', 'second_reviewed'),
        ('first_reviewed', 'decided'), ('first_reviewed', 'closed'),
        ('investigating', 'investigating'), ('investigating', 'second_reviewed'),
        ('investigating', 'closed'),
        ('second_reviewed', 'second_reviewed'), ('second_reviewed', 'proposed'),
        ('second_reviewed', 'closed'),
        ('proposed', 'proposed'), ('proposed', 'second_reviewed'), ('proposed', 'decided'),
        ('proposed', 'closed'),
        ('decided', 'decided'), ('decided', 'open'), ('closed', 'closed'), ('closed', 'open')));

alter table decision
    alter claim_id drop not null,
    add channel     text,
    add month       text,
    add reason_code text,
    add verdict     text check (verdict in ('confirmed', 'explained', 'data-error', 'unclear')),
    add lines       jsonb,
    add hearing     text check (hearing in ('none', 'stated', 'silent')),
    drop constraint decision_outcome_check,
    drop constraint decision_check,
    add constraint known_outcome check (outcome in ('deduct', 'recover', 'uphold', 'dismiss')),
    add constraint amount_of_its_outcome check ((outcome in ('deduct', 'recover')) = (amount_fen > 0)),
    add constraint says_what_was_found check (
        verdict is not null and reason_code is not null and hearing is not null
        and (verdict = 'confirmed') = (outcome <> 'dismiss')) not valid,
    add constraint heard_before_it_costs check (
        outcome not in ('deduct', 'recover') or hearing in ('stated', 'silent')) not valid;
create index decision_day on decision (pool_code, decided_at, flag_id, number);

-- What an institution said in each round, in its own words: they stay here, in no event or log.
create table statement (
    pool_code        text not null,
    flag_id          uuid not null,
    round            integer not null check (round > 0),
    institution_code text not null,
    by               text not null,
    stated_at        timestamptz not null,
    stance           text not null check (stance in ('accepts', 'contests')),
    text             text not null,
    lines            jsonb not null,
    primary key (pool_code, flag_id, round),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code)
);

-- What the statistics said of a channel of an institution's months; further months are appended.
create table series_finding (
    pool_code        text not null,
    finding_id       uuid not null,
    institution_code text not null,
    flag_id          uuid not null,
    channel          text not null,
    month            text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    score            numeric not null,
    window_months    integer not null check (window_months > 0),
    cases            integer not null check (cases >= 0),
    expected_fen     bigint not null,
    actual_fen       bigint not null,
    excess_fen       bigint not null,
    reason_zh        text not null,
    reason_en        text not null,
    features         text not null,
    model            text not null,
    found_at         timestamptz not null,
    primary key (pool_code, finding_id),
    unique (pool_code, institution_code, channel, month, model),
    foreign key (pool_code, flag_id, institution_code)
        references flag (pool_code, flag_id, institution_code)
);

-- How many flags stand in each state, kept in parts so that writers do not wait for each other.
create table flag_count (
    pool_code text not null,
    state     text not null,
    part      integer not null,
    flags     bigint not null,
    primary key (pool_code, state, part)
);
insert into flag_count
select pool_code, state, 0, count(*) from flag group by pool_code, state;

create function count_flags() returns trigger language plpgsql security definer
set search_path = public as $$
begin
    if tg_op = 'INSERT' then
        insert into flag_count
        select pool_code, state, pg_backend_pid() % 32, count(*) from added
        group by pool_code, state order by 1, 2
        on conflict (pool_code, state, part) do update set flags = flag_count.flags + excluded.flags;
    elsif tg_op = 'DELETE' then
        insert into flag_count
        select pool_code, state, pg_backend_pid() % 32, -count(*) from gone
        group by pool_code, state order by 1, 2
        on conflict (pool_code, state, part) do update set flags = flag_count.flags + excluded.flags;
    else
        insert into flag_count
        select pool_code, state, pg_backend_pid() % 32, sum(n) from (
            select pool_code, state, 1 as n from added
            union all select pool_code, state, -1 from gone) moved
        group by pool_code, state having sum(n) <> 0 order by 1, 2
        on conflict (pool_code, state, part) do update set flags = flag_count.flags + excluded.flags;
    end if;
    return null;
end
$$;
create trigger count_new after insert on flag referencing new table as added
    for each statement execute function count_flags();
create trigger count_gone after delete on flag referencing old table as gone
    for each statement execute function count_flags();
create trigger count_moved after update on flag referencing old table as gone new table as added
    for each statement execute function count_flags();

do $$
declare
    walled text;
begin
    foreach walled in array array['statement', 'series_finding']
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

grant select, insert on statement, series_finding to audit_service;
grant select on flag_count to audit_service;
-- A late statement follows the silence that was noted; the row of its round is written once.
grant update (first_by, second_by, hearing, round, reason_code, lines, deducted_fen, due_on, score,
              held_by, held_until) on flag to audit_service;
