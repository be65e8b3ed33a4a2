-- A surgery of a pregnancy would open a second allowance of it, which no index of a birth allows.
alter table stay
    drop constraint a_pregnancy_is_cared_for,
    add constraint only_a_surgery_has_no_pregnancy
        check ((benefit = 'family_planning') = (pregnancy_id is null));
alter table settlement
    add constraint only_a_surgery_has_no_pregnancy
        check ((benefit = 'family_planning') = (pregnancy_id is null));
