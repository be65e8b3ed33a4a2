"""What audit tells of a flag, from raising to the decision that becomes a deduction."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.contracts.contract import Amount, Contract, PoolCode


class FlagRaised(Contract):
    """Findings on a claim wait for review."""

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.raised"

    flag_id: str
    claim_id: str
    pool_code: PoolCode
    institution_code: str
    rule_family: str
    rule: str
    rule_version: int
    grade: Literal["violation", "suspicious"]
    amount_at_risk: Amount
    raised_at: str


class FlagDecided(Contract):
    """Two people decided; a `deduct` asks settlement to deduct the amount.

    `decision` counts the decisions of this flag 1, 2 ...: a reopened flag is decided anew.
    """

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.decided"

    flag_id: str
    claim_id: str
    pool_code: PoolCode
    institution_code: str
    decision: int
    outcome: Literal["deduct", "dismiss"]
    amount: Amount
    decided_at: str


class FlagReopened(Contract):
    """A deduction was refused, or the claim was reversed: people look again."""

    topic: ClassVar = "maternity.audit.flag.v1"
    type: ClassVar = "audit.flag.reopened"

    flag_id: str
    claim_id: str
    pool_code: PoolCode
    institution_code: str
    reason: str
    reopened_at: str
