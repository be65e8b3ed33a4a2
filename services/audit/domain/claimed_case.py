"""The case of a claim that settlement told of."""

from __future__ import annotations

from services.audit.domain.case import Benefit, Case, Item, Sex
from services.audit.domain.claim import Claim
from services.audit.domain.claim_row import severity
from services.audit.domain.item_group import ItemGroups


def case_of(claim: Claim, groups: ItemGroups) -> Case:
    """What rules see of a claim, its bill read by the groups of its pool. Codes that nobody stated
    are not told, rather than none."""
    items = None
    if claim.items is not None:
        items = groups.marked(
            [
                Item(
                    item.code,
                    item.quantity,
                    item.amount,
                    item.first_on,
                    item.last_on,
                    lines=item.lines,
                    days=item.days,
                )
                for item in claim.items
            ]
        )
    return Case(
        pool=claim.pool_code,
        case_id=str(claim.claim_id),
        person=claim.person_ref,
        institution=claim.institution_code,
        benefit=Benefit(claim.benefit),
        filed=claim.settled_at.isoformat(timespec="microseconds"),
        admitted=claim.admitted_on,
        event=claim.event_on,
        discharged=claim.discharged_on,
        total=claim.parts.total,
        fund=claim.parts.fund,
        level=claim.institution_level,
        insurance_type=claim.insurance_type,
        settled_on=claim.settled_on,
        sex=None if claim.sex is None else Sex(claim.sex),
        age=claim.age,
        mode=claim.mode,
        mode_stated=claim.mode_stated,
        weeks=claim.weeks,
        severity=severity(claim.diagnoses) if claim.diagnoses else None,
        diagnoses=claim.diagnoses or None,
        procedures=claim.procedures or None,
        items=items,
        billed=groups.billed(items or (), whole=claim.items_left_out == 0 and items is not None),
    )
