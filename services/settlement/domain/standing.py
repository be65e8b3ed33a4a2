"""Whether a person is entitled to a benefit on a day, before there is a bill: by the same rules,
asked in the same order, as when her case is settled."""

from __future__ import annotations

from datetime import date, datetime

from services.settlement.domain.entitlement import Entitling, entitlement
from services.settlement.domain.person import PersonState, member_of
from services.settlement.domain.pricing import MAIN, no_rule
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settling import belonging
from shared.policy.book import Book, NoRule
from shared.policy.cells import FAMILY_PLANNING
from shared.policy.shapes import Benefit, Procedure

NOT_ENTITLED = frozenset(
    {
        Refusal.PERSON_NOT_OF_POOL,
        Refusal.INTERRUPTED,
        Refusal.WAITING_PERIOD_NOT_MET,
        Refusal.NOT_INSURED_THEN,
        Refusal.NOT_COVERED,
        Refusal.GAP_ON_EMPLOYER,
        Refusal.GAP_NOT_PAID,
    }
)
"""What says no of the person; every other refusal says that it could not be judged."""


def standing_of(
    person: PersonState | None, person_ref: str, pool: str, benefit: Benefit, day: date,
    book: Book, now: datetime, today: date, procedure: Procedure | None = None,
) -> Entitling | Refused:  # fmt: skip
    """What entitles a person to a benefit that is asked for on `day`, which stands for every date
    that a rule may ask for; of a surgery that is named also whether it is covered at all."""
    known = belonging(person, person_ref, pool, day, book, now, today)
    if isinstance(known, Refused):
        return known
    her, spell = known
    try:
        rules = book.on(pool, spell.kind, on=day, known_on=today)
        rules.ask(MAIN[benefit])
        found = entitlement(member_of(her, spell, day), day, rules)
        if isinstance(found, Entitling) and procedure is not None:
            covered = rules.ask(FAMILY_PLANNING)
            if procedure not in covered.value.procedures:
                return Refused(Refusal.NOT_COVERED, covered.citation)
    except NoRule as none:
        return no_rule(none)
    return found
