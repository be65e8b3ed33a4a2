-- Who is insured, since when, and what was paid.

create extension if not exists btree_gist;

create table employer (
    pool_code    text not null check (pool_code ~ '^[0-9]{6}$'),
    employer_ref text not null,
    name         text not null,
    county_code  text not null check (county_code ~ '^[0-9]{6}$'),
    kind         text not null check (kind in ('enterprise', 'public_institution', 'self_financed')),
    created_at   timestamptz not null,
    primary key (pool_code, employer_ref)
);

-- One person, one record, through all pools that the person ever belongs to: so no pool here.
-- The ID number is found by a keyed index and stored sealed; `person_ref` is random.
create table person (
    person_ref       text primary key check (person_ref ~ '^[0-9a-f]{32}$'),
    id_index         bytea not null unique check (octet_length(id_index) = 32),
    id_number_sealed bytea not null,
    name_sealed      bytea not null,
    version          bigint not null check (version > 0),
    created_at       timestamptz not null
);

-- Each state that was ever told, as its very bytes: never edited. Two writers of one version
-- meet on this key, and the later one looks again.
create table person_version (
    person_ref text not null references person,
    version    bigint not null check (version > 0),
    at         timestamptz not null,
    state      bytea not null,
    primary key (person_ref, version)
);

create table spell (
    pool_code    text not null check (pool_code ~ '^[0-9]{6}$'),
    person_ref   text not null references person,
    started_on   date not null,
    ended_on     date check (ended_on > started_on),
    county_code  text not null check (county_code ~ '^[0-9]{6}$'),
    kind         text not null check (kind in
        ('employee', 'flexible', 'retiree', 'early_retiree', 'unemployment_benefit')),
    insurance    text[] not null check (insurance in ('{310}', '{310,510}')),
    employer_ref text,
    primary key (pool_code, person_ref, started_on),
    foreign key (pool_code, employer_ref) references employer,
    check ((kind = 'employee') = (employer_ref is not null)),
    constraint spells_never_overlap
        exclude using gist (person_ref with =, daterange(started_on, ended_on) with &&)
);
create index spell_person on spell (person_ref);

create table contribution (
    pool_code           text not null check (pool_code ~ '^[0-9]{6}$'),
    contribution_id     uuid not null,
    person_ref          text not null references person,
    month               date not null check (extract(day from month) = 1),
    county_code         text not null check (county_code ~ '^[0-9]{6}$'),
    kind                text not null,
    employer_ref        text,
    base_fen            bigint not null check (base_fen > 0),
    employer_rate       numeric not null check (employer_rate between 0 and 1),
    individual_rate     numeric not null check (individual_rate between 0 and 1),
    employer_fen        bigint not null check (employer_fen >= 0),
    individual_fen      bigint not null check (individual_fen >= 0),
    employer_document   text not null,
    employer_article    text not null,
    individual_document text not null,
    individual_article  text not null,
    book                text not null,
    posted_at           timestamptz not null,
    primary key (pool_code, contribution_id),
    constraint month_paid_once unique (person_ref, month)
);

grant select, insert on employer, person, person_version, spell, contribution
    to enrollment_service;
grant update (version) on person to enrollment_service;
grant update (ended_on) on spell to enrollment_service;
