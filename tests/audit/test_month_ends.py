"""Births of women of whom nothing was heard before, at the end of their hospital's month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, cast

from services.audit.actions.dry_run import dry_run
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.month_end import Asked
from services.audit.domain.rule import read_rules
from services.audit.store import claims, month_ends
from shared.plumbing.database import AGENCY, Connection, transaction
from tests.audit.conftest import Audit
from tests.audit.events import NOW, OTHER_HOSPITAL, POOL, Telling

RULE = "no-prenatal-record"
LATE = {"born": "2026-02-25", "until": "2026-02-27"}


class Counted:
    """A transaction that counts what it is asked for births at a month's end."""

    def __init__(self, tx: Any) -> None:
        self._tx = tx
        self.asked = 0

    async def fetch(self, statement: str, *given: Any) -> Any:
        self.asked += "as births" in statement
        return await self._tx.fetch(statement, *given)


async def found(audit: Audit) -> list[tuple[str, str]]:
    rows = await audit.owner.fetch(
        "select claim_id::text, evidence ->> 'clustered' from finding where rule = $1"
        " order by finding_id",
        RULE,
    )
    return [tuple(row) for row in rows]


async def test_the_claim_that_fills_a_cluster_is_found_among_stored_claims(audit: Audit) -> None:
    seen_before = Telling(
        person="seen", born="2025-12-01", benefit="prenatal", settled_at=NOW - timedelta(days=60)
    )
    reversed_one = Telling(person="gone", **LATE)
    await audit.hear(
        seen_before.settled(),
        Telling(person="seen", **LATE).settled(),
        Telling(person="elsewhere", hospital=OTHER_HOSPITAL, **LATE).settled(),
        Telling(person="earlier", born="2026-02-20", until="2026-02-25").settled(),
        reversed_one.settled(),
        reversed_one.reversed(),
    )
    first, second, third = (Telling(person=f"p{n}", **LATE) for n in range(3))
    await audit.hear(first.settled())
    await audit.hear(second.settled())
    assert await found(audit) == []
    await audit.hear(third.settled())
    assert await found(audit) == [(str(third.claim_id), "3")]
    assert await audit.flags() == []  # on trial
    shown = (await audit.client("r1").get(f"/claims/{third.claim_id}")).json()
    assert RULE not in shown["judgements"][0]["silent"]
    [rule] = [rule for rule in read_rules().rules if rule.id == RULE]
    async with transaction(audit.pool, [AGENCY]) as tx:
        told = await dry_run(tx, rule, SHIPPED_GROUPS, POOL, date(2026, 1, 1), date(2026, 4, 1))
    assert (told.hits, told.silent) == (3, 0)  # over all of them each of the three is in it


async def test_a_group_is_counted_at_once_each_claim_as_it_asks(audit: Audit) -> None:
    """Red with a statement for each way of asking, or for each woman of a dry run."""
    visit = Telling(
        person="p0", born="2025-12-01", benefit="prenatal", settled_at=NOW - timedelta(days=60)
    )
    born = [Telling(person=f"p{n}", **LATE) for n in range(3)]
    early = Telling(person="early", born="2026-02-20", until="2026-02-22")
    await audit.hear(visit.settled(), early.settled(), *(one.settled() for one in born))
    [rule] = [rule for rule in read_rules().rules if rule.id == RULE]
    ways = (Asked(3, 280), Asked(10, 280), Asked(3, 5))
    async with transaction(audit.pool, [AGENCY]) as tx:
        told = {claim.claim_id: claim for claim in await claims.of_person_refs(
            tx, {(POOL, one.person) for one in born})}  # fmt: skip
        asked = {one.claim_id: (told[one.claim_id], how)
                 for one, how in zip(born, ways, strict=True)}  # fmt: skip
        counting = Counted(tx)
        counted = await month_ends.unrecorded(cast(Connection, counting), asked)
        assert [counted[one.claim_id] for one in born] == [2, 3, 3]
        assert counting.asked == 1
        counting = Counted(tx)
        told_of = await dry_run(
            cast(Connection, counting),
            rule,
            SHIPPED_GROUPS,
            POOL,
            date(2026, 1, 1),
            date(2026, 4, 1),
        )
        assert (told_of.claims, told_of.silent, counting.asked) == (5, 0, 1)
