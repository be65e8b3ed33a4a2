"""What settled claims would come to under another book: sums, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.settlement.domain.refusals import Refused
from services.settlement.domain.settlement import Shares
from services.settlement.domain.settling import Judged
from shared.money import NOTHING, Money


@dataclass(slots=True)
class Borne:
    """What fund, member and institution bear of many claims."""

    fund: Money = NOTHING
    member: Money = NOTHING
    institution: Money = NOTHING

    def add(self, fund: Money, member: Money, institution: Money) -> None:
        """Add one claim's parts."""
        self.fund += fund
        self.member += member
        self.institution += institution


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

    def count(self, stands: Shares, judged: Judged | Refused) -> None:
        """Count a claim that comes to `stands` and would be `judged` so."""
        self.claims += 1
        if isinstance(judged, Refused):
            self.refused += 1
            self.refused_fund += stands.fund
            return
        now = judged.priced
        self.before.add(stands.fund, stands.member, stands.institution)
        self.after.add(now.fund, now.member, now.institution)
        same = (stands.fund, stands.member, stands.institution, stands.other_fund)
        self.changed += same != (now.fund, now.member, now.institution, now.other_fund)


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    whole = Tally()
    for tally in tallies:
        whole.claims += tally.claims
        whole.changed += tally.changed
        whole.refused += tally.refused
        whole.refused_fund += tally.refused_fund
        for sums, more in ((whole.before, tally.before), (whole.after, tally.after)):
            sums.add(more.fund, more.member, more.institution)
    return whole
