-- What every service keeps beside its own tables: who may call, what was answered, what is told,
-- what was heard, and the log that shows who did what. {service} is the service's name.

create table client (
    client_id        text primary key,
    secret_hash      bytea not null,
    salt             bytea not null,
    role             text not null,
    pool_code        text not null,
    institution_code text not null,
    created_at       timestamptz not null,
    revoked_at       timestamptz
);

-- Only effects are kept. The insert never says "do nothing": a twin must fail, and look again.
create table idempotency (
    pool_code  text not null,
    caller     text not null,
    operation  text not null,
    key        text not null,
    body_hash  bytea not null,
    status     smallint not null check (status between 200 and 299),
    answer     bytea not null,
    object_id  uuid not null,
    created_at timestamptz not null,
    primary key (pool_code, caller, operation, key)
) with (toast_tuple_target = 8160); -- answers stay in the row, unpacked

create table outbox (
    month        date not null,
    id           uuid not null,
    pool_code    text not null,
    topic        text not null,
    type         text not null,
    key          text not null,
    aggregate_id text not null,
    sequence     bigint not null check (sequence > 0),
    at           timestamptz not null,
    headers      json not null,
    data         bytea not null,
    era          integer not null default 1,
    xid          xid8 not null default pg_current_xact_id(),
    position     bigint,
    sent_at      timestamptz,
    primary key (month, id)
) partition by range (month);
create type outbox_row as (
    month date, id uuid, pool_code text, topic text, type text, key text, aggregate_id text,
    sequence bigint, at timestamptz, headers json, data bytea
);
create table outbox_rest partition of outbox default;
create index outbox_waiting on outbox (era, xid, id) where position is null;
create index outbox_log on outbox (topic, position) where position is not null;
create index outbox_aggregate on outbox (aggregate_id, sequence);

-- One relay at a time: whoever raised the fence last may stamp; `position` counts each topic.
create table relay_fence (
    only_row boolean primary key default true check (only_row),
    fence    bigint not null,
    era      integer not null
);
insert into relay_fence values (true, 0, 1);
create table topic_position (topic text primary key, position bigint not null);

create table inbox (
    consumer text not null,
    event_id uuid not null,
    heard_at timestamptz not null,
    primary key (consumer, event_id)
);
create table consumer_offset (
    consumer    text not null,
    topic       text not null,
    partition   integer not null,
    last_offset bigint not null,
    applied     bigint not null,
    duplicates  bigint not null,
    dead        bigint not null,
    parked      bigint not null,
    primary key (consumer, topic, partition)
);
-- A key whose event failed for good waits here with all that came behind it, in order.
create table parked (
    consumer  text not null,
    key       text not null,
    number    bigint generated always as identity,
    event_id  uuid not null,
    topic     text not null,
    headers   json not null,
    data      bytea not null,
    reason    text not null,
    parked_at timestamptz not null,
    primary key (consumer, key, number)
);

-- Who did what, with the state before and after; sealed into blocks, anchored outside.
create table log (
    month            date not null,
    id               uuid not null,
    pool_code        text not null,
    at               timestamptz not null,
    actor            text not null,
    institution_code text not null,
    request_id       text not null,
    action           text not null,
    subject          text not null,
    from_state       text not null,
    to_state         text not null,
    before_hash      bytea not null,
    after_hash       bytea not null,
    content_hash     bytea not null,
    xid              xid8 not null default pg_current_xact_id(),
    primary key (month, id)
) partition by range (month);
create type log_row as (
    month date, id uuid, pool_code text, at timestamptz, actor text, institution_code text,
    request_id text, action text, subject text, from_state text, to_state text,
    before_hash bytea, after_hash bytea, content_hash bytea
);
create table log_rest partition of log default;
create index log_xid on log (xid);
create index log_subject on log (subject);
create table sealed_block (
    number     bigint primary key,
    xid_from   xid8 not null,
    xid_until  xid8 not null check (xid_until > xid_from),
    row_count  bigint not null,
    root       bytea not null,
    prior_hash bytea not null,
    hash       bytea not null,
    sealed_at  timestamptz not null
);

grant usage on schema public to {service}_service, {service}_group;
grant select on client, idempotency, inbox, consumer_offset, parked, outbox, log, sealed_block,
    relay_fence, topic_position to {service}_service;
grant insert on idempotency, outbox, log, inbox, consumer_offset, parked, sealed_block, topic_position
    to {service}_service;
grant update on consumer_offset, relay_fence, topic_position to {service}_service;
grant update (position, sent_at) on outbox to {service}_service;
grant delete on parked to {service}_service;
-- Whoever retries a parked key locks its rows, and a lock needs the right to update.
grant update (reason) on parked to {service}_service;
grant select, insert on idempotency, outbox, log to {service}_group;

-- The months that outbox and log are partitioned by; the owner makes them ahead of time.
create function make_months(parent regclass, first date, months integer) returns void
language plpgsql as $body$
declare
    month date;
begin
    for month in select generate_series(first, first + make_interval(months => months - 1), '1 month')
    loop
        execute format(
            'create table if not exists %I partition of %s for values from (%L) to (%L)',
            parent::text || to_char(month, '_YYYYMM'), parent, month, month + interval '1 month');
    end loop;
end
$body$;
