-- Money is bigint fen. Every key begins with the pool. What must be unique for ever is a unique
-- index on a table without time partitions; lines, postings, outbox and log are cut by month.

-- ---- the policy book: archived by hash, made current by two people

create table book (
    hash        text primary key,
    engine      text not null,
    content     bytea not null,
    archived_at timestamptz not null
);
create table book_appointment (
    number       bigint generated always as identity primary key,
    hash         text not null references book,
    proposed_by  text not null,
    proposed_at  timestamptz not null,
    approved_by  text,
    effective_at timestamptz,
    check (approved_by <> proposed_by),
    check ((approved_by is null) = (effective_at is null))
);

-- ---- hospitals and what they charge for

create table agreement (
    pool_code        text not null,
    institution_code text not null,
    level            smallint not null check (level between 1 and 3),
    valid            daterange not null check (not isempty(valid)),
    made_by          text not null,
    made_at          timestamptz not null,
    exclude using gist (pool_code with =, institution_code with =, valid with &&)
);
create table catalogue_item (
    pool_code        text not null,
    item_code        text not null,
    name             text not null,
    class            text not null check (class in ('a', 'b', 'c')),
    first_copay_rate numeric(5, 4) not null check (first_copay_rate between 0 and 1),
    limit_fen        bigint check (limit_fen > 0),
    valid            daterange not null check (not isempty(valid)),
    made_by          text not null,
    made_at          timestamptz not null,
    exclude using gist (pool_code with =, item_code with =, valid with &&)
);

-- ---- people as enrollment tells of them, and their pregnancies

create table person_state (
    pool_code     text not null,
    person_ref    text not null,
    state_version bigint not null,
    state         json not null,
    as_of         timestamptz not null,
    primary key (person_ref)
);
create table pregnancy (
    pool_code        text not null,
    pregnancy_id     uuid not null,
    person_ref       text not null,
    institution_code text not null,
    period           daterange not null check (not isempty(period)),
    delivered_on     date,
    registered_at    timestamptz not null,
    version          bigint not null,
    primary key (pool_code, pregnancy_id),
    -- By the reference's 64-bit hash: a text in a GiST index costs a settlement more than its bill.
    constraint pregnancies_of_a_person_are_apart
        exclude using gist (hashtextextended(person_ref, 0) with =, period with &&)
);

-- ---- stays and their lines

create table stay (
    pool_code        text not null,
    stay_id          uuid not null,
    institution_code text not null,
    stay_number      text not null,
    person_ref       text not null,
    pregnancy_id     uuid not null,
    state            text not null check (state in ('open', 'discharged', 'settled')),
    version          bigint not null,
    month            date not null,
    admitted_on      date not null,
    discharged_on    date check (discharged_on >= admitted_on),
    event_on         date check (event_on between admitted_on and discharged_on),
    mode             text check (mode in ('vaginal', 'assisted', 'cesarean')),
    infants          smallint check (infants between 1 and 9),
    weeks            smallint check (weeks between 20 and 45),
    bill_fen         bigint check (bill_fen > 0),
    line_count       integer not null default 0,
    total_fen        bigint not null default 0,
    in_scope_fen     bigint not null default 0,
    out_of_scope_fen bigint not null default 0,
    over_limit_fen   bigint not null default 0,
    first_copay_fen  bigint not null default 0,
    primary key (pool_code, stay_id),
    unique (stay_id, institution_code),
    constraint stay_number_once unique (pool_code, institution_code, stay_number),
    foreign key (pool_code, pregnancy_id) references pregnancy,
    check (total_fen = in_scope_fen + out_of_scope_fen + over_limit_fen + first_copay_fen)
) with (fillfactor = 70); -- a stay is updated in place some times before it rests
create table line (
    month            date not null,
    pool_code        text not null,
    stay_id          uuid not null,
    line_number      integer not null check (line_number > 0),
    institution_code text not null,
    caller           text not null check (caller = institution_code),
    item_code        text not null,
    charged_on       date not null,
    quantity         numeric(12, 4) not null check (quantity > 0),
    price_fen        bigint not null check (price_fen >= 0),
    amount_fen       bigint not null,
    class            text not null check (class in ('a', 'b', 'c', 'none')),
    in_scope_fen     bigint not null check (in_scope_fen >= 0),
    out_of_scope_fen bigint not null check (out_of_scope_fen >= 0),
    over_limit_fen   bigint not null check (over_limit_fen >= 0),
    first_copay_fen  bigint not null check (first_copay_fen >= 0),
    primary key (month, pool_code, stay_id, line_number),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code),
    check (amount_fen = round(quantity * price_fen)),
    check (amount_fen = in_scope_fen + out_of_scope_fen + over_limit_fen + first_copay_fen)
) partition by range (month);
create table line_rest partition of line default;

-- ---- settlements: never edited; a reversal is a row of its own

