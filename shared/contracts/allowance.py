"""What settlement tells of an entitlement, from the birth that opens it to its amount."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.contract import Amount, Contract, Day, PoolCode

Kind = Literal["allowance", "nutrition"]


class AllowanceOpened(Contract):
    """A settlement entitles a person to days of an allowance, or to the one-off subsidy.

    `amount` is null while an allowance waits for its base; `until` is the first day on which a
    deferred one is due. It is paid later, and that is told by itself.
    """

    topic: ClassVar = "maternity.settlement.allowance.v1"
    type: ClassVar = "settlement.allowance.opened"

    entitlement_id: str
    kind: Kind
    pool_code: PoolCode
    person_ref: str
    pregnancy_id: str | None
    claim_id: str
    event: Literal["birth", "loss", "family_planning"]
    days: int | None
    amount: Amount | None
    state: Literal["opened", "deferred"]
    until: Day | None
    payee: Literal["employer", "person"] | None
    opened_at: str
    book: str
    engine: str


class AllowanceFixed(Contract):
    """The amount of an allowance was counted from its base.

    Version 2 also tells `state` and `until`, the first day on which a deferred allowance is due:
    its amount may be fixed before it. It reads what version 1 wrote, which told no `until`: there
    the one of the event before still holds.
    """

    topic: ClassVar = "maternity.settlement.allowance.v1"
    type: ClassVar = "settlement.allowance.fixed"
    version: ClassVar = 2

    entitlement_id: str
    pool_code: PoolCode
    claim_id: str
    days: int | None
    amount: Amount
    payee: Literal["employer", "person"] | None
    fixed_at: str
    book: str
    engine: str
    state: Literal["fixed"] = "fixed"
    until: Day | None = None


class AllowanceRevised(Contract):
    """A late document, or a corrected state of the person, changed what an entitlement comes to.

    What it comes to from now on; `withdrawn` where the law as known now gives none. `cause` as in
    `settlement.claim.adjusted`, which tells of the same adjustment.
    """

    topic: ClassVar = "maternity.settlement.allowance.v1"
    type: ClassVar = "settlement.allowance.revised"

    entitlement_id: str
    kind: Kind
    pool_code: PoolCode
    claim_id: str
    adjustment_id: str
    cause: str
    state: Literal["opened", "deferred", "fixed", "withdrawn"]
    days: int | None
    amount: Amount | None
    until: Day | None
    payee: Literal["employer", "person"] | None
    revised_at: str
    book: str
    engine: str


class AllowanceWithdrawn(Contract):
    """The settlement that opened the entitlement was reversed."""

    topic: ClassVar = "maternity.settlement.allowance.v1"
    type: ClassVar = "settlement.allowance.withdrawn"

    entitlement_id: str
    pool_code: PoolCode
    claim_id: str
    withdrawn_at: str
