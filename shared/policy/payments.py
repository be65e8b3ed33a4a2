"""How a medical benefit is paid: the methods, their amounts, and the member's share.

A tariff is one amount for all, or an amount for each mode of delivery, for each level of hospital,
or for each mode at each level; which of them, the table's own keys say.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from shared.money import Money
from shared.policy.shapes import DeliveryMode, Factor, Name, Procedure, Rate, Strict, Week, Yuan


class OneAmount(Strict):
    """One amount, whatever the mode and the level: `{ all = "3000.00" }`."""

    all: Yuan

    def amount(self, mode: DeliveryMode | None, level: int | None) -> Money | None:
        """The amount."""
        del mode, level
        return self.all


class ByMode(Strict):
    """An amount for each mode of delivery."""

    vaginal: Yuan
    assisted: Yuan
    cesarean: Yuan

    def amount(self, mode: DeliveryMode | None, level: int | None) -> Money | None:
        """The amount for `mode`; the level of the hospital does not matter."""
        del level
        found: Money | None = None if mode is None else getattr(self, mode.value)
        return found


def _amounts_form(value: Any) -> str:
    if isinstance(value, dict):
        if any(str(key).startswith("level_") for key in value):
            return "by_level"
        return "one" if "all" in value else "by_mode"
    if isinstance(value, ByLevel):
        return "by_level"
    return "one" if isinstance(value, OneAmount) else "by_mode"


class ByLevel(Strict):
    """An amount, or one for each mode, for each level of hospital."""

    level_1: _OfLevel
    level_2: _OfLevel
    level_3: _OfLevel

    def amount(self, mode: DeliveryMode | None, level: int | None) -> Money | None:
        """The amount for `mode` at `level`; None where the level is not stated."""
        if level is None:
            return None
        of_level: OneAmount | ByMode = getattr(self, f"level_{level}")
        return of_level.amount(mode, level)


_OfLevel = Annotated[
    Annotated[OneAmount, Tag("one")] | Annotated[ByMode, Tag("by_mode")],
    Discriminator(_amounts_form),
]
Tariff = Annotated[
    Annotated[OneAmount, Tag("one")]
    | Annotated[ByMode, Tag("by_mode")]
    | Annotated[ByLevel, Tag("by_level")],
    Discriminator(_amounts_form),
]


class Band(Strict):
    """The member's share of the cost above the band before, up to `up_to` (absent: without end)."""

    up_to: Yuan | None = None
    share: Rate