create table settlement (
    pool_code          text not null,
    settlement_id      uuid not null,
    reverses           uuid unique,
    institution_code   text not null,
    caller             text not null check (caller = institution_code),
    institution_level  smallint not null,
    stay_id            uuid not null,
    stay_version       bigint not null,
    pregnancy_id       uuid not null,
    person_ref         text not null,
    state_version      bigint not null,
    county_code        text not null,
    member_kind        text not null,
    benefit            text not null,
    insurance_type     text not null check (insurance_type in ('310', '510')),
    expenditure_item   text not null check (expenditure_item in ('maternity', 'medical')),
    mode               text not null,
    infants            smallint not null,
    admitted_on        date not null,
    event_on           date not null,
    discharged_on      date not null,
    rule_on            date not null,
    total_fen          bigint not null,
    fund_fen           bigint not null,
    member_fen         bigint not null,
    member_account_fen bigint not null,
    member_cash_fen    bigint not null,
    institution_fen    bigint not null,
    other_fund_fen     bigint not null,
    desk_fund_fen      bigint not null,
    desk_member_fen    bigint not null,
    line_count         integer not null,
    steps              json not null,
    rates              text[] not null,
    -- No foreign key: each settlement would lock the one row of the current book. A book is archived
    -- before it is appointed, and nobody may delete one.
    book               text not null,
    engine             text not null,
    settled_at         timestamptz not null,
    account_month      date not null,
    actor              text not null,
    primary key (pool_code, settlement_id),
    foreign key (stay_id, institution_code) references stay (stay_id, institution_code),
    foreign key (pool_code, reverses) references settlement (pool_code, settlement_id),
    constraint parts_make_the_whole
        check (total_fen = fund_fen + member_fen + institution_fen + other_fund_fen),
    constraint member_pays_by_account_and_cash
        check (member_fen = member_account_fen + member_cash_fen),
    constraint desk_makes_the_whole check (total_fen = desk_fund_fen + desk_member_fen + other_fund_fen),
    constraint only_the_institution_may_gain check (
        case when reverses is null
        then least(total_fen, fund_fen, member_account_fen, member_cash_fen, other_fund_fen,
                   desk_fund_fen, desk_member_fen) >= 0
        else greatest(total_fen, fund_fen, member_account_fen, member_cash_fen, other_fund_fen,
                      desk_fund_fen, desk_member_fen) <= 0 end),
    constraint account_month_is_of_shanghai check (
        account_month = date_trunc('month', settled_at at time zone 'Asia/Shanghai')::date)
) with (toast_tuple_target = 8160); -- steps stay in the row: packing them cost more than the insert
alter table settlement alter steps set statistics 0, alter rates set statistics 0; -- nobody asks by them
create index settlement_stay on settlement (pool_code, stay_id);
create index settlement_institution on settlement (pool_code, institution_code, settlement_id);

-- What settling asks the facts of; `stated_on` is the discharge as stated meanwhile.
create type asked as (
    pool_code text, caller text, operation text, key text, stay_id uuid, stated_on date
);

-- The present state of each claim, and the two laws that no crash and no rival may break: one live
-- claim a stay, one live delivery a pregnancy, over all hospitals. No row-level security: two
-- hospitals meet here, and see nothing but that the other was first.
create table claim (
    pool_code        text not null,
    settlement_id    uuid not null,
    institution_code text not null,
    stay_id          uuid not null,
    pregnancy_id     uuid not null,
    state            text not null check (state in ('settled', 'reversed')),
    sequence         bigint not null,
    primary key (pool_code, settlement_id)
);
create unique index one_live_claim_a_stay on claim (pool_code, institution_code, stay_id)
    where state = 'settled';
create unique index one_live_delivery_a_pregnancy on claim (pool_code, pregnancy_id)
    where state = 'settled';

-- ---- the ledger: append-only double entry, no balance is ever updated

create table posting (
    month            date not null,
    posting_id       uuid not null,
    pool_code        text not null,
    settlement_id    uuid not null,
    account          text not null
        check (account in ('expenditure_maternity', 'expenditure_medical', 'payable', 'clearing',
                           'income_contribution', 'bank')),
    institution_code text not null,
    amount_fen       bigint not null check (amount_fen <> 0),
    posted_at        timestamptz not null,
    primary key (month, posting_id)
) partition by range (month);
create table posting_rest partition of posting default;
create index posting_settlement on posting (settlement_id);
create table closed_period (
    pool_code text not null,
    month     date not null,
    closed_by text not null,
    closed_at timestamptz not null,
    primary key (pool_code, month)
);
create table period_balance (
    pool_code        text not null,
    month            date not null,
    account          text not null,
    institution_code text not null,
    amount_fen       bigint not null,
    primary key (pool_code, month, account, institution_code),
    foreign key (pool_code, month) references closed_period
);

-- ---- what audit decided, taken from the next payment run

create table deduction (
    pool_code        text not null,
    deduction_id     uuid not null,
    settlement_id    uuid not null,
    institution_code text not null,
    flag_id          text not null,
    decision         integer not null,
    amount_fen       bigint not null check (amount_fen > 0),
    state            text not null check (state in ('pending', 'cancelled')),
    taken_at         timestamptz not null,
    primary key (pool_code, deduction_id),
    unique (pool_code, flag_id, decision),
    foreign key (pool_code, settlement_id) references settlement
);

-- ---- the tenant wall: what a hospital's request may see, whatever the statement forgot

do $$
declare
    walled text;
begin
    foreach walled in array array['stay', 'line', 'settlement', 'posting', 'deduction', 'agreement']
    loop
        execute format('alter table %I enable row level security', walled);
        execute format($policy$
            create policy wall on %I using (
                institution_code = any ((select string_to_array(current_setting('app.callers', true), ','))::text[])
                or (select current_setting('app.callers', true)) = '*')
            $policy$, walled);
    end loop;
end
$$;

grant select, insert on book, book_appointment, agreement, catalogue_item, person_state, pregnancy,
    stay, line, settlement, claim, posting, closed_period, period_balance, deduction
    to settlement_service;
grant update on person_state, pregnancy, stay to settlement_service;
grant update (approved_by, effective_at) on book_appointment to settlement_service;
grant update (state, sequence) on claim to settlement_service;
grant update (state) on deduction to settlement_service;
grant select on agreement, person_state, pregnancy, stay, settlement, claim, book to settlement_group;
grant insert on settlement, claim, posting to settlement_group;
grant update (state, version) on stay to settlement_group;
grant update (period, delivered_on, version) on pregnancy to settlement_group;
