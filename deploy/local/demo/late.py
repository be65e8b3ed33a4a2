"""The document that comes late: the book without it, the book with it, and the claims that it
changes, priced again and decided on by two people."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from deploy.local.demo.care import at
from deploy.local.demo.plan import MONTHS, late_on
from services.settlement.actions.decide_adjustment import reject_adjustment, release_adjustment
from services.settlement.actions.reconsider import Range, Reconsideration, reconsider
from services.settlement.actions.scene import Scene
from services.settlement.domain.adjustment import Adjustment, AdjustmentState
from services.settlement.store import adjustments
from shared.ids import NO_ID
from shared.period import Month
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, allowance, compile_book

POOL = "110000"
LATE = "standards-2020.toml"
"""The pool's document that the agency gets to know late: until then the older standards rule."""
WAIT = 3
"""How many proposals still wait; the one before them is rejected."""
A_DAY = 40
"""How many a clerk decides in a day."""


@dataclass(frozen=True, slots=True)
class Books:
    """The two books that are current one after the other."""

    first: Book
    second: Book
    changed_at: datetime

    def at(self, moment: datetime) -> Book:
        """The book that is current at a moment."""
        return self.first if moment < self.changed_at else self.second


class NotDecided(Exception):
    """Reconsidering or deciding was refused."""


def books(today: date) -> Books:
    """The built-in book, and before it the same without the late document."""
    allow = allowance("demo", [])
    with tempfile.TemporaryDirectory() as folder:
        pools = Path(folder) / "pools"
        shutil.copytree(BUILT_IN, pools)
        (late,) = pools.glob(f"{POOL}-*/{LATE}")
        late.unlink()
        first = compile_book((pools,), allow)
    return Books(first, compile_book(allow=allow), at(late_on(today), 9))


async def adjust(settlement: Pool, known: Books, today: date) -> None:
    """A clerk prices the pool's claims again; another releases what that proposes, rejects one, and
    leaves the newest waiting. Raises NotDecided."""
    day = known.changed_at + timedelta(days=1)
    proposed = await _proposed(settlement, known.second, Month.of(today).plus(-MONTHS), day)
    # Visits of one pregnancy are decided together: one that waits would be released with another.
    *decidable, rejected = [one for one in proposed if not one.corrections][:-WAIT]
    visits = [one for one in proposed if one.corrections]
    for number, one in enumerate([*decidable, *visits, rejected], 1):
        decide = reject_adjustment if one is rejected else release_adjustment
        moment = day + timedelta(days=2 + number // A_DAY, minutes=number % A_DAY * 10)
        async with transaction(settlement, [AGENCY]) as tx:
            found = await adjustments.find(tx, POOL, one.adjustment_id)
            if found is not None and found.state is not AdjustmentState.PROPOSED:
                continue
            decided = await decide(tx, _scene("b", moment), one.adjustment_id)
        if not isinstance(decided, Adjustment):
            raise NotDecided(f"deciding: {decided}")


async def _proposed(settlement: Pool, book: Book, first: Month, day: datetime) -> list[Adjustment]:
    """What pricing all claims again proposes, oldest first; their ids differ with each making."""
    proposed: list[Adjustment] = []
    after: UUID | None = NO_ID
    while after is not None:
        which = Range(first.first_day(), day.date(), "", after)
        async with transaction(settlement, [AGENCY]) as tx:
            done = await reconsider(tx, _scene("a", day), book, which)
        if not isinstance(done, Reconsideration) or done.refused:
            raise NotDecided(f"reconsidering: {done}")
        proposed += done.proposed
        after = done.after
    return sorted(proposed, key=lambda one: (one.rule_on, one.shares.total, one.shares.fund))


def _scene(clerk: str, moment: datetime) -> Scene:
    return Scene(POOL, "", f"clerk-{POOL}-{clerk}", f"demo-{moment:%Y%m%d}", moment)
