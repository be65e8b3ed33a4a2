"""The insured person as a rule sees her: how she belongs, and how she has paid."""

from __future__ import annotations

from dataclasses import dataclass

from shared.period import Month
from shared.policy.shapes import EmployerKind, MemberKind


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A gap that was paid later: its first and last month, both included."""

    first: Month
    last: Month


@dataclass(frozen=True, slots=True)
class Member:
    """`months_paid` counts the continuous paid months that end with `paid_until`.

    None means that the fact was not given (a calculation without a person): it is then taken as
    met, and the answer says so. A settlement gives both, but for who owes no contributions.
    `made_up`: a gap before the event that was paid later. `transfer_gap_months`: unpaid months
    when she moved here from another pool, made up since.
    """

    kind: MemberKind
    months_paid: int | None = None
    paid_until: Month | None = None
    employer: EmployerKind | None = None
    made_up: MadeUp | None = None
    transfer_gap_months: int | None = None
