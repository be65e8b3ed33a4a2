"""P10: how many cases a second the pricing core alone decides, on one core.

`python -m bench.pricing` prints one JSON line: the median of five runs, and their spread.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from datetime import date, timedelta

from bench.figure import say, spread
from services.settlement.domain.case import Case, Dates
from services.settlement.domain.cost import Cost
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.institution import Institution
from services.settlement.domain.member import Member
from services.settlement.domain.pricing import Priced, price
from shared.money import Money
from shared.period import Month
from shared.policy.book import Book
from shared.policy.cells import DELIVERY
from shared.policy.compiler import compile_book, demo_allowance
from shared.policy.shapes import DeliveryMode, MemberKind

RUNS = 5
CASES = 40_000
FIRST_DAY = date(2023, 7, 1)
DAYS = 730
KNOWN_ON = FIRST_DAY + timedelta(days=DAYS)


def some_cases(book: Book, count: int, seed: int = 1) -> list[Case]:
    """Deliveries of two years in all pools, of every mode and level, of kinds that they pay."""
    drawn = random.Random(seed)
    pools = sorted({pool for pool, cell, _ in book.parameters() if cell == DELIVERY.name})
    kinds = [MemberKind.EMPLOYEE, MemberKind.EMPLOYEE, MemberKind.FLEXIBLE]
    places = [(pool, kind) for pool in pools for kind in kinds if _paid(pool, kind, book)]
    return [_some_case(drawn, *drawn.choice(places)) for _ in range(count)]


def _paid(pool: str, kind: MemberKind, book: Book) -> bool:
    """Whether a pool pays the births of a kind of member from the first day on."""
    return isinstance(price(_some_case(random.Random(1), pool, kind, FIRST_DAY), book), Priced)


def _some_case(drawn: random.Random, pool: str, kind: MemberKind, on: date | None = None) -> Case:
    day = on or FIRST_DAY + timedelta(days=drawn.randrange(DAYS))
    in_scope = Money(drawn.randrange(200_000, 1_500_000))
    outside = Money(drawn.randrange(0, 80_000))
    return Case(
        pool=pool,
        member=Member(kind, drawn.randrange(24, 60), Month.of(day)),
        claimed=Delivery(drawn.choice(list(DeliveryMode)), drawn.choice([1] * 30 + [2])),
        dates=Dates.all_on(day),
        known_on=KNOWN_ON,
        institution=Institution(drawn.choice([1, 2, 3])),
        cost=Cost(in_scope + outside, in_scope, outside),
    )


def rates_of_runs() -> list[float]:
    """Cases a second of one core's time, run by run: other programs on the machine do not count."""
    book = compile_book(allow=demo_allowance())
    cases = some_cases(book, CASES)
    gc.collect()
    gc.freeze()  # as a serving process does once it stands
    rates = []
    for _ in range(RUNS + 1):
        start = time.process_time()
        for case in cases:
            decided = price(case, book)
            assert isinstance(decided, Priced)
        rates.append(CASES / (time.process_time() - start))
    return rates[1:]  # the first run fills the memo of days


def measure(_: set[str]) -> None:
    """Print P10."""
    rates = rates_of_runs()
    say("P10", statistics.median(rates), "cases/s", spread=spread(rates), required=20_000)


if __name__ == "__main__":
    measure({"P10"})
