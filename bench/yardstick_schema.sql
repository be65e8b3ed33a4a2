-- The yard-stick's tables: what any settlement needs, with primary keys and the look-up indexes that
-- such tables have. They belong to no service, and do not change when a service does.
create table ys_idempotency (
    caller     text not null,
    key        text not null,
    body_hash  bytea not null,
    status     smallint,
    answer     bytea,
    created_at timestamptz not null,
    primary key (caller, key)
);
create table ys_entitlement (
    person_ref  bigint primary key,
    member_kind text not null,
    paid_from   date not null,
    paid_until  date not null
);
create table ys_policy (
    pool_code  text not null,
    valid_from date not null,
    quota_fen  bigint not null,
    primary key (pool_code, valid_from)
);
create table ys_settlement (
    settlement_id    uuid primary key,
    pool_code        text not null,
    institution_code text not null,
    stay_id          uuid not null,
    person_ref       bigint not null,
    total_fen        bigint not null,
    fund_fen         bigint not null,
    member_fen       bigint not null,
    settled_at       timestamptz not null,
    check (total_fen = fund_fen + member_fen)
);
create unique index on ys_settlement (pool_code, stay_id);
create index on ys_settlement (pool_code, institution_code, settlement_id);
create table ys_posting (
    posting_id    uuid primary key,
    settlement_id uuid not null,
    account       text not null,
    amount_fen    bigint not null,
    posted_at     timestamptz not null
);
create index on ys_posting (settlement_id);
create table ys_outbox (
    id           uuid primary key,
    aggregate_id uuid not null,
    sequence     bigint not null,
    type         text not null,
    data         bytea not null,
    position     bigint,
    at           timestamptz not null
);
create index on ys_outbox (id) where position is null;
create index on ys_outbox (aggregate_id, sequence);

insert into ys_policy
select '000000', date '2020-01-01' + 30 * n, 300000 + n from generate_series(0, 99) n;
insert into ys_entitlement
select n, 'employee', '2020-01-01', '2030-01-01' from generate_series(1, 100000) n;
analyze ys_policy, ys_entitlement;

-- One settlement, the parts in the order of the yard-stick's definition.
create function ys_settle(person bigint, total bigint) returns uuid language plpgsql as $body$
declare
    made constant uuid := gen_random_uuid();
    held ys_entitlement;
    rule ys_policy;
    paid bigint;
begin
    insert into ys_idempotency values ('H1', made::text, sha256(made::text::bytea), null, null, now());
    select * into strict held from ys_entitlement where person_ref = person;
    select * into strict rule from ys_policy
    where pool_code = '000000' and valid_from <= '2024-03-21' order by valid_from desc limit 1;
    paid := least(total, rule.quota_fen);
    insert into ys_settlement values
        (made, '000000', 'H1', gen_random_uuid(), held.person_ref, total, paid, total - paid, now());
    insert into ys_posting values
        (gen_random_uuid(), made, 'expenditure', paid, now()),
        (gen_random_uuid(), made, 'payable', 1 - paid, now()),
        (gen_random_uuid(), made, 'clearing', -1, now());
    insert into ys_outbox values
        (gen_random_uuid(), made, 1, 'settled', convert_to(repeat('x', 700), 'UTF8'), null, now());
    update ys_idempotency set status = 201, answer = convert_to(repeat('y', 700), 'UTF8')
    where caller = 'H1' and key = made::text;
    return made;
end
$body$;
