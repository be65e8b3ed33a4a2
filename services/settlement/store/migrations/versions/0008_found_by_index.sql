-- Dropping the constraint `adjusted_once_a_cause` took the index of all of a claim's adjustments away:
-- what took its place leaves out the withdrawn ones, and so serves nobody who asks for all.
create index adjustment_settlement on adjustment (pool_code, settlement_id);

-- What was settled for a pregnancy: its ending, and a person's claims by her pregnancies.
create index settlement_pregnancy on settlement (pool_code, pregnancy_id)
    where pregnancy_id is not null;

create index deduction_settlement on deduction (pool_code, settlement_id);

-- `one_live_entitlement_a_pregnancy` leaves out the withdrawn ones, which are shown too.
create index entitlement_pregnancy on entitlement (pool_code, pregnancy_id)
    where pregnancy_id is not null;

-- Whoever's reconsideration failed goes behind the others: what fails again must not hold them up.
alter table reconsideration_due add tries integer not null default 0 check (tries >= 0);

-- A person's state is one cause under each book that prices it: a later document may be asked for by
-- hand of a person whose correction was decided before. The cause of a book names the book already.
drop index adjusted_once_a_cause;
create unique index adjusted_once_a_cause on adjustment (pool_code, settlement_id, cause, book)
    where state <> 'withdrawn';
