-- Of one place and month one notice, and one limit, counts; another may wait beside it for the second
-- person, and once approved stands instead of it.
drop index one_price_a_month;
drop index one_limit_a_month;
alter table posted_price
    add replaced_by uuid,
    add foreign key (pool_code, replaced_by) references posted_price (pool_code, id) deferrable,
    add constraint replaced_while_it_stood
        check (replaced_by is null or (approved_by is not null and ended_by is null));
alter table indicator_limit
    add replaced_by uuid,
    add foreign key (pool_code, replaced_by) references indicator_limit (pool_code, id) deferrable,
    add constraint replaced_while_it_stood
        check (replaced_by is null or (approved_by is not null and ended_by is null));

create unique index one_price_waits on posted_price (pool_code, region, month)
    where approved_by is null and ended_by is null;
create unique index one_price_stands on posted_price (pool_code, region, month)
    where approved_by is not null and ended_by is null and replaced_by is null;
create unique index one_limit_waits
    on indicator_limit (pool_code, indicator, coalesce(institution_code, ''), since)
    where approved_by is null and ended_by is null;
create unique index one_limit_stands
    on indicator_limit (pool_code, indicator, coalesce(institution_code, ''), since)
    where approved_by is not null and ended_by is null and replaced_by is null;

grant update (replaced_by) on posted_price, indicator_limit to audit_service;
