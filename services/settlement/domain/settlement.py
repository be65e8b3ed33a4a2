"""A settlement as it stands for ever, and what may be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.pricing import Priced
from shared.money import Money


class ClaimState(StrEnum):
    """settled -> reversed, for good; settling again makes a new claim."""

    SETTLED = "settled"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Shares:
    """Who bears which part. total = fund + member + institution + other_fund."""

    total: Money
    fund: Money
    member: Money
    member_account: Money
    member_cash: Money
    institution: Money
    other_fund: Money
    desk_fund: Money
    desk_member: Money

    def negated(self) -> Shares:
        """The exact negative of every part."""
        return Shares(*(-getattr(self, field.name) for field in fields(self)))


def shares_of(priced: Priced) -> Shares:
    """The parts of a priced case."""
    return Shares(
        total=priced.total,
        fund=priced.fund,
        member=priced.member,
        member_account=priced.member_account,
        member_cash=priced.member_cash,
        institution=priced.institution,
        other_fund=priced.other_fund,
        desk_fund=priced.desk.fund,
        desk_member=priced.desk.member,
    )


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement, or the reversal of one (`reverses`). `steps` is the stored JSON.

    Only a delivery has `mode` and `infants`; only family planning may have no pregnancy.
    """

    pool_code: str
    settlement_id: UUID
    reverses: UUID | None
    institution_code: str
    institution_level: int
    stay_id: UUID
    stay_version: int
    pregnancy_id: UUID | None
    person_ref: str
    state_version: int
    county_code: str
    member_kind: str
    benefit: str
    insurance_type: str
    expenditure_item: str
    mode: str | None
    infants: int | None
    admitted_on: date
    event_on: date
    discharged_on: date
    rule_on: date
    shares: Shares
    line_count: int
    steps: str
    rates: tuple[str, ...]
    book: str
    engine: str
    settled_at: datetime
    account_month: date
    actor: str


def unreversed(made: Sequence[Settlement]) -> Settlement | None:
    """The settlement of a stay that stands, whatever order all that was made of it comes in."""
    undone = {one.reverses for one in made}
    return next(
        (one for one in made if one.reverses is None and one.settlement_id not in undone), None
    )


def bill_stands(one: Settlement, made: Sequence[Settlement], version: int) -> bool:
    """Whether a stay of this version still has the bill that was settled, or undone, by `one`.

    Settling and undoing count the stay's version by one each, and leave its lines alone; a version
    beyond them is a change of the stay, and may be one of its lines.
    """
    since = sum(other.stay_version >= one.stay_version for other in made)
    return version == one.stay_version + since
