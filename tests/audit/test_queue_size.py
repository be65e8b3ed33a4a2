"""The queue's pages and its next flag are found by an index, however many flags there are."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from services.audit.domain.flag import FlagState
from services.audit.store.queue import Asked, as_raised, by_money, counts, money_page, next_taken
from shared.plumbing.database import AGENCY, open_pool, transaction
from tests.audit.events import NOW, POOL
from tests.support.postgres import ServiceDatabases

# 50,000 flags on channels, every tenth under review; claims would only make the filling longer.
_MANY = """
insert into flag (pool_code, flag_id, institution_code, channel, month, grade, at_risk_fen, state,
                  first_by, second_by, outcome, amount_fen, proposed_by, decision, deduction, told,
                  version, raised_at)
select $1, lpad(to_hex(n), 32, '0')::uuid, 'H' || n % 100, 'c' || n, '2026-01', 'suspicious',
    n * 7919 % 1000003, case when n % 10 = 0 then 'open' else 'decided' end,
    case when n % 10 > 0 then 'r1' end, case when n % 10 > 0 then 'r2' end,
    case when n % 10 > 0 then 'dismiss' end, case when n % 10 > 0 then 0 end,
    case when n % 10 > 0 then 'r1' end, 0, 'none', 1, 1, $2
from generate_series(1, 50000) n
"""


async def test_no_page_reads_what_it_does_not_show(module_databases: ServiceDatabases) -> None:
    addresses = module_databases("audit")
    owner = await open_pool(addresses["owner"], size=1)
    await owner.execute(_MANY, POOL, NOW)
    await owner.execute("analyze flag")
    service = await open_pool(addresses["service"], size=1)
    async with transaction(service, [AGENCY]) as tx:
        first = await by_money(tx, Asked(POOL, None, None, 50))
        assert [f.at_risk for f in first] == sorted((f.at_risk for f in first), reverse=True)
        deep = Asked(POOL, None, first[-1].flag_id, 50)
        statements = [
            money_page(Asked(POOL, None, None, 50), None),
            money_page(deep, first[-1].at_risk.fen // 2),
            money_page(Asked(POOL, FlagState.OPEN, None, 50), None),
            *(
                (statement, [POOL, "r1", ["open"], NOW, NOW + timedelta(minutes=15), *more])
                for statement, more in map(next_taken, (None, "drawn-by-lot"))
            ),
            money_page(Asked(POOL, None, None, 50, family="drawn-by-lot"), None),
        ]
        for statement, given in statements:
            plan = "\n".join(row[0] for row in await tx.fetch(f"explain {statement}", *given))
            assert "flag_queue" in plan, plan
            assert "Sort" not in plan, plan
        assert await counts(tx, POOL) == {FlagState.OPEN: 5000, FlagState.DECIDED: 45000}
        raised = await as_raised(tx, Asked(POOL, None, UUID(int=100), 3))
        assert [flag.flag_id.int for flag in raised] == [101, 102, 103]
    for pool in (service, owner):
        await pool.close()


@pytest.mark.parametrize("pages", [100])
async def test_pages_by_money_follow_each_other_without_gap(
    module_databases: ServiceDatabases, pages: int
) -> None:
    addresses = module_databases("audit")
    owner = await open_pool(addresses["owner"], size=1)
    await owner.execute(_MANY, POOL, NOW)
    service = await open_pool(addresses["service"], size=1)
    seen: list[UUID] = []
    async with transaction(service, [AGENCY]) as tx:
        for _ in range(pages):
            after = seen[-1] if seen else None
            seen += [flag.flag_id for flag in await by_money(tx, Asked(POOL, None, after, 50))]
    assert len(seen) == len(set(seen)) == 50 * pages
    for pool in (service, owner):
        await pool.close()
