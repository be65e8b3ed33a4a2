"""P19: all claims on one fund, beside as many spread on 500, in interleaved pairs.

A fund is a pool's. The 500 are copies of a built-in pool under codes of their own, in a book laid
beside the shipped one; each has one hospital, and the one fund has 500 of them.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from bench.figure import Void, say, spread
from bench.stage import POOLS, Load, Stage, staged
from bench.stays import faults, lay
from services.settlement.domain.pricing import ENGINE
from shared.plumbing.auth import add_client
from shared.plumbing.clock import SystemClock
from shared.plumbing.database import open_pool
from shared.policy.book import Book
from shared.policy.compiler import compile_book, demo_allowance

FUNDS = 500
PAIRS = 5
SECONDS = 8
_STAYS = 30_000
_NOTICE_SECONDS = 15  # every process reads the book before it is current
_ONE = "900000"
Hospitals = Sequence[tuple[str, str, int]]
SPREAD: Hospitals = [(f"{900_001 + n}", f"S{n:05d}", 3) for n in range(FUNDS)]
TOGETHER: Hospitals = [(_ONE, f"T{n:05d}", 3) for n in range(FUNDS)]

_APPOINT = """
with archived as (insert into book values ($1, $2, $3, $4) returning hash)
insert into book_appointment (hash, proposed_by, proposed_at, approved_by, effective_at)
select hash, 'bench-1', $4, 'bench-2', $5 from archived
"""
_AGREE = """
insert into agreement
select pool, code, level, daterange('2020-01-01', null), 'bench', $4
from unnest($1::text[], $2::text[], $3::int[]) a(pool, code, level)
"""
# What a fund spends is what its settlements say, and each fund's ledger adds up by itself.
_UNEVEN = """
select s.pool_code
from (select pool_code, sum(fund_fen) as fund from settlement group by 1) s
left join (select pool_code, sum(amount_fen) as rest,
                  sum(amount_fen) filter (where account like 'expenditure%') as spent
           from posting group by 1) p using (pool_code)
where p.rest <> 0 or coalesce(p.spent, 0) <> s.fund
"""


def measure(figures: set[str]) -> None:
    """Print P19. Raises Void."""
    assert figures == {"P19"}
    with staged() as stage:
        stage.up()
        asyncio.run(_found(stage))
        settled = sum(_settle(stage, places, 2_000, 3).done for places in (TOGETHER, SPREAD))
        pairs: list[tuple[Load, Load]] = []
        for at in range(PAIRS):
            order = (TOGETHER, SPREAD) if at % 2 else (SPREAD, TOGETHER)
            taken = [_settle(stage, places, _STAYS, SECONDS) for places in order]
            settled += sum(load.done for load in taken)
            one, many = taken if at % 2 else reversed(taken)
            pairs.append((one, many))
        wrong = asyncio.run(faults(stage.dsn, settled))
        wrong += [f"fund {pool} does not balance" for pool in asyncio.run(_uneven(stage))]
    if wrong:
        raise Void("; ".join(wrong[:5]))
    ratios = [one.rate / many.rate for one, many in pairs]
    say(
        "P19", statistics.median(one.rate for one, _ in pairs), "settlements/s",
        ceiling=statistics.median(many.rate for _, many in pairs),
        ratio=statistics.median(ratios), spread=spread(ratios), required=0.9, funds=FUNDS,
        cpu_us=round(statistics.median(one.cpu_us for one, _ in pairs)),
        cpu_us_spread_on_500=round(statistics.median(many.cpu_us for _, many in pairs)),
    )  # fmt: skip


async def _found(stage: Stage) -> None:
    """Found the funds: their book, their hospitals, and the credentials of these."""
    built_in = compile_book(allow=demo_allowance())
    codes = [_ONE, *(pool for pool, _, _ in SPREAD)]
    sheets = [sheet for sheet in built_in.sheets if sheet.pool == POOLS[1]]
    documents = [document for document in built_in.documents if document.pool == POOLS[1]]
    book = Book(
        [*built_in.sheets, *(s.model_copy(update={"pool": c}) for c in codes for s in sheets)],
        [
            *built_in.documents,
            *(d.model_copy(update={"pool": c}) for c in codes for d in documents),
        ],
    )
    now, hospitals = SystemClock().now(), [*SPREAD, *TOGETHER]
    laying = await asyncpg.connect(stage.laying_dsn)
    try:
        effective = now + timedelta(seconds=_NOTICE_SECONDS)
        await laying.execute(_APPOINT, book.hash, ENGINE, book.to_bytes(), now, effective)
        pools, names, levels = zip(*hospitals, strict=True)
        await laying.execute(_AGREE, pools, names, levels, now)
    finally:
        await laying.close()
    owner = await open_pool(stage.dsn, size=1)
    try:
        for pool, code, _ in hospitals:
            await add_client(
                owner, client_id=code, role="hospital", pool_code=pool, institution_code=code,
                at=now, secret=stage.site.keys.client_secret(code),
            )  # fmt: skip
    finally:
        await owner.close()
    await asyncio.sleep(_NOTICE_SECONDS + 5)


def _settle(stage: Stage, places: Hospitals, stays: int, seconds: float) -> Load:
    fresh = asyncio.run(lay(stage.laying_dsn, stays, lines=1, hospitals=places))
    load = stage.settle(fresh, seconds)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load


async def _uneven(stage: Stage) -> list[str]:
    connection = await asyncpg.connect(stage.dsn)
    try:
        return [row["pool_code"] for row in await connection.fetch(_UNEVEN)]
    finally:
        await connection.close()
