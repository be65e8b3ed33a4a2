-- A revision is given under the pool's lock: who has seen one misses none that comes later.
alter table catalogue_item
    add kind text not null default 'treatment'
        check (kind in ('drug', 'treatment', 'facility', 'material')),
    add maternity boolean not null default true,
    add level_limits_fen bigint[]
        check (cardinality(level_limits_fen) = 3 and 0 < all (level_limits_fen)),
    add revision bigint not null default 0,
    add changed_at timestamptz,
    add import_id uuid;
update catalogue_item c set revision = n.revision, changed_at = c.made_at
from (select pool_code, item_code, valid,
             row_number() over (partition by pool_code order by made_at, item_code, valid) as revision
      from catalogue_item) n
where (n.pool_code, n.item_code, n.valid) = (c.pool_code, c.item_code, c.valid);
create index catalogue_item_revision on catalogue_item (pool_code, revision);

-- ---- a file of items, checked whole, that waits for another person

create table catalogue_import (
    pool_code   text not null,
    import_id   uuid not null,
    file_hash   text not null,
    rows        integer not null check (rows > 0),
    state       text not null check (state in ('proposed', 'approved', 'rejected')),
    proposed_by text not null,
    proposed_at timestamptz not null,
    decided_by  text,
    decided_at  timestamptz,
    primary key (pool_code, import_id),
    constraint decided_by_another check (decided_by <> proposed_by),
    check ((state = 'proposed') = (decided_by is null)),
    check ((decided_by is null) = (decided_at is null))
);
create index catalogue_import_state on catalogue_import (pool_code, state, import_id);
-- Work, not a record: its rows go when the import is decided.
create table catalogue_import_item (
    pool_code        text not null,
    import_id        uuid not null,
    line_number      integer not null,
    item_code        text not null,
    name             text not null,
    kind             text not null,
    class            text not null,
    first_copay_rate numeric(5, 4) not null,
    limit_fen        bigint,
    level_limits_fen bigint[],
    maternity        boolean not null,
    starts           date not null,
    ends             date,
    primary key (pool_code, import_id, line_number),
    unique (pool_code, import_id, item_code, starts),
    foreign key (pool_code, import_id) references catalogue_import
);

grant select, insert on catalogue_import, catalogue_import_item to settlement_service;
grant update (state, decided_by, decided_at) on catalogue_import to settlement_service;
grant delete on catalogue_import_item to settlement_service;
grant update (valid, revision, changed_at) on catalogue_item to settlement_service;
grant update (valid) on agreement to settlement_service;
