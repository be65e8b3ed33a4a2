create table item_mapping (
    pool_code        text not null,
    mapping_id       uuid not null,
    institution_code text not null,
    own_code         text not null,
    own_name         text not null,
    item_code        text not null,
    state            text not null check (state in ('proposed', 'approved', 'rejected', 'revoked')),
    proposed_at      timestamptz not null,
    changed_at       timestamptz not null,
    primary key (pool_code, mapping_id)
);
create unique index one_standing_mapping_a_code on item_mapping (pool_code, institution_code, own_code)
    where state in ('proposed', 'approved');
create index item_mapping_state on item_mapping (pool_code, state, mapping_id);

alter table item_mapping enable row level security;
create policy wall on item_mapping using (
    institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
    or (select current_setting('app.callers', true)) = '*');

grant select, insert on item_mapping to settlement_service;
grant update (state, changed_at) on item_mapping to settlement_service;
