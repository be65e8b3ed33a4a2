"""The command `reprice`: what stored claims would come to under another book; nothing is stored."""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from services.settlement.domain.adjustment import judge_again
from services.settlement.domain.what_if import Borne, Tally, together
from services.settlement.store import history
from services.settlement.store.history import Stored
from shared.plumbing.clock import business_day
from shared.plumbing.database import AGENCY, Connection, open_pool, transaction
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance

KNOWS_ALL = date.max
"""A what-if knows every document of its book, also one that is not published yet."""

_STATEMENT_MS = 600_000
_TELL_SECONDS = 1

Place = tuple[str, str, str]
"""Pool, hospital, benefit."""


def reprice_command(
    dsn: str, policy_dirs: Sequence[Path], since: date, until: date, *, processes: int,
    done: Callable[[int], None], say: Callable[[str], None],
) -> None:  # fmt: skip
    """Price the claims of a range of rule dates again, and `say` one JSON line for each pool,
    hospital and benefit, then one for all. `done` hears how many are priced so far.

    Each of the `processes` takes a part of the claims, as of its own moment. The book is the
    built-in one with the folders of `policy_dirs` laid over it. Raises PolicyFaults.
    """
    book = what_if_book(policy_dirs)
    found: list[dict[Place, Tally]] = []
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(processes, context, _begin, (counter,)) as pool:
        running = {
            pool.submit(_part, dsn, book.to_bytes(), since, until, part, processes)
            for part in range(processes)
        }
        while running:
            ready, running = wait(running, timeout=_TELL_SECONDS)
            found += [part.result() for part in ready]
            done(counter.value)
    whole: dict[Place, Tally] = {
        place: together(part[place] for part in found if place in part)
        for place in sorted(set().union(*found))
    }
    for (pool_code, institution, benefit), tally in whole.items():
        of = {"pool": pool_code, "institution_code": institution, "benefit": benefit}
        say(json.dumps(of | _shown(tally)))
    left_out = asyncio.run(_left_out(dsn, since, until))
    total = {"total": True} | _shown(together(whole.values()))
    say(json.dumps(total | {"left_out": left_out, "book": book.hash}))


_counter: Any = None


def _begin(counter: Any) -> None:
    global _counter
    _counter = counter
    gc.disable()  # claims leave no cycles behind, and looking for some cost a quarter


def _part(
    dsn: str, book: bytes, since: date, until: date, part: int, parts: int
) -> dict[Place, Tally]:
    return asyncio.run(_tallied(dsn, Book.from_bytes(book), since, until, part, parts))


async def _tallied(
    dsn: str, book: Book, since: date, until: date, part: int, parts: int
) -> dict[Place, Tally]:
    tallies: dict[Place, Tally] = defaultdict(Tally)
    async with _reading(dsn) as tx:
        async for batch in history.standing_claims(tx, since, until, part, parts):
            for claim in batch:
                _count(tallies, claim, book)
            with _counter.get_lock():
                _counter.value += len(batch)
    return dict(tallies)


def _count(tallies: dict[Place, Tally], claim: Stored, book: Book) -> None:
    stay = claim.stay
    judged = judge_again(
        stay, claim.level, claim.pregnancy, claim.person, book, KNOWS_ALL, claim.settled_at,
        business_day(claim.settled_at),
    )  # fmt: skip
    tallies[stay.pool_code, stay.institution_code, claim.benefit].count(claim.stands, judged)


async def _left_out(dsn: str, since: date, until: date) -> int:
    async with _reading(dsn) as tx:
        return await history.left_out(tx, since, until)


def what_if_book(policy_dirs: Sequence[Path]) -> Book:
    """The built-in book with further folders. A folder of a built-in pool's code is laid over that
    pool's: a file of the same name takes its place, others come beside. Raises PolicyFaults."""
    with tempfile.TemporaryDirectory() as place:
        laid = Path(place)
        for folders in (BUILT_IN, *policy_dirs):
            for pool in (path for path in sorted(folders.iterdir()) if path.is_dir()):
                _lay(pool, laid)
        return compile_book((laid,), demo_allowance((laid,)))


def _lay(pool: Path, laid: Path) -> None:
    code = pool.name.split("-")[0]
    (into, *_) = [*laid.glob(f"{code}-*"), laid / pool.name]
    into.mkdir(exist_ok=True)
    for file in pool.glob("*.toml"):
        (into / file.name).write_bytes(file.read_bytes())


@asynccontextmanager
async def _reading(dsn: str) -> AsyncIterator[Connection]:
    pool = await open_pool(dsn, size=1, statement_timeout_ms=_STATEMENT_MS)
    try:
        async with transaction(pool, [AGENCY]) as tx:
            await tx.execute("set transaction read only")
            yield tx
    finally:
        await pool.close()


def _shown(tally: Tally) -> dict[str, Any]:
    return {
        "claims": tally.claims,
        "changed": tally.changed,
        "before": _borne(tally.before),
        "after": _borne(tally.after),
        "refused": tally.refused,
        "refused_fund": tally.refused_fund.to_wire(),
    }


def _borne(borne: Borne) -> dict[str, str]:
    return {
        "fund": borne.fund.to_wire(),
        "member": borne.member.to_wire(),
        "institution": borne.institution.to_wire(),
    }
