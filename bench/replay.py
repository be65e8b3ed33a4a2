"""P9: what audit needs to hear again what settlement told: inbox and rules event by event, then the
series of all of it. One process, events handed over in polls as the bus does.

Women have six prenatal visits and a birth, in fifty hospitals over three years; each claim bills
six items. Events are made outside the time measured. P9 takes a fiftieth of the million and scales
what goes event by event; the series' time, most of which is the same for any number, is added as
it was: a lower bound. P9.whole takes all of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from bench.figure import Void, say
from bench.machine import cpu_seconds, tree_cpu_seconds
from bench.stage import HOSPITALS, Stage, staged
from services.audit.domain.library import read_library
from services.audit.heard.claim import TOPIC, claim_handler
from services.audit.work.watch import watch_once
from shared.contracts.claim import ClaimSettled, ItemCharged, Parts, Posting
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.bus.record import Record
from shared.plumbing.clock import SystemClock, to_wire
from shared.plumbing.database import AGENCY, LOST, open_pool, transaction
from shared.plumbing.garbage import collect_rarely
from shared.plumbing.inbox import Inbox, consumer_of

WHOLE = 1_000_000
_PART = 50
_POLL = 500
"""As the local bus hands them over."""
_VISITS = 6
_ITEMS = 6
_FIRST = date(2023, 1, 10)
_DAYS = 1_000
_REQUIRED_SECONDS = 60
_STATEMENT_MS = 600_000
_LOST_MOST = 5


def measure(figures: set[str]) -> None:
    """Print those of P9 and P9.whole that were asked for. Raises Void."""
    for name, count in (("P9", WHOLE // _PART), ("P9.whole", WHOLE)):
        if name in figures:
            with staged("audit") as stage:
                asyncio.run(_replay(stage, name, count))


async def _replay(stage: Stage, name: str, count: int) -> None:
    dsn = stage.site.databases["audit"]["service"]
    pool = await open_pool(dsn, size=2, statement_timeout_ms=_STATEMENT_MS)
    polls = _Polls(count)
    clock = SystemClock()
    inbox = Inbox(
        consumer_of("audit", TOPIC), pool, polls, claim_handler(clock, read_library()), clock
    )
    postgres_before = tree_cpu_seconds(stage.cluster.pid)
    try:
        hearing, python, again = 0.0, 0.0, 0
        collect_rarely()  # as the service does
        while polls.make():
            began, used = time.monotonic(), cpu_seconds(os.getpid())
            again += await _taken(inbox)
            hearing += time.monotonic() - began
            python += cpu_seconds(os.getpid()) - used
        postgres = tree_cpu_seconds(stage.cluster.pid) - postgres_before
        heard = await pool.fetchval("select count(*) from inbox")
        began = time.monotonic()
        await watch_once(pool, clock, b"lot of a bench", read_library())
        series = time.monotonic() - began
        async with transaction(pool, [AGENCY]) as tx:
            flags = await tx.fetchval("select count(*) from flag")
            months = await tx.fetchval("select count(*) from series_month")
    finally:
        await pool.close()
    if heard != count or not months:
        raise Void(f"{heard} of {count} events heard, {months} months laid")
    scale = WHOLE / count
    say(
        name, hearing * scale + series, "s", required=_REQUIRED_SECONDS, runs=1, events=count,
        hearing_scaled_by=scale, inbox_and_rules_s=round(hearing, 1), series_s=round(series, 1),
        events_per_s=round(count / hearing), python_us=round(python / count * 1e6),
        postgres_us=round(postgres / count * 1e6), flags=flags,
        polls_lost=again, items_a_claim=_ITEMS,
    )  # fmt: skip


async def _taken(inbox: Inbox) -> int:
    """One poll has its effect; how often its connection was lost before, as on a machine so busy
    that a transaction idles too long. The service tries again in the same way."""
    for lost in range(_LOST_MOST):
        try:
            await inbox.take_once()
        except LOST:
            continue
        return lost
    raise Void(f"one poll lost its connection {_LOST_MOST} times")


class _Polls:
    """A bus that hands over what was made for it."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._offset = 0
        self._events = _told(random.Random(20_200_101))
        self._next: list[Record] = []

    def make(self) -> int:
        """Make the next poll; how many events it has."""
        many = min(_POLL, self._left)
        self._next = [self._record(next(self._events)) for _ in range(many)]
        self._left -= many
        return many

    def _record(self, event: ClaimSettled) -> Record:
        self._offset += 1
        headers = {
            "ce_id": str(new_id()), "ce_type": event.type, "ce_sequence": "1",
            "ce_specversion": "1.0", "ce_time": event.settled_at,
        }  # fmt: skip
        return Record(TOPIC, 0, self._offset, event.claim_id, headers, event.to_bytes())

    async def take(self) -> list[Record]:
        return self._next

    async def done(self) -> None:
        """Nothing to note: each poll is handed over once."""

    async def again(self) -> None:
        """The same poll is handed over until it is done."""

    async def close(self) -> None:
        """Nothing is open."""


