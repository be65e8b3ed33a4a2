"""What a case claims: one noun for each benefit."""

from __future__ import annotations

from services.settlement.domain.allowance import AllowanceClaim, NutritionClaim
from services.settlement.domain.complication import Complication
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.loss import Loss
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.surgery import Surgery
from shared.policy.shapes import Benefit

Medical = Delivery | Prenatal | Loss | Surgery | Complication
"""Benefits that settle a bill."""

Cash = AllowanceClaim | NutritionClaim
"""Benefits that pay a sum."""

Claimed = Medical | Cash

_BENEFIT: dict[type[object], Benefit] = {
    Delivery: Benefit.DELIVERY,
    Prenatal: Benefit.PRENATAL,
    Loss: Benefit.LOSS,
    Surgery: Benefit.FAMILY_PLANNING,
    Complication: Benefit.COMPLICATION,
    AllowanceClaim: Benefit.ALLOWANCE,
    NutritionClaim: Benefit.NUTRITION,
}


def benefit_of(claimed: Claimed) -> Benefit:
    """The benefit that is claimed."""
    return _BENEFIT[type(claimed)]
