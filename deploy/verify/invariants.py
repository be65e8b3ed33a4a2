"""All invariants in their order: what each says, and its check or why it has none yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.verify import (
    deeds,
    entitlement,
    events,
    hearing,
    hospital_books,
    limits,
    money,
    once,
    reconciliation,
    states,
)
from deploy.verify.stores import Stores

Check = Callable[[Stores], Awaitable[list[str]]]

SHOWN_MOST = 3


@dataclass(frozen=True)
class Invariant:
    """A statement that must hold; `check` returns what breaks it, `not_yet` says why none does."""

    id: str
    title: str
    check: Check | None = None
    not_yet: str = ""

    async def line(self, stores: Stores) -> str:
        """`M01 ok`, `M01 FAIL: what`, or `M01 n/a: reason`. A check that breaks down fails."""
        if self.check is None:
            return f"{self.id} n/a: {self.not_yet}"
        try:
            wrong = await self.check(stores)
        except Exception as error:
            return f"{self.id} FAIL: the check broke down: {type(error).__name__}"
        if not wrong:
            return f"{self.id} ok"
        more = f" and {len(wrong) - SHOWN_MOST} more" if len(wrong) > SHOWN_MOST else ""
        return f"{self.id} FAIL: {self.title}: {'; '.join(wrong[:SHOWN_MOST])}{more}"


INVARIANTS = (
    Invariant("M01", "parts make the bill", money.m01),
    Invariant("M02", "lines make the bill", money.m02),
    Invariant("M03", "entries balance", money.m03),
    Invariant("M04", "closed months equal their postings", money.m04),
    Invariant("M05", "settlements equal the ledger", money.m05),
    Invariant("M06", "one item of the one fund", money.m06),
    Invariant("M07", "never above the cap", limits.m07),
    Invariant("M08", "the rate was in force, and gives the same price again", money.m08),
    Invariant("M09", "allowance arithmetic", not_yet="allowances are fixed, but not paid yet"),
    Invariant("O01", "one answer a key, and its effect", once.o01),
    Invariant("O02", "one standing settlement a stay", once.o02),
    Invariant("O03", "one standing birth or loss a pregnancy", once.o03),
    Invariant("O04", "a head once", once.o04),
    Invariant("O05", "no service by two methods", once.o05),
    Invariant("O06", "units in bounds", once.o06),
    Invariant("O07", "one allowance, one subsidy", once.o07),
    Invariant("O08", "a reversal undoes exactly", once.o08),
    Invariant("O09", "pregnancies apart", once.o09),
    Invariant("O10", "one institution", once.o10),
    Invariant("E01", "paid only while entitled", entitlement.e01),
    Invariant("E02", "one person, one record, spells apart", entitlement.e02),
    Invariant("E03", "settled by a true and current state", entitlement.e03),
    Invariant(
        "E04", "contribution arithmetic",
        not_yet="enrollment names its book but does not archive it, so nothing can be made again",
    ),
    Invariant("V01", "state and event together", events.v01),
    Invariant("V02", "all that was told is on the bus", events.v02),
    Invariant("V03", "copies are the same", events.v03),
    Invariant("V04", "in order, in one partition", events.v04),
    Invariant("V05", "audit sees what settlement told", hearing.v05),
    Invariant("V06", "one effect an event", hearing.v06),
    Invariant("V07", "everything was heard", hearing.v07),
    Invariant("V08", "hearing again changes nothing", hearing.v08),
    Invariant("V09", "nothing personal", events.v09),
    Invariant("S01", "lawful steps only", states.s01),
    Invariant("S02", "nothing edited since the last run", states.s02),
    Invariant("S03", "the log is whole", states.s03),
    Invariant("S04", "two people", states.s04),
    Invariant("S05", "every act is logged", deeds.s05),
    Invariant("S06", "every settlement was judged", deeds.s06),
    Invariant("S07", "decisions reach the money", deeds.s07),
    Invariant("R01", "statements equal details", not_yet="monthly statements are not offered yet"),
    Invariant("R02", "the hospital's list", hospital_books.r02),
    Invariant("R03", "the tenant wall", reconciliation.r03),
    Invariant("R04", "months of Shanghai", reconciliation.r04),
    Invariant("R05", "statistics equal their base", not_yet="no statistics are published yet"),
    Invariant("R06", "no work is stuck", reconciliation.r06),
)  # fmt: skip
