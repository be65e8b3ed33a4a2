"""What is asked of one claim, pregnancy or person is found by an index, however full a pool."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.settlement.store import (
    adjustments,
    care,
    disputed,
    encounters,
    entitlements,
    his_profiles,
    ledger,
    reconciliations,
    settled,
)
from shared.ids import NO_ID
from shared.plumbing.database import AGENCY, Pool, open_pool, transaction
from tests.settlement.conftest import NANJING
from tests.support.postgres import ServiceDatabases

ONE = UUID(int=1)
DAY = datetime(2024, 3, 28, tzinfo=UTC)
RANGE = (NANJING, NO_ID, date(2024, 3, 1), date(2024, 3, 31), 500)


# What hangs on other tables is not needed to see how these are read.
_LET_GO = """
do $$ declare held record; begin
    for held in select conrelid::regclass as of, conname from pg_constraint
                where contype = 'f' and conparentid = 0 loop
        execute format('alter table %s drop constraint %I', held.of, held.conname);
    end loop;
end $$
"""
# Of one pool 20,000 visits of 2,000 pregnancies and their births, all adjusted, deducted from and
# with an entitlement, and 2,000 claims of no pregnancy.
_MANY = """
create function numbered(n bigint) returns uuid immutable language sql
    as $$ select lpad(to_hex(n), 32, '0')::uuid $$;
create temporary table many as
select n, numbered(n) as id, case when n < 22000 then numbered(n % 2000) end as pregnancy,
    'p' || n % 2000 as person,
    case when n < 2000 then 'delivery' when n < 22000 then 'prenatal' else 'family_planning' end
        as benefit
from generate_series(0, 23999) n;
insert into pregnancy (pool_code, pregnancy_id, person_ref, institution_code, period,
                       registered_at, version)
select '{pool}', id, person, 'H', '[2023-07-01,2024-05-01)', now(), 1 from many where n < 2000;
insert into settlement (
    pool_code, settlement_id, institution_code, caller, institution_level, stay_id, stay_version,
    pregnancy_id, person_ref, state_version, county_code, member_kind, benefit, insurance_type,
    expenditure_item, admitted_on, event_on, discharged_on, rule_on, total_fen, fund_fen,
    member_fen, member_account_fen, member_cash_fen, institution_fen, other_fund_fen,
    desk_fund_fen, desk_member_fen, line_count, steps, rates, book, engine, settled_at,
    account_month, actor)
select '{pool}', id, 'H', 'H', 3, id, 1, pregnancy, person, 1, '{pool}', 'employee', benefit, '310',
    'maternity', '2024-03-01', '2024-03-01', '2024-03-01', '2024-03-01', 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, '[]', '{{}}', 'b', 'e', '2024-03-28 00:00Z', '2024-03-01', 'a'
from many;
insert into claim (pool_code, settlement_id, institution_code, stay_id, pregnancy_id, state,
                   sequence, benefit, visit, person_ref, operated_on, procedure)
select '{pool}', id, 'H', id, pregnancy, 'settled', 1, benefit,
    case when benefit = 'prenatal' then daterange '[2024-03-01,2024-03-02)' end,
    case when pregnancy is null then person end,
    case when pregnancy is null then date '2024-03-01' end,
    case when pregnancy is null then 'iud_insert' end
from many;
insert into adjustment (
    pool_code, adjustment_id, settlement_id, institution_code, cause, state, state_version,
    expenditure_item, rule_on, total_fen, fund_fen, member_fen, member_account_fen,
    member_cash_fen, institution_fen, other_fund_fen, desk_fund_fen, desk_member_fen, steps,
    rates, book, engine, proposed_by, proposed_at)
select '{pool}', id, id, 'H', 'person:2', 'proposed', 2, 'maternity', '2024-03-01',
    0, 0, 0, 0, 0, 0, 0, 0, 0, '[]', '{{}}', 'b', 'e', 'a', now()
from many;
update adjustment set state = 'released', decided_by = 'b', decided_at = '2024-03-28 00:00Z',
    account_month = '2024-03-01' where settlement_id in (select id from many where n % 2 = 0);
insert into deduction (pool_code, deduction_id, settlement_id, institution_code, flag_id, decision,
                       amount_fen, state, taken_at)
select '{pool}', id, id, 'H', id::text, 1, 1, 'pending', now() from many;
insert into entitlement (pool_code, entitlement_id, kind, person_ref, pregnancy_id, settlement_id,
                         event, state, steps, rates, book, engine, opened_at, version)
select '{pool}', id, 'allowance', person, pregnancy, id, 'birth', 'withdrawn', '[]', '{{}}', 'b',
    'e', now(), 1
