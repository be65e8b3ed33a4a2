-- People whose past was corrected, and whose claims in a pool behind `after` are to be reconsidered.
-- Work, not a record: a row goes when it is done.
create table reconsideration_due (
    pool_code     text not null,
    person_ref    text not null,
    state_version bigint not null,
    after         uuid not null,
    noted_at      timestamptz not null,
    primary key (pool_code, person_ref)
);
create index reconsideration_due_longest on reconsideration_due (noted_at, person_ref);

-- Of whom nothing was settled nobody asks; a birth's or a visit's person is found by her pregnancy.
create index settlement_without_pregnancy on settlement (pool_code, person_ref)
    where pregnancy_id is null;

-- Nobody proposed what was proposed by itself: a person stands for it before another releases it.
alter table adjustment
    add endorsed_by text,
    add constraint endorsed_by_a_person check (
        proposed_by <> 'work:late-documents' or state <> 'released'
        or (endorsed_by is not null and endorsed_by <> decided_by));

grant select, insert, update, delete on reconsideration_due to settlement_service;
grant update (endorsed_by) on adjustment to settlement_service;
