"""What the demo's plan is made of: persons, their pregnancies, and each stay or visit of theirs.

Nothing here decides money: a plan says what was done and charged, the services what it is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from deploy.local.demo.town import Hospital
from services.settlement.domain.claimed import Medical
from services.settlement.domain.delivery import Delivery
from shared.plumbing.clock import TIME_ZONE


@dataclass(frozen=True, slots=True)
class Move:
    """From `on` she is insured in another pool."""

    pool_code: str
    on: date
    county_code: str
    employer: str


@dataclass(frozen=True, slots=True)
class Mother:
    """A made-up person; `employer` is None for a flexible member. `base_fen` a month.

    `months_paid` are booked up to the month of her first stay or visit, all together.
    """

    pool_code: str
    id_number: str
    name: str
    county_code: str
    employer: str | None
    insured_since: date
    base_fen: int
    months_paid: int
    registered_at: datetime
    moves: Move | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """From `on` the pregnancy is entrusted to another hospital."""

    hospital: Hospital
    on: date


@dataclass(frozen=True, slots=True)
class Carrying:
    """A pregnancy, as the hospital that it is first entrusted to registers it."""

    since: date
    noted_at: datetime
    hospital: Hospital
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee line, priced in fen."""

    item_code: str
    charged_on: date
    quantity: int
    price_fen: int


@dataclass(frozen=True, slots=True)
class Care:
    """One stay or visit from admission to settlement. `again` tells that it claims the mother's
    birth once more. Diagnoses and procedures are as the hospital codes them.

    `planted` are the irregularities that it is part of, by id. What happens to it later: it is
    reversed, and perhaps settled again; a clerk fixes the allowance that it opened.
    """

    stay_number: str
    mother: Mother
    hospital: Hospital
    claimed: Medical
    carrying: Carrying | None
    admitted_on: date
    event_on: date
    discharged_on: date
    charges: tuple[Charge, ...]
    settled_at: datetime
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    planted: tuple[str, ...] = ()
    again: bool = False
    reversed_at: datetime | None = None
    settled_again_at: datetime | None = None
    fixed_at: datetime | None = None

    @property
    def admitted_at(self) -> datetime:
        """When the hospital opens the stay."""
        return at(self.admitted_on, 7, 30)

    @property
    def bill_fen(self) -> int:
        """What the lines sum to."""
        return sum(charge.quantity * charge.price_fen for charge in self.charges)

    @property
    def birth(self) -> Delivery | None:
        """The birth that it is, None for another benefit."""
        return self.claimed if isinstance(self.claimed, Delivery) else None

    @property
    def key(self) -> str:
        """The stay, over all hospitals; also its idempotency key."""
        return f"demo-{self.hospital.institution_code}-{self.stay_number}"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a business day."""
    return datetime.combine(day, time(hour, minute), TIME_ZONE)
