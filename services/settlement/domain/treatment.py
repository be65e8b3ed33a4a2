"""What a case was treated for, as a payment rule sees it: a delivery, a loss, a surgery, a stay."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from services.settlement.domain.case import Case
from services.settlement.domain.complication import Complication
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.loss import Loss
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.surgery import Surgery
from shared.policy.book import Day
from shared.policy.cells import COMPLICATION, DELIVERY, FAMILY_PLANNING, LOSS
from shared.policy.payments import HandedOver, LossRule, LossStage, Payment
from shared.policy.rules import Citation, Sourced
from shared.policy.shapes import DeliveryMode

PerCase = Delivery | Loss | Surgery | Complication


class Treatment(NamedTuple):
    """What is paid for, by which clause, and what its amount depends on.

    `name` tells amounts of one clause apart: a stage of loss, a surgery.
    """

    payment: Payment
    cited: Citation
    rate_id: str
    name: str
    level: int | None
    mode: DeliveryMode | None = None
    infants: int = 1
    extras: tuple[str, ...] = ()
    complications: tuple[str, ...] = ()


def treatment_of(claimed: PerCase, level: int | None, rules: Day) -> Treatment | Refused:
    """The treatment with the payment that the pool's clause names for it. Raises NoRule."""
    match claimed:
        case Delivery():
            rule = rules.ask(DELIVERY)
            return Treatment(
                rule.value, rule.citation, rule.rate_id, claimed.mode.value, level, claimed.mode,
                claimed.infants, claimed.extras, claimed.complications,
            )  # fmt: skip
        case Loss():
            return _of_loss(claimed, level, rules.ask(LOSS))
        case Surgery():
            return _of_surgery(claimed, level, rules)
        case Complication():
            return _of_complication(claimed, level, rules)
        case _:
            assert_never(claimed)


def _of_loss(loss: Loss, level: int | None, rule: Sourced[LossRule]) -> Treatment | Refused:
    for number, stage in enumerate(rule.value.stages):
        if _fits(stage, loss):
            return Treatment(
                stage.pays, rule.citation, rule.rate_id, f"loss {number}", level,
                extras=loss.extras, complications=loss.complications,
            )  # fmt: skip
    return Refused(Refusal.NOT_COVERED, rule.citation)


def _fits(stage: LossStage, loss: Loss) -> bool:
    return (
        (stage.below_week is None or loss.weeks < stage.below_week)
        and stage.manner in (None, loss.manner)
        and stage.setting in (None, loss.setting)
        and stage.high_risk in (None, loss.high_risk)
    )


def _of_surgery(surgery: Surgery, level: int | None, rules: Day) -> Treatment | Refused:
    rule = rules.ask(FAMILY_PLANNING)
    payment = rule.value.procedures.get(surgery.procedure)
    if payment is None:
        return Refused(Refusal.NOT_COVERED, rule.citation)
    return Treatment(
        payment, rule.citation, rule.rate_id, surgery.procedure.value, level,
        extras=surgery.extras, complications=surgery.complications,
    )  # fmt: skip


def _of_complication(claimed: Complication, level: int | None, rules: Day) -> Treatment:
    rule = rules.ask(COMPLICATION)
    terms = rule.value
    payment: Payment = terms.before_birth
    if claimed.when == "after_birth":
        late = claimed.months_after >= terms.months_after
        payment = HandedOver(method="handed_over") if late else terms.after_birth
    return Treatment(payment, rule.citation, rule.rate_id, claimed.when, level)


def treatment_of_case(case: Case, claimed: PerCase, rules: Day) -> Treatment | Refused:
    """The treatment of a case. Raises NoRule."""
    key = ("treatment", claimed, case.institution.level)
    return rules.remember(key, lambda: treatment_of(claimed, case.institution.level, rules))
