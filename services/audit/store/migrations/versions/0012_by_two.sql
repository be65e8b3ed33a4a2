-- From a month on prices in a county changed by a share. What lowers the growth that is seen waits
-- for a second person.
create table posted_price (
    pool_code   text not null,
    id          uuid not null,
    region      text not null,
    month       text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    change      numeric not null check (change > -1 and change < 10),
    reason      text not null check (reason <> ''),
    by          text not null,
    asked_at    timestamptz not null,
    approved_by text,
    ended_by    text,
    primary key (pool_code, id),
    constraint four_eyes check (approved_by <> by)
);
create unique index one_price_a_month on posted_price (pool_code, region, month)
    where ended_by is null;

-- What an indicator of the agreements may come to, for one institution or all of the pool. A limit
-- that stands is never taken away: a later one, by two people, stands instead of it.
create table indicator_limit (
    pool_code        text not null,
    id               uuid not null,
    indicator        text not null check (indicator in (
        'caesarean-rate', 'out-of-scope-share', 'average-cost', 'repeat-admission')),
    institution_code text,
    since            text not null check (since ~ '^[0-9]{4}-[0-9]{2}$'),
    window_months    integer not null check (window_months between 1 and 12),
    "limit"          numeric check ("limit" >= 0),
    reason           text not null check (reason <> ''),
    by               text not null,
    asked_at         timestamptz not null,
    approved_by      text,
    ended_by         text,
    primary key (pool_code, id),
    constraint four_eyes check (approved_by <> by),
    constraint stands_by_two check (approved_by is null or ended_by is null)
);
create unique index one_limit_a_month
    on indicator_limit (pool_code, indicator, coalesce(institution_code, ''), since)
    where ended_by is null;

-- Nothing here decides anything: each run of `watch` lays the rows of a pool anew.
create table indicator_month (
    pool_code        text not null,
    institution_code text not null,
    month            text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    indicator        text not null,
    months           integer not null check (months > 0),
    cases            integer not null check (cases > 0),
    value            numeric not null,
    "limit"          numeric not null,
    spent_fen        bigint not null,
    excess_fen       bigint not null check (excess_fen >= 0),
    measured_at      timestamptz not null,
    primary key (pool_code, institution_code, month, indicator)
);

-- The agency's own, which no hospital is shown.
alter table posted_price enable row level security;
create policy wall on posted_price using ((select current_setting('app.callers', true)) = '*');
alter table indicator_limit enable row level security;
create policy wall on indicator_limit using ((select current_setting('app.callers', true)) = '*');
alter table indicator_month enable row level security;
create policy wall on indicator_month using (
    institution_code = any (
        (select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');

grant select, insert on posted_price, indicator_limit to audit_service;
grant update (approved_by, ended_by) on posted_price, indicator_limit to audit_service;
grant select, insert, delete on indicator_month to audit_service;
