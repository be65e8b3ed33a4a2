-- A surgery of a pregnancy would open a second allowance of it, which no index of a birth allows.
alter table stay
    drop constraint a_pregnancy_is_cared_for,
    add constraint only_a_surgery_has_no_pregnancy
        check ((benefit = 'family_planning') = (pregnancy_id is null));
alter table settlement
    add constraint only_a_surgery_has_no_pregnancy
        check ((benefit = 'family_planning') = (pregnancy_id is null));

-- ---- one surgery a person and day, over all hospitals

alter table claim
    add person_ref text, -- whose surgery it was: who cares for a pregnancy needs no name
    add operated_on date,
    add procedure text;
update claim c
set person_ref = s.person_ref, operated_on = s.event_on, procedure = t.particulars ->> 'procedure'
from settlement s join stay t using (pool_code, stay_id)
where c.benefit = 'family_planning'
  and s.pool_code = c.pool_code and s.settlement_id = c.settlement_id;
alter table claim
    add constraint a_surgery_is_named check (
        case when benefit = 'family_planning'
        then person_ref is not null and operated_on is not null and procedure is not null
        else coalesce(person_ref, operated_on::text, procedure) is null end);
create unique index one_live_surgery_a_day on claim (pool_code, person_ref, operated_on, procedure)
    where state = 'settled' and benefit = 'family_planning';

-- What a settlement opens it opens once, also where no pregnancy is there to say so.
create unique index one_live_entitlement_a_claim on entitlement (pool_code, settlement_id, kind)
    where state <> 'withdrawn';
-- A clerk goes through what is open, or deferred, page by page.
create index entitlement_state on entitlement (pool_code, state, entitlement_id);

-- Whether a pregnancy may be entrusted to an institution: asked also by a hospital that may see no
-- agreement but its own, so it runs as the owner and answers nothing but yes or no.
create function agreed(pool text, institution text, day date) returns boolean
language sql stable security definer
begin atomic
    select exists (
        select from agreement
        where pool_code = pool and institution_code = institution and valid @> day);
end;
revoke execute on function agreed from public;
grant execute on function agreed to settlement_service;
