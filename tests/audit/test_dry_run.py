"""A dry run says what a rule would have found, and how far reviewers agree; it keeps nothing."""

from __future__ import annotations

from datetime import date, timedelta

from services.audit.actions.dry_run import dry_run
from services.audit.domain.dry_run import Yield
from services.audit.domain.item_group import SHIPPED_GROUPS
from services.audit.domain.rule import Rule, read_rules
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.audit.conftest import Audit
from tests.audit.events import NOW, OTHER_POOL, POOL, Telling, parts

DAY = date(2026, 3, 2)
RULE = read_rules().find("duplicate-claim", 1)


async def found(audit: Audit, since: date, until: date, rule: Rule = RULE) -> Yield:
    async with transaction(audit.pool, [AGENCY]) as tx:
        return await dry_run(tx, rule, SHIPPED_GROUPS, POOL, since, until)


async def pairs(audit: Audit) -> None:
    """Three persons with two births each, eleven days apart; the second settled a day later."""
    for number in range(3):
        for days, born in ((1, "2026-01-01"), (0, "2026-01-12")):
            telling = Telling(
                person=f"p{number}", born=born, settled_at=NOW - timedelta(days=days),
                parts=parts("100.00", f"{number + 1}0.00"),
            )  # fmt: skip
            await audit.hear(telling.settled())
    await audit.hear(Telling(pool=OTHER_POOL).settled())


async def test_hits_and_money_of_the_days_asked_for(audit: Audit) -> None:
    await pairs(audit)
    before = await audit.contents()
    day = timedelta(days=1)
    assert await found(audit, DAY - day, DAY + day) == Yield(6, 0, 3, Money(6_000), 0, 0)
    assert await found(audit, DAY - day, DAY) == Yield(3, 0, 0, Money(0), 0, 0)
    assert await found(audit, DAY, DAY + day) == Yield(3, 0, 3, Money(6_000), 0, 0)
    assert await audit.contents() == before


async def test_silence_is_counted(audit: Audit) -> None:
    await pairs(audit)
    rule = read_rules().find("not-insured", 1)
    assert await found(audit, DAY, DAY + timedelta(days=1), rule) == Yield(3, 3, 0, Money(0), 0, 0)


async def test_precision_is_of_what_was_reviewed(audit: Audit) -> None:
    await pairs(audit)
    first, second, _ = await audit.flags()
    for flag, verdict in ((first, "confirmed"), (second, "explained")):
        await audit.owner.execute(
            "insert into decision (pool_code, flag_id, number, institution_code, claim_id, outcome,"
            " amount_fen, by, approved_by, decided_at, verdict, reason_code, hearing)"
            " select pool_code, flag_id, 1, institution_code, claim_id, $2, $3, 'a', 'b', $4, $5,"
            " 'x', 'stated' from flag where flag_id::text = $1",
            flag["flag_id"],
            "deduct" if verdict == "confirmed" else "dismiss",
            100 if verdict == "confirmed" else 0,
            NOW,
            verdict,
        )
    run = await found(audit, DAY, DAY + timedelta(days=1))
    assert (run.hits, run.reviewed, run.confirmed) == (3, 2, 1)
