"""Find which flags' money is not known yet, and keep what settlement said of it.

Between the two lies a call to settlement, which no transaction waits for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.audit.domain.claim import Claim
from services.audit.domain.dispute import Dispute, Questioned, dispute_of
from services.audit.domain.flag import Flag
from services.audit.domain.rule import RuleBook
from services.audit.store import claims, findings, money_at_risk
from services.audit.store.findings import StoredFinding
from services.audit.store.money_at_risk import Asked
from shared.plumbing.database import Connection


@dataclass(frozen=True, slots=True)
class Open:
    """A flag whose money is to be asked for; without a dispute nothing is. `gone` are the versions
    of rules that found something and are no longer in the book: what they dispute nobody knows."""

    flag: Flag
    dispute: Dispute | None
    gone: Sequence[str] = ()


async def flags_to_price(
    tx: Connection, book: RuleBook, most: int, behind: Sequence[UUID] = ()
) -> list[Open]:
    """The next flags, the most to recover first and those `behind` last, with what their findings
    dispute."""
    found = []
    for flag in await money_at_risk.due(tx, most, behind):
        claim = await claims.find(tx, flag.pool_code, flag.claim_id) if flag.claim_id else None
        if claim is None:
            found.append(Open(flag, None))
        else:
            stored = await findings.of_flag(tx, flag.pool_code, flag.flag_id)
            found.append(_open(flag, claim, stored, book))
    return found


def _open(flag: Flag, claim: Claim, stored: Sequence[StoredFinding], book: RuleBook) -> Open:
    questioned, gone = [], []
    for one in stored:
        rule = book.find(one.rule, one.rule_version)
        if rule is None:
            gone.append(f"{one.rule}.{one.rule_version}")
        else:
            questioned.append(Questioned(rule, one.evidence, one.at_risk))
    if gone:
        return Open(flag, None, gone)
    return Open(flag, dispute_of(claim, questioned, book.groups.of_pool(claim.pool_code)))


async def note_prices(tx: Connection, answers: Sequence[Asked], at: datetime) -> None:
    """Keep what was answered; `at` is when it was asked."""
    await money_at_risk.write(tx, answers, at)