def _told(drawn: random.Random) -> Iterator[ClaimSettled]:
    """Claims of one woman after the other, month after month of their pregnancies."""
    woman = 0
    while True:
        pool, hospital, level = HOSPITALS[woman % len(HOSPITALS)]
        begun = _FIRST + timedelta(days=drawn.randrange(_DAYS))
        pregnancy = str(new_id())
        age = drawn.randrange(20, 40)
        for visit in range(_VISITS + 1):
            birth = visit == _VISITS
            day = begun + timedelta(days=40 * visit)
            until = day + timedelta(days=drawn.randrange(2, 6)) if birth else day
            total = drawn.randrange(400_000, 900_000) if birth else drawn.randrange(20_000, 60_000)
            fund = total * 8 // 10
            yield ClaimSettled(
                claim_id=str(new_id()), pool_code=pool, county_code=pool,
                institution_code=hospital, institution_level=level, stay_id=str(new_id()),
                person_ref=f"person-{woman}", person_state_version=1, pregnancy_id=pregnancy,
                benefit="delivery" if birth else "prenatal", insurance_type="510",
                expenditure_item="maternity", member_kind="employee",
                mode=drawn.choice(("vaginal", "cesarean")) if birth else None,
                infants=1 if birth else None, admitted_on=day.isoformat(),
                event_on=day.isoformat(), discharged_on=until.isoformat(),
                settled_at=to_wire(datetime(until.year, until.month, until.day, 2, tzinfo=UTC)),
                account_month=f"{until:%Y-%m}", parts=_parts(total, fund), line_count=_ITEMS,
                out_of_scope="0.00", postings=[Posting(account="fund", amount=_yuan(fund))],
                book="b" * 64, engine="1", sex="female", age=age, weeks=8 + visit * 40 // 7,
                units=[], diagnoses=["O80.000" if birth else "Z34.900"], procedures=[],
                items=[_item(n, day, total // _ITEMS) for n in range(_ITEMS)],
            )  # fmt: skip
        woman += 1


def _item(number: int, day: date, fen: int) -> ItemCharged:
    return ItemCharged(
        code=f"exam-{number}", quantity="1", amount=_yuan(fen), in_scope=_yuan(fen),
        first_on=day.isoformat(), last_on=day.isoformat(), lines=1, days=1,
    )  # fmt: skip


def _parts(total: int, fund: int) -> Parts:
    member = _yuan(total - fund)
    return Parts(
        total=_yuan(total), fund=_yuan(fund), member=member, member_account="0.00",
        member_cash=member, institution="0.00", other_fund="0.00", desk_fund=_yuan(fund),
        desk_member=member,
    )  # fmt: skip


def _yuan(fen: int) -> str:
    return Money(fen).to_wire()
