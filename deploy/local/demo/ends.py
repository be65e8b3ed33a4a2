"""What becomes of settlements in the demo: reversals, settling again, and allowances fixed."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.local.demo.care import Care
from deploy.local.demo.making import Workshop, scene_of
from deploy.local.demo.plan import Round
from deploy.local.demo.together import NotMade, batches, make_all
from services.settlement.actions.fix_allowance import fix_allowance
from services.settlement.actions.reverse import reverse
from services.settlement.actions.scene import Scene
from services.settlement.api.render import settlement_bytes
from services.settlement.domain.allowance import Base
from services.settlement.domain.entitled import Entitlement, EntitlementKind
from services.settlement.domain.settlement import Settlement
from services.settlement.store import entitlements
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.repeats import Answer, keep


async def end(workshop: Workshop, those: Round) -> None:
    """Reverse, settle again and fix what the plan says of a round."""

    async def undo(care: Care) -> int:
        assert care.reversed_at is not None  # noqa: S101 - only those are given
        async with transaction(workshop.settlement, [care.hospital.institution_code]) as tx:
            scene = scene_of(care, care.reversed_at)
            undone = await reverse(tx, scene, workshop.claims[care.key])
            if not isinstance(undone, Settlement):
                raise NotMade(f"reversing {care.key}: {undone}")
            ask = workshop.ask(care, "reverse", care.key, {})
            answer = Answer(201, settlement_bytes(undone))
            await keep(tx, ask, answer, undone.settlement_id, care.reversed_at)
        return 1

    async def fix(cares: Sequence[Care]) -> int:
        fixed = 0
        async with transaction(workshop.settlement, [AGENCY]) as tx:
            for care in cares:
                assert care.fixed_at is not None  # noqa: S101 - as above
                pool, base = care.hospital.pool_code, Money(care.mother.base_fen)
                moment = care.fixed_at
                scene = Scene(pool, "", f"clerk-{pool}-a", f"demo-{moment:%Y%m%d}", moment)
                for one in await entitlements.of_settlement(tx, pool, workshop.claims[care.key]):
                    if one.kind is EntitlementKind.ALLOWANCE:
                        made = await fix_allowance(
                            tx, scene, one.entitlement_id, Base(base), workshop.books.at(moment)
                        )
                        if not isinstance(made, Entitlement):
                            raise NotMade(f"fixing the allowance of {care.key}: {made}")
                        fixed += 1
        return fixed

    await make_all(
        workshop.progress, "reversed", [care for care in those.cares if care.reversed_at], undo
    )
    await workshop.settle(
        {
            f"{care.key}-again": (care, care.settled_again_at)
            for care in those.cares
            if care.settled_again_at is not None
        }
    )
    fixing = [care for care in those.cares if care.fixed_at]
    await make_all(workshop.progress, "allowances fixed", list(batches(fixing)), fix)
