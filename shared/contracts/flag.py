"""What audit tells of a flag, from raising to the decision that becomes a deduction.

Version 2 tells flags that stand on a channel of an institution since a month, too: those have no
`claim_id` and no rule. It reads what version 1 wrote, which told flags on claims alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.contract import Amount, Contract, MonthText, PoolCode, Shape


class LineAmount(Shape):
    """What of an amount is one fee line's."""

    line_number: int
    amount: Amount


class FlagRaised(Contract):
    """Findings on a claim wait for review."""

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.raised"
    version: ClassVar = 2

    flag_id: str
    claim_id: str | None
    pool_code: PoolCode
    institution_code: str
    rule_family: str | None
    rule: str | None
    rule_version: int | None
    grade: Literal["violation", "suspicious"]
    amount_at_risk: Amount
    raised_at: str
    channel: str | None = None
    month: MonthText | None = None


class FlagDecided(Contract):
    """Two people decided; a `deduct` or `recover` asks settlement to take the amount back.

    `decision` counts the decisions of this flag 1, 2 ...: a reopened flag is decided anew, and the
    later decision stands instead of the earlier: a lower amount, or a dismissal, gives back what
    was taken. `lines` say what of the amount is which fee line's, where people said so; `uphold`
    confirms without money. Version 2 adds them, and `verdict`.
    """

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.decided"
    version: ClassVar = 2

    flag_id: str
    claim_id: str | None
    pool_code: PoolCode
    institution_code: str
    decision: int
    outcome: Literal["deduct", "recover", "uphold", "dismiss"]
    amount: Amount
    decided_at: str
    channel: str | None = None
    month: MonthText | None = None
    verdict: Literal["confirmed", "explained", "data-error", "unclear"] | None = None
    lines: Annotated[list[LineAmount], Field(default_factory=list)]


class FlagReopened(Contract):
    """A deduction was refused, or the claim was reversed: people look again."""

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.reopened"
    version: ClassVar = 2

    flag_id: str
    claim_id: str | None
    pool_code: PoolCode
    institution_code: str
    reason: str
    reopened_at: str
    channel: str | None = None
    month: MonthText | None = None
