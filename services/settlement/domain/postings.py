"""The ledger's entries: what the fund spent, and to whom it owes it. Each entry sums to zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.pricing import Priced
from shared.money import NOTHING, Money
from shared.period import Month
from shared.policy.shapes import ExpenditureItem


class Account(StrEnum):
    """Accounts of the one fund. After the merger there is no maternity income, only a maternity
    item under the pooled fund's benefit expenditure."""

    EXPENDITURE_MATERNITY = "expenditure_maternity"
    EXPENDITURE_MEDICAL = "expenditure_medical"
    PAYABLE = "payable"
    CLEARING = "clearing"
    INCOME_CONTRIBUTION = "income_contribution"
    BANK = "bank"


_ITEM = {
    ExpenditureItem.MATERNITY: Account.EXPENDITURE_MATERNITY,
    ExpenditureItem.MEDICAL: Account.EXPENDITURE_MEDICAL,
}


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of an entry: debit positive, credit negative."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Contribution:
    """One month's contribution of one person, and when it came in."""

    pool_code: str
    contribution_id: UUID
    employer: Money
    individual: Money
    posted_at: datetime


def postings_of(priced: Priced) -> tuple[Leg, ...]:
    """The entry of a settlement: expenditure against what the hospital is owed."""
    return entry_of(priced.expenditure_item, priced.fund, priced.desk.fund)


def entry_of(item: ExpenditureItem, fund: Money, desk_fund: Money) -> tuple[Leg, ...]:
    """The entry of a claim that is charged to `item`.

    `payable` is what the receipt at the desk promised; the difference to the final amount is
    cleared with the hospital's month.
    """
    legs = (
        Leg(_ITEM[item], fund),
        Leg(Account.PAYABLE, -desk_fund),
        Leg(Account.CLEARING, desk_fund - fund),
    )
    return tuple(leg for leg in legs if leg.amount)


def income_of(employer: Money, individual: Money) -> tuple[Leg, ...]:
    """The entry of a contribution: cash basis, one income, no maternity line.

    Both shares whole: it is income of the insurance of employees. What of it belongs to personal
    accounts, and what to the pooled fund, none of our sources says.
    """
    received = employer + individual
    legs = (Leg(Account.BANK, received), Leg(Account.INCOME_CONTRIBUTION, -received))
    return tuple(leg for leg in legs if leg.amount)


def month_of_account(came_in: Month, closed_through: Month | None) -> Month:
    """The month that a contribution is posted in: the one in which it came in, or the first that
    is still open when it is heard of later."""
    if closed_through is None or came_in > closed_through:
        return came_in
    return closed_through.plus(1)


def negated(legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """The entry that undoes another."""
    return tuple(Leg(leg.account, -leg.amount) for leg in legs)


def summed(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """One entry of several: one leg an account, none of nothing."""
    sums: dict[Account, Money] = {}
    for leg in legs:
        sums[leg.account] = sums.get(leg.account, NOTHING) + leg.amount
    return tuple(Leg(account, amount) for account, amount in sums.items() if amount)
