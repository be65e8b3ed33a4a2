-- Only a delivery has mode and infants; only family planning may belong to no pregnancy.
alter table claim
    alter pregnancy_id drop not null,
    alter mode drop not null,
    alter infants drop not null,
    add constraint a_delivery_has_its_facts
        check (benefit <> 'delivery' or (mode is not null and infants is not null
                                         and pregnancy_id is not null));
