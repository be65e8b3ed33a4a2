"""What of a claim its findings dispute, as settlement is asked to price the claim without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from services.audit.domain.claim import Claim, ItemCharged
from services.audit.domain.coding import MissingProcedure
from services.audit.domain.item_group import ItemGroups
from services.audit.domain.items import (
    DaysBeyondStay,
    ForbiddenItem,
    MissingItem,
    MoreLinesThanDays,
    OutsideStay,
    TooOften,
)
from services.audit.domain.listed_prices import AboveListPrice, SecondProcedureInFull
from services.audit.domain.rule import Rule
from shared.money import NOTHING, Money, RoundingMode

PLAIN_MODE = "vaginal"
"""How a birth counts whose operation nothing proves."""


@dataclass(frozen=True, slots=True)
class Questioned:
    """A finding as the dispute needs it: its rule, what it said, and what it took for at risk."""

    rule: Rule
    evidence: Mapping[str, str]
    at_risk: Money


@dataclass(frozen=True, slots=True)
class Dispute:
    """By how much items were billed too high, by code, and the mode as it should have been."""

    less: Mapping[str, Money]
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class AtStake:
    """What fund, member and hospital bear because of what is disputed; a part may be negative, as
    under a quota that contains the member's share. `book` is that of the prices."""

    fund: Money
    member: Money
    institution: Money
    book: str


def dispute_of(claim: Claim, found: Sequence[Questioned], groups: ItemGroups) -> Dispute | None:
    """What the findings of one flag dispute together; `groups` are those of the claim's pool.

    None where a finding questions the whole claim or what only people can say: then what the
    rules took for at risk stands.
    """
    less: dict[str, Money] = {}
    mode = None
    for one in found:
        asked = one.rule.parameters
        if isinstance(asked, MissingProcedure) or (isinstance(asked, MissingItem) and asked.modes):
            mode = PLAIN_MODE
            continue
        items = _questioned_items(claim, one, groups)
        if not items:
            return None
        for code, amount in _spread(_amount(one), items).items():
            less[code] = less.get(code, NOTHING) + amount
    billed = {item.code: item.amount for item in claim.items or ()}
    held = {code: min(amount, billed[code]) for code, amount in less.items() if amount}
    return Dispute(held, mode) if held or mode else None


def _amount(one: Questioned) -> Money:
    told = one.evidence.get("amount")
    return one.at_risk if told is None else Money.from_wire(told)


def _questioned_items(claim: Claim, one: Questioned, groups: ItemGroups) -> list[ItemCharged]:
    items, asked = list(claim.items or ()), one.rule.parameters
    if isinstance(asked, DaysBeyondStay | TooOften | ForbiddenItem):
        return [item for item in items if asked.group in groups.of(item.code)]
    if isinstance(asked, OutsideStay | MoreLinesThanDays | AboveListPrice | SecondProcedureInFull):
        codes = one.evidence["items"].partition(" (+")[0].split(", ")
        return [item for item in items if item.code in codes]
    return []


def _spread(amount: Money, items: Sequence[ItemCharged]) -> dict[str, Money]:
    """An amount over items by what they were billed at, none above that; it sums to the fen."""
    whole = Money.total(item.amount for item in items)
    if not whole:
        return {}
    amount = min(amount, whole)
    reached = [
        amount.ratio(billed.fen, whole.fen, RoundingMode.HALF_UP)
        for billed in accumulate((item.amount for item in items), initial=NOTHING)
    ]
    return {
        item.code: upto - before
        for item, (before, upto) in zip(items, pairwise(reached), strict=True)
    }