from many where benefit <> 'family_planning';
insert into stay (pool_code, stay_id, institution_code, stay_number, person_ref, pregnancy_id,
                  state, version, month, admitted_on, benefit)
select '{pool}', id, 'H', n::text, person, pregnancy, 'settled', 3, '2024-03-01', '2024-03-01',
    benefit
from many;
insert into person_state select '{pool}', person, 1, '{{}}', now() from many group by person;
insert into idempotency select '{pool}', 'H', case when n % 50 = 0 then '2601' else '2304' end,
    n::text, '', 200, '', id, now() from many;
insert into used_nonce select 'H', n::text, now() - n * interval '1 second' from many;
analyze used_nonce, idempotency;
analyze stay, person_state, pregnancy, settlement, claim, adjustment, deduction, entitlement;
"""


@pytest.fixture
async def pool(service_databases: ServiceDatabases) -> AsyncIterator[Pool]:
    """A database of the service that holds much, as the service sees it."""
    dsns = service_databases("settlement")
    owner = await asyncpg.connect(dsns["owner"])
    await owner.execute(_LET_GO)
    await owner.execute(_MANY.format(pool=NANJING))
    await owner.close()
    opened = await open_pool(dsns["service"], size=1)
    yield opened
    await opened.close()


QUESTIONS: list[tuple[str, tuple[Any, ...], set[str]]] = [
    (adjustments.OF_CLAIMS, (NANJING, [ONE]), {"adjustment_settlement"}),
    (adjustments.TOGETHER, (NANJING, ONE),
     {"claim_visits", "claim_pkey", "one_proposed_adjustment_a_claim"}),
    (care.STANDING, ([NANJING], [ONE]), {"claim_visits"}),
    (care.ENDINGS, ([NANJING], [ONE]), {"settlement_pregnancy"}),
    (ledger.DEDUCTED, (NANJING, ONE), {"deduction_settlement"}),
    (ledger.RELEASE_DEDUCTIONS, (NANJING, str(ONE), 2), {"one_pending_deduction_a_flag"}),
    (disputed.FOUND, (NANJING, [ONE]),
     {"claim_pkey", "settlement_pkey", "stay_stay_id_institution_code_key", "pregnancy_pkey",
      "person_state_pkey", "adjusted_once_a_cause"}),
    (ledger.CANCEL_DEDUCTIONS, (NANJING, ONE), {"deduction_settlement"}),
    (entitlements.PAGE.format(found_by="pregnancy_id"), (NANJING, ONE, NO_ID, 50),
     {"entitlement_pregnancy"}),
    (his_profiles.FORGET_NONCES, ("H", datetime(2024, 3, 28, tzinfo=UTC)), {"used_nonce_by_age"}),
    (encounters.RECEIPT, (NANJING, "H", ONE), {"idempotency_receipt"}),
    (reconciliations.WRITTEN, (NANJING, "H", DAY - timedelta(days=1), DAY, None, None, None, None),
     {"settlement_settled_at", "idempotency_receipt", "idempotency_pkey"}),
    (settled.LIVE_OF_PERSON, (*RANGE, "p1"),
     {"pregnancies_of_a_person_are_apart", "settlement_pregnancy", "settlement_without_pregnancy",
      "claim_pkey", "settlement_pkey", "claim_visits"}),
]  # fmt: skip


async def test_each_question_is_answered_by_its_index(pool: Pool) -> None:
    async with transaction(pool, [AGENCY]) as tx:
        for statement, asked, indexes in QUESTIONS:
            plan = [row[0] for row in await tx.fetch(f"explain {statement}", *asked)]
            named = "\n".join(plan)
            assert "Seq Scan" not in named, named
            assert set(re.findall(r"Index (?:Only )?Scan (?:using|on) (\w+)", named)) == indexes, (
                named
            )


async def test_a_persons_claims_are_those_of_all_in_the_same_order(pool: Pool) -> None:
    everybody = (*RANGE[:-1], 30_000)
    async with transaction(pool, [AGENCY]) as tx:
        hers = await tx.fetch(settled.LIVE_OF_PERSON, *everybody, "p1")
        expected = [
            row for row in await tx.fetch(settled.LIVE, *everybody) if row["person_ref"] == "p1"
        ]
        assert hers == expected
        assert {row["benefit"] for row in hers} == {"delivery", "prenatal", "family_planning"}
        after = hers[4]["settlement_id"]
        beyond = (NANJING, after, *RANGE[2:4], 3)
        assert await tx.fetch(settled.LIVE_OF_PERSON, *beyond, "p1") == expected[5:8]