def _rising_and_open(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    limits = [band.up_to for band in bands]
    if not limits or limits[-1] is not None or None in limits[:-1]:
        raise ValueError("bands: each has `up_to` save the last, which has none")
    closed = [limit.fen for limit in limits if limit is not None]
    if closed != sorted(set(closed)) or (closed and closed[0] <= 0):
        raise ValueError("bands: write them by rising `up_to`")
    return bands


Bands = Annotated[tuple[Band, ...], Field(strict=False), AfterValidator(_rising_and_open)]


class BandsByMode(Strict):
    """Bands for each mode of delivery."""

    vaginal: Bands
    assisted: Bands
    cesarean: Bands


class MemberShare(Strict):
    """What the member pays of a delivery's in-scope cost, by level of the hospital."""

    level_1: BandsByMode
    level_2: BandsByMode
    level_3: BandsByMode

    def bands(self, mode: DeliveryMode, level: int) -> tuple[Band, ...]:
        """The bands for `mode` at `level`."""
        found: tuple[Band, ...] = getattr(getattr(self, f"level_{level}"), mode.value)
        return found


class ShareOfAmount(Strict):
    """A part of the amount itself: 10 % for each further infant is `{ share = 0.10 }`."""

    share: Rate


def _infant_form(value: Any) -> str:
    return "share" if isinstance(value, dict | ShareOfAmount) else "yuan"


ExtraInfant = Annotated[
    Annotated[Yuan, Tag("yuan")] | Annotated[ShareOfAmount, Tag("share")],
    Discriminator(_infant_form),
]


class Extra(Strict):
    """What a circumstance named in the case's `extras` adds to the amount."""

    name: Name
    adds: Tariff


def _named_once(extras: tuple[Extra, ...]) -> tuple[Extra, ...]:
    if len({extra.name for extra in extras}) != len(extras):
        raise ValueError("name each extra once")
    return extras


Extras = Annotated[tuple[Extra, ...], Field(strict=False), AfterValidator(_named_once)]


class _Supplements(Strict):
    """What raises an amount, and the part of it that this kind of member has.

    `portion`: an unemployed spouse has 50 % of the standard, `portion = 0.5`; absent, all of it.
    """

    extra_infant: ExtraInfant | None = None
    extras: Extras = ()
    portion: Rate | None = None


class LumpSum(_Supplements):
    """A sum to the insured's credit; never above the bill, unless the clause says so."""

    method: Literal["lump_sum"]
    amounts: Tariff
    even_above_bill: bool = False


class Cap(_Supplements):
    """The in-scope cost, at most this much."""

    method: Literal["cap"]
    amounts: Tariff


class Quota(_Supplements):
    """The hospital is paid this much per case. A delivery's amounts stand in the cell
    `settlement_quota`, which has dates of its own; its member's part in `member_share`."""

    method: Literal["quota"]
    amounts: Tariff | None = None


class PointsByMode(Strict):
    """Points for each mode of delivery."""

    vaginal: Factor
    assisted: Factor
    cesarean: Factor


def _points_form(value: Any) -> str:
    return "by_mode" if isinstance(value, dict | PointsByMode) else "one"


# told apart by form: the number's own way of writing itself would take the table too
PointsOfCase = Annotated[
    Annotated[Factor, Tag("one")] | Annotated[PointsByMode, Tag("by_mode")],
    Discriminator(_points_form),
]


class Points(_Supplements):
    """The hospital is paid by points: prepaid at the cell `point_value`, cleared when the year's
    final value is set by a later clause."""

    method: Literal["points"]
    points: PointsOfCase


class Banded(Strict):
    """The in-scope cost less the member's banded share: `bands` here, or for a delivery the cell
    `member_share`."""

    method: Literal["banded"]
    bands: Bands | None = None


class Full(Strict):
    """The in-scope cost in full."""

    method: Literal["full"]


class Subsidy(_Supplements):
    """A sum on top of basic medical insurance, which takes the in-scope cost (`other_fund`)."""

    method: Literal["subsidy"]
    amounts: Tariff


class HandedOver(Strict):
    """Basic medical insurance takes the in-scope cost; the maternity item pays nothing."""

    method: Literal["handed_over"]


Payment = Annotated[
    LumpSum | Cap | Quota | Points | Banded | Full | Subsidy | HandedOver,
    Field(discriminator="method"),
]


def _without_modes(payment: Any) -> Any:
    """A loss or a surgery has no mode of delivery."""
    tariffs = [getattr(payment, "amounts", None), getattr(payment, "points", None)]
    tariffs += [extra.adds for extra in getattr(payment, "extras", ())]
    if any(_speaks_of_modes(tariff) for tariff in tariffs):
        raise ValueError("no modes of delivery here: write `{ all = ... }` or level_1 to level_3")
    if isinstance(payment, Banded) and payment.bands is None:
        raise ValueError("write the bands here: member_share is a delivery's")
    return payment


def _speaks_of_modes(tariff: object) -> bool:
    if isinstance(tariff, ByLevel):
        return any(isinstance(x, ByMode) for x in (tariff.level_1, tariff.level_2, tariff.level_3))
    return isinstance(tariff, ByMode | PointsByMode)


PlainPayment = Annotated[Payment, AfterValidator(_without_modes)]


class LossStage(Strict):
    """A miscarriage or induction before `below_week` (absent: at any later week), of the manner,
    setting and risk named; what is not named does not matter."""

    below_week: Week | None = None
    manner: Literal["surgical", "medical"] | None = None
    setting: Literal["outpatient", "inpatient"] | None = None
    high_risk: bool | None = None
    pays: PlainPayment


class LossRule(Strict):
    """Stages of loss; the first that fits the case pays."""

    stages: Annotated[tuple[LossStage, ...], Field(strict=False, min_length=1)]


class SurgeryRule(Strict):
    """What each family-planning surgery is paid; one that is not named is not paid."""

    procedures: Annotated[
        dict[Annotated[Procedure, Field(strict=False)], PlainPayment], Field(min_length=1)
    ]


class ComplicationRule(Strict):
    """Who pays a complication's own stay: before the birth, or within `months_after` of it.

    Later ones are basic medical insurance's (`other_fund`).
    """

    before_birth: PlainPayment
    after_birth: PlainPayment
    months_after: Annotated[int, Field(ge=0, le=24)]


class Itemised(Strict):
    """When a case leaves its standard amount and is paid by item: a listed complication, a cost
    above an amount, or above a multiple of the amount."""

    complications: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    above: Yuan | None = None
    above_times: Factor | None = None

    @model_validator(mode="after")
    def _names_a_reason(self) -> Self:
        if not self.complications and self.above is None and self.above_times is None:
            raise ValueError("name what turns a case to itemised payment")
        return self


class ConditionCap(Strict):
    """A condition named in the case's `complications`, with the cap that replaces the standard."""

    condition: Name
    cap: Yuan
