"""Open a stay at admission, or an outpatient visit."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.domain.cost import Cost
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Stay, StayState
from services.settlement.store import pregnancies, stays
from shared.ids import new_id
from shared.money import NOTHING
from shared.plumbing.database import Connection
from shared.plumbing.journal import Deed, write_log
from shared.policy.shapes import Benefit


async def open_stay(
    tx: Connection, scene: Scene, *, stay_number: str, person_ref: str, pregnancy_id: UUID | None,
    admitted_on: date, benefit: Benefit = Benefit.DELIVERY, stay_id: UUID | None = None,
) -> Stay | Refusal:  # fmt: skip
    """Open a stay of a benefit; the hospital's own number names it once.

    The pregnancy, where the benefit has one, is a registered one of the person. `stay_id` is given
    where the hospital was told it before.
    """
    pregnancy = None
    if pregnancy_id is not None:
        kept = await pregnancies.keep_all(tx, scene.pool_code, [pregnancy_id])
        pregnancy = kept.get(pregnancy_id)
    stay = opened(
        scene, pregnancy, stay_number=stay_number, person_ref=person_ref, pregnancy_id=pregnancy_id,
        admitted_on=admitted_on, benefit=benefit, stay_id=stay_id,
    )  # fmt: skip
    if isinstance(stay, Refusal):
        return stay
    if not await stays.insert(tx, [stay]):
        return Refusal.STAY_NUMBER_USED
    await write_log(tx, [logged(scene, stay)])
    return stay


def opened(
    scene: Scene, pregnancy: Pregnancy | None, *, stay_number: str, person_ref: str,
    pregnancy_id: UUID | None, admitted_on: date, benefit: Benefit, stay_id: UUID | None = None,
) -> Stay | Refusal:  # fmt: skip
    """The stay as it is at its beginning; `pregnancy` is what is registered under its id."""
    if pregnancy_id is not None:
        if pregnancy is None:
            return Refusal.PREGNANCY_UNKNOWN
        if pregnancy.person_ref != person_ref:
            return Refusal.PREGNANCY_OF_ANOTHER_PERSON
        # Whatever it is discharged with: the gateway finds no pregnancy for such a day either.
        if admitted_on < pregnancy.period.start:
            return Refusal.ADMITTED_BEFORE_PREGNANCY
    if admitted_on > scene.today:
        return Refusal.DATES_OUT_OF_ORDER
    return Stay(
        pool_code=scene.pool_code,
        stay_id=stay_id or new_id(),
        institution_code=scene.institution_code,
        stay_number=stay_number,
        person_ref=person_ref,
        pregnancy_id=pregnancy_id,
        state=StayState.OPEN,
        version=1,
        admitted_on=admitted_on,
        outcome=None,
        line_count=0,
        cost=Cost(total=NOTHING, in_scope=NOTHING),
        benefit=benefit,
    )


def logged(scene: Scene, stay: Stay) -> Deed:
    """What the log says of it."""
    return scene.deed("open_stay", f"stay:{stay.stay_id}", "", StayState.OPEN)
