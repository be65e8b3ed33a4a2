"""Find which flags' money is not known yet, and keep what settlement said of it.

Between the two lies a call to settlement, which no transaction waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.audit.domain.dispute import Dispute, Questioned, dispute_of
from services.audit.domain.flag import Flag
from services.audit.domain.rule import RuleBook
from services.audit.store import claims, findings, money_at_risk
from services.audit.store.money_at_risk import Asked
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Open:
    """A flag whose money is to be asked for; without a dispute nothing is."""

    flag: Flag
    dispute: Dispute | None


async def flags_to_price(
    tx: Connection, book: RuleBook, most: int, behind: Sequence[UUID] = ()
) -> list[Open]:
    """The next flags, the most to recover first and those `behind` last, with what their findings
    dispute."""
    found = []
    for flag in await money_at_risk.due(tx, most, behind):
        dispute = None
        claim = await claims.find(tx, flag.pool_code, flag.claim_id) if flag.claim_id else None
        if claim is not None:
            stored = await findings.of_flag(tx, flag.pool_code, flag.flag_id)
            dispute = dispute_of(
                claim,
                [
                    Questioned(book.find(one.rule, one.rule_version), one.evidence, one.at_risk)
                    for one in stored
                ],
                book.groups.of_pool(claim.pool_code),
            )
        found.append(Open(flag, dispute))
    return found


async def note_prices(tx: Connection, answers: Sequence[Asked], at: datetime) -> None:
    """Keep what was answered; `at` is when it was asked."""
    await money_at_risk.write(tx, answers, at)
