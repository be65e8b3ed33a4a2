"""Reviews of before the five steps are taken over: nobody's word is lost, nobody is unheard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import asyncpg
from alembic import command

from deploy.local.postgres import Postgres
from shared.plumbing.migrate import migration_config

_BEFORE = """
insert into claim (pool_code, claim_id, institution_code, county_code, institution_level, stay_id,
    person_ref, benefit, insurance_type, expenditure_item, member_kind, admitted_on,
    event_on, discharged_on, settled_at, settled_on, account_month, total_fen, fund_fen, member_fen,
    member_account_fen, member_cash_fen, institution_fen, other_fund_fen, desk_fund_fen,
    desk_member_fen, out_of_scope_fen, line_count, book, engine, status, version)
select '990001', gen_random_uuid(), 'H', '990001', 3, 's', 'p', 'prenatal', '310', 'medical',
    'employee',
    '2026-01-01', '2026-01-01', '2026-01-01', now(), '2026-01-01', '2026-01', 900, 700, 200, 0, 200,
    0, 0, 700, 200, 0, 1, 'b', 'e', 'settled', 1
from generate_series(1, 4);
with numbered as (select *, row_number() over () as n from claim)
insert into flag
select pool_code, gen_random_uuid(), institution_code, claim_id, 'family', 'violation', 700,
    case n when 1 then 'open' when 2 then 'first_reviewed' else 'decided' end,
    case n when 1 then null when 4 then 'dismiss' else 'deduct' end,
    case n when 1 then null when 4 then 0 else 500 end,
    case n when 1 then null else 'r1' end,
    case when n > 2 then 1 else 0 end, case n when 3 then 'taken' else 'none' end, n, n, now()
from numbered;
insert into decision (pool_code, flag_id, number, institution_code, claim_id, outcome, amount_fen,
                      by, approved_by, decided_at)
select pool_code, flag_id, 1, institution_code, claim_id, outcome, amount_fen, 'r1', 'r2', now()
from flag where state = 'decided'
"""


async def test_reviews_under_way_keep_their_people_and_what_was_taken(postgres: Postgres) -> None:
    address = postgres.service_database("audit", "audit_taken_over", template=None)["owner"]
    config = migration_config("audit", address)
    with ThreadPoolExecutor(max_workers=1) as apart:  # migrations run a loop of their own
        apart.submit(command.upgrade, config, "0005").result()
        owner = await asyncpg.connect(address)
        await owner.execute(_BEFORE)
        apart.submit(command.upgrade, config, "head").result()
    rows = await owner.fetch(
        "select state, first_by, second_by, hearing, deducted_fen, outcome from flag order by told"
    )
    assert [tuple(row) for row in rows] == [
        ("open", None, None, "none", 0, None),
        ("first_reviewed", "r1", None, "none", 0, "deduct"),
        ("decided", "r1", "r2", "none", 500, "deduct"),
        ("decided", "r1", "r2", "none", 0, "dismiss"),
    ]
    counted = await owner.fetch("select state, flags from flag_count order by state")
    assert {row["state"]: row["flags"] for row in counted} == {
        "open": 1, "first_reviewed": 1, "decided": 2,
    }  # fmt: skip
    await owner.close()
    postgres.drop_database("audit_taken_over")
