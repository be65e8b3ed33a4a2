-- Append only: what a hospital said to a warning of a check made before its claim. The check itself
-- is not kept; its id is the hospital's word.
create table warning_answer (
    pool_code         text not null,
    warning_answer_id uuid not null,
    institution_code  text not null,
    check_id          uuid not null,
    case_ref          text not null,
    rule              text not null,
    way               text not null check (way in ('corrected', 'withdrawn', 'kept')),
    reason            text not null,
    said_at           timestamptz not null,
    primary key (pool_code, warning_answer_id),
    constraint keeping_has_a_reason check (way <> 'kept' or reason <> '')
);
create index warning_answer_rule on warning_answer (pool_code, rule, said_at);
alter table warning_answer enable row level security;
create policy wall on warning_answer using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
grant select, insert on warning_answer to audit_service;

-- A rule that raises no flag for an institution until a day, at most 180 days on. One that mutes a
-- breach waits for a second person.
create table rule_snooze (
    pool_code        text not null,
    snooze_id        uuid not null,
    institution_code text not null,
    rule             text not null,
    grade            text not null check (grade in ('violation', 'suspicious')),
    since            date not null,
    until            date not null,
    reason           text not null check (reason <> ''),
    by               text not null,
    asked_at         timestamptz not null,
    approved_by      text,
    ended_by         text,
    primary key (pool_code, snooze_id),
    constraint at_most_half_a_year check (until > since and until - since <= 180),
    constraint four_eyes check (approved_by <> by)
);
create index rule_snooze_standing on rule_snooze (pool_code, institution_code, until)
    where ended_by is null;
alter table rule_snooze enable row level security;
create policy wall on rule_snooze using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');
grant select, insert on rule_snooze to audit_service;
grant update (approved_by, ended_by) on rule_snooze to audit_service;
