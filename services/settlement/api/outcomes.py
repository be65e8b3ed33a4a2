"""Bodies of discharge and quote: what the record states, one form for each benefit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidatorFunctionWrapHandler, WrapValidator

from services.settlement.api.wire import BillText, NoBody
from services.settlement.domain.claimed import Medical
from services.settlement.domain.complication import Complication
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.loss import Loss
from services.settlement.domain.prenatal import Prenatal
from services.settlement.domain.stay import Outcome
from services.settlement.domain.surgery import Surgery
from shared.money import Money
from shared.plumbing.edge import Wire
from shared.plumbing.written import Day
from shared.policy.shapes import Circumstance, DeliveryMode, Procedure

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")]
"""A name of the pool's own: a unit, an extra, a complication. What no rule uses does nothing."""
Names = Annotated[list[Name], Field(max_length=20, default_factory=list)]
Diagnosis = Annotated[
    str, Field(pattern=r"^[A-Z][0-9]{2}(\.[0-9x]{1,3}(x[0-9]{3})?)?[+*]?$", max_length=16)
]
Operation = Annotated[
    str, Field(pattern=r"^[0-9]{2}\.[0-9]([0-9]|[0-9x][0-9]{2})?(x[0-9]{3})?$", max_length=16)
]
Circumstances = Annotated[
    list[Annotated[Circumstance, Field(strict=False)]],
    Field(max_length=20, default_factory=list),
]


class OfRecord(Wire, ABC):
    """What every record states; `total` is the bill. A visit is discharged on its own day.
    `diagnoses` are codes of ICD-10, the principal one first, and `procedures` of ICD-9-CM-3, as the
    national versions write them; they are for review, and no price rests on them."""

    discharged_on: Day
    event_on: Day
    total: BillText
    circumstances: Circumstances
    diagnoses: Annotated[list[Diagnosis], Field(max_length=40, default_factory=list)]
    procedures: Annotated[list[Operation], Field(max_length=40, default_factory=list)]

    @abstractmethod
    def claimed(self) -> Medical:
        """What is claimed, as the domain knows it."""

    def to_outcome(self) -> Outcome:
        """The outcome as the domain knows it."""
        return Outcome(
            self.event_on, self.discharged_on, self.claimed(), Money.from_wire(self.total),
            frozenset(self.circumstances), tuple(self.diagnoses), tuple(self.procedures),
        )  # fmt: skip


class DeliveryOutcome(OfRecord):
    """A birth on `event_on`."""

    benefit: Literal["delivery"] = "delivery"
    mode: Literal["vaginal", "assisted", "cesarean"]
    infants: Annotated[int, Field(ge=1, le=9)] = 1
    weeks: Annotated[int, Field(ge=20, le=45)] = 40
    complications: Names
    extras: Names

    def claimed(self) -> Medical:
        """The delivery."""
        return Delivery(
            DeliveryMode(self.mode), self.infants, self.weeks, tuple(self.complications),
            tuple(self.extras),
        )  # fmt: skip


class PrenatalOutcome(OfRecord):
    """A prenatal visit in a week of gestation, or in the unit that it names; `postnatal` after the
    birth. `high_risk`: the pool's rule sends her to a better hospital."""

    benefit: Literal["prenatal"]
    week: Annotated[int, Field(ge=0, le=50)] | None = None
    unit: Name | None = None
    high_risk: bool = False
    first_visit: bool = False
    postnatal: bool = False

    def claimed(self) -> Medical:
        """The visit; its course is not the record's to say."""
        return Prenatal(self.week, self.unit, self.high_risk, self.first_visit, self.postnatal)


class LossOutcome(OfRecord):
    """A miscarriage or an induction in a week of gestation."""

    benefit: Literal["loss"]
    weeks: Annotated[int, Field(ge=1, le=45)]
    manner: Literal["surgical", "medical"] = "surgical"
    setting: Literal["outpatient", "inpatient"] = "inpatient"
    high_risk: bool = False
    complications: Names
    extras: Names

    def claimed(self) -> Medical:
        """The loss."""
        return Loss(
            self.weeks, self.manner, self.setting, self.high_risk, tuple(self.complications),
            tuple(self.extras),
        )  # fmt: skip


class SurgeryOutcome(OfRecord):
    """A family-planning surgery."""

    benefit: Literal["family_planning"]
    procedure: Annotated[Procedure, Field(strict=False)]
    complications: Names
    extras: Names

    def claimed(self) -> Medical:
        """The surgery."""
        return Surgery(self.procedure, tuple(self.complications), tuple(self.extras))


class ComplicationOutcome(OfRecord):
    """A complication of pregnancy or birth; `months_after_birth` where it came after it."""

    benefit: Literal["complication"]
    when: Literal["before_birth", "after_birth"]
    months_after_birth: Annotated[int, Field(ge=0, le=24)] = 0

    def claimed(self) -> Medical:
        """The complication."""
        return Complication(self.when, self.months_after_birth)


_FORMS: dict[str, type[OfRecord]] = {
    "delivery": DeliveryOutcome,
    "prenatal": PrenatalOutcome,
    "loss": LossOutcome,
    "family_planning": SurgeryOutcome,
    "complication": ComplicationOutcome,
}


def _form(value: Any) -> str:
    """Which form a body has; one that names no benefit states a delivery."""
    named = (
        value.get("benefit", "delivery")
        if isinstance(value, dict)
        else getattr(value, "benefit", "")
    )
    return named if isinstance(named, str) else ""


def _read(value: Any, _: ValidatorFunctionWrapHandler) -> OfRecord:
    """Read a body by its form: a fault is told by its own place, without the form's name. What
    names an unknown benefit is told so at that name."""
    return _FORMS.get(_form(value), DeliveryOutcome).model_validate(value)


OutcomeBody = Annotated[
    Annotated[DeliveryOutcome, Tag("delivery")]
    | Annotated[PrenatalOutcome, Tag("prenatal")]
    | Annotated[LossOutcome, Tag("loss")]
    | Annotated[SurgeryOutcome, Tag("family_planning")]
    | Annotated[ComplicationOutcome, Tag("complication")],
    Discriminator(_form),
    WrapValidator(_read),
]


def _read_if_stated(value: Any, handler: ValidatorFunctionWrapHandler) -> OfRecord | NoBody:
    return NoBody() if value == {} else _read(value, handler)


QuoteBody = Annotated[OutcomeBody | NoBody, WrapValidator(_read_if_stated)]
"""The outcome to be quoted; nothing where the stay states it already."""
