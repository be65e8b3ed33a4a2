-- Visits per unit or per head are priced again too. `met` is what was used of the pregnancy's units
-- before the visit, [unit, institution, weeks, fen] each; `corrections` what the adjustment changes
-- of the visit's own use, [unit, weeks, fen, limit].
alter table adjustment
    add met json not null default '[]',
    add corrections json not null default '[]';

-- What was withdrawn was never decided on: the same cause may ask for it anew, resting on what has
-- changed since.
alter table adjustment drop constraint adjusted_once_a_cause;
create unique index adjusted_once_a_cause on adjustment (pool_code, settlement_id, cause)
    where state <> 'withdrawn';

-- A released adjustment of a visit is an entry of its own in the chain. Where a limit was lowered,
-- what comes back may leave it passed: the other visits of the pregnancy give back the rest.
alter table unit_entry
    add adjustment_id uuid,
    add foreign key (pool_code, adjustment_id) references adjustment,
    drop constraint within_the_limit,
    add constraint within_the_limit
        check (used_after_fen >= 0 and (used_after_fen <= limit_fen or amount_fen < 0));
