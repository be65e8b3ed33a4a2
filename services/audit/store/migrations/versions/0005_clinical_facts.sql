-- What was told before version 3 of the event stays unknown: null, and no codes. `items` is JSON beside
-- the claim and no table of its own: a claim is judged whole, and never changes its bill.
alter table claim
    add sex text check (sex in ('female', 'male')),
    add age smallint,
    add weeks smallint,
    add diagnoses text[] not null default '{}',
    add procedures text[] not null default '{}',
    add items jsonb,
    add items_left_out integer not null default 0 check (items_left_out >= 0);
