"""What settled claims would come to under another book: sums, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.settlement.domain.refusals import Refused
from services.settlement.domain.settling import Judged
from shared.money import NOTHING, Money


@dataclass(slots=True)
class Borne:
    """What fund, member, institution and another fund bear, of one claim or of many."""

    fund: Money = NOTHING
    member: Money = NOTHING
    institution: Money = NOTHING
    other_fund: Money = NOTHING

    def add(self, more: Borne) -> None:
        """Add what is borne of more claims."""
        self.fund += more.fund
        self.member += more.member
        self.institution += more.institution
        if more.other_fund:
            self.other_fund += more.other_fund

    def less(self, other: Borne) -> Borne:
        """Each part, less the other's."""
        return Borne(
            self.fund - other.fund,
            self.member - other.member,
            self.institution - other.institution,
            self.other_fund - other.other_fund,
        )


def borne_of(judged: Judged) -> Borne:
    """Who bears which part of a judged stay."""
    priced = judged.priced
    return Borne(priced.fund, priced.member, priced.institution, priced.other_fund)


@dataclass(slots=True)
class Tally:
    """The claims of one hospital and benefit, or of several.

    `before` and `after` hold those that are still paid, of which `changed` are paid otherwise;
    `refused` would be paid no more, and `refused_fund` is what the fund pays for them now.
    """

    claims: int = 0
    changed: int = 0
    refused: int = 0
    before: Borne = field(default_factory=Borne)
    after: Borne = field(default_factory=Borne)
    refused_fund: Money = NOTHING

    def count(self, stands: Borne, judged: Judged | Refused) -> None:
        """Count a claim that comes to `stands` and would be `judged` so."""
        self.claims += 1
        if isinstance(judged, Refused):
            self.refused += 1
            self.refused_fund += stands.fund
            return
        now = borne_of(judged)
        self.before.add(stands)
        self.after.add(now)
        self.changed += stands != now


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    whole = Tally()
    for tally in tallies:
        whole.claims += tally.claims
        whole.changed += tally.changed
        whole.refused += tally.refused
        whole.refused_fund += tally.refused_fund
        whole.before.add(tally.before)
        whole.after.add(tally.after)
    return whole
