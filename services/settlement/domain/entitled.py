"""What a birth, a late loss or a surgery entitles the person to: a sum that is paid later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.allowance import Base
from shared.money import Money


class EntitlementKind(StrEnum):
    """The allowance for days of leave, and the one-off nutrition subsidy."""

    ALLOWANCE = "allowance"
    NUTRITION = "nutrition"


class EntitlementState(StrEnum):
    """opened | deferred -> fixed, and each of them -> withdrawn, by a reversal or a revision; after
    the latter it may be revised again."""

    OPENED = "opened"
    DEFERRED = "deferred"
    FIXED = "fixed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """`amount` None: an allowance waits for its base. `until`: the first day on which a deferred
    one is due. `steps` is the stored JSON; `version` counts the changes, and guards each. `base` is
    what a clerk fixed an allowance from."""

    pool_code: str
    entitlement_id: UUID
    kind: EntitlementKind
    person_ref: str
    pregnancy_id: UUID | None
    settlement_id: UUID
    event: str
    days: int | None
    amount: Money | None
    state: EntitlementState
    until: str | None
    payee: str | None
    steps: str
    rates: tuple[str, ...]
    book: str
    engine: str
    opened_at: datetime
    version: int
    base: Base | None = None

    @property
    def may_be_fixed(self) -> bool:
        """Whether its amount may still be stated."""
        return self.state in (EntitlementState.OPENED, EntitlementState.DEFERRED)
