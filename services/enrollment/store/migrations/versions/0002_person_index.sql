-- A person is found under every field key that a running process may hold: a number registered by
-- a process of the old key and by one of the new key at once meets on this primary key.
create table person_index (
    id_index   bytea primary key check (octet_length(id_index) = 32),
    key_id     smallint not null check (key_id between 1 and 255),
    person_ref text not null references person,
    unique (person_ref, key_id)
);
insert into person_index select id_index, 1, person_ref from person;
alter table person drop column id_index;

-- The key under which both fields are sealed.
alter table person add key_id smallint not null default 1 check (key_id between 1 and 255);
alter table person alter key_id drop default;
create index person_by_key on person (key_id, person_ref);

-- Changing keys is the owner's work: the service adds entries and never changes one.
grant select, insert on person_index to enrollment_service;
