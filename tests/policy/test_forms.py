"""The forms of a rule: what each refuses, and what it answers when it is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.money import Money, RoundingMode
from shared.policy.cells import Sets
from shared.policy.contributions import BaseBounds, EmployerRate, due, within_bounds
from shared.policy.leave import AllowanceDue, LeaveDays, LossDays, Nutrition
from shared.policy.payments import (
    Banded,
    Bands,
    ByLevel,
    ByMode,
    ComplicationRule,
    Extras,
    Itemised,
    LossRule,
    OneAmount,
    Points,
    Tariff,
)
from shared.policy.prenatal import Units
from shared.policy.shapes import (
    CashWaiting,
    DeliveryMode,
    EmployerKind,
    Factor,
    Rate,
    Rounding,
    RoundingStep,
    Yuan,
)
from tests.policy.cases import yuan

VAGINAL, ASSISTED, CESAREAN = DeliveryMode.VAGINAL, DeliveryMode.ASSISTED, DeliveryMode.CESAREAN
ALL: dict[str, Any] = {"all": "1.00"}
MODES: dict[str, Any] = {"vaginal": "1.00", "assisted": "2.00", "cesarean": "3.00"}
LEVELS: dict[str, Any] = {"level_1": ALL, "level_2": MODES, "level_3": {"all": "9.00"}}


def read(form: Any, value: Any) -> Any:
    return TypeAdapter(form).validate_python(value)


def share(rate: str, up_to: str | None = None) -> dict[str, Any]:
    return {"share": Decimal(rate), **({} if up_to is None else {"up_to": up_to})}


def unit(name: str, start: int, end: int | None = None) -> dict[str, Any]:
    return {"id": name, "from_week": start, "limit": "1.00", "below_week": end}


def losses(*weeks: int | None) -> dict[str, Any]:
    return {"birth": 98, "losses": [{"below_week": week, "days": 15} for week in weeks]}


def loss_paid(pays: dict[str, Any]) -> dict[str, Any]:
    return {"stages": [{"pays": pays}]}


STEP = {"step": "0.01", "mode": "half_up"}
POINTS = {name: Decimal(1) for name in MODES}
STAY = {"before_birth": {"method": "full"}, "after_birth": {"method": "full"}}


@pytest.mark.parametrize(
    ("form", "value", "said"),
    [
        (Yuan, "-0.01", "not negative"),
        (Yuan, "1.0", "exactly two decimals"),
        (Rate, Decimal("1.01"), "from 0 to 1"),
        (Rate, Decimal("-0.01"), "from 0 to 1"),
        (Rate, Decimal("Infinity"), "from 0 to 1"),
        (Rate, Decimal("NaN"), "from 0 to 1"),
        (Rate, "0.5", "bare decimal"),
        (Rate, 1, "bare decimal"),
        (Factor, Decimal(0), "above 0"),
        (Factor, Decimal("10000.1"), "above 0"),
        (Factor, Decimal("Infinity"), "above 0"),
        (Factor, Decimal("NaN"), "above 0"),
        (Factor, "3.0", "bare decimal"),
        (RoundingStep, {"step": "0.00", "mode": "up"}, "at least one fen"),
        (CashWaiting, {"months": 9, "if_short": "employer_then_fund"}, "months_after"),
        (CashWaiting, {"months": 9, "if_short": "pro_rata", "months_after": 3}, "months_after"),
        (Bands, [], "save the last"),
        (Bands, [share("0.1", "1.00")], "save the last"),
        (Bands, [share("0.1"), share("0.1")], "save the last"),
        (Bands, [share("0.1"), share("0.1", "2.00"), share("0.1")], "save the last"),
        (Bands, [share("0.1", "0.00"), share("0.1")], "rising"),
        (Bands, [share("0.1", "2.00"), share("0.1", "1.00"), share("0.1")], "rising"),
        (Bands, [share("0.1", "2.00"), share("0.1", "2.00"), share("0.1")], "rising"),
        (Extras, [{"name": "x", "adds": ALL}, {"name": "x", "adds": ALL}], "once"),
        (Itemised, {}, "name what turns"),
        (Units, [unit("A", 0, 5), unit("A", 5)], "once"),
        (Units, [unit("A", 0, 5), unit("B", 6)], "begins where"),
        (Units, [unit("A", 0, 5), unit("B", 4)], "begins where"),
        (Units, [unit("A", 1)], "begins where"),
        (Units, [unit("A", 0, 0), unit("B", 0)], "ends after"),
        (Units, [unit("A", 0, 5), unit("B", 5, 5), unit("C", 5)], "ends after"),
        (Units, [unit("A", 0, 5)], "last window"),
        (Units, [unit("A", 0), unit("B", 5)], "begins where"),
        (LeaveDays, losses(5), "save the last"),
        (LeaveDays, losses(None, None), "save the last"),
        (LeaveDays, losses(None, 5, None), "save the last"),
        (LeaveDays, losses(5, 4, None), "rising"),
        (LeaveDays, losses(5, 5, None), "rising"),
        (AllowanceDue, {}, "months_after"),
        (AllowanceDue, {"months_after_birth": 5}, "months_after"),
        (AllowanceDue, {"months_after_surgery": 5}, "months_after"),
        (
            AllowanceDue,
            {"working_days": 5, "months_after_birth": 5, "months_after_surgery": 5},
            "months_after",
        ),
        (Nutrition, {}, "either"),
        (Nutrition, {"amount": "1.00", "share_of_annual_wage": Decimal(0)}, "either"),
        (Nutrition, {"amount": "1.00", "rounding": STEP}, "exactly for a share"),
        (Nutrition, {"share_of_annual_wage": Decimal(0)}, "exactly for a share"),
        (BaseBounds, {"floor": Decimal(3), "ceiling": Decimal(3)}, "below the ceiling"),
        (BaseBounds, {"floor": Decimal(4), "ceiling": Decimal(3)}, "below the ceiling"),
        (LossRule, loss_paid({"method": "cap", "amounts": MODES}), "no modes"),
        (LossRule, loss_paid({"method": "cap", "amounts": LEVELS}), "no modes"),
        (
            LossRule,
            loss_paid({"method": "cap", "amounts": {**LEVELS, "level_1": MODES, "level_2": ALL}}),
            "no modes",
        ),
        (
            LossRule,
            loss_paid({"method": "cap", "amounts": {**LEVELS, "level_3": MODES, "level_2": ALL}}),
            "no modes",
        ),
        (LossRule, loss_paid({"method": "points", "points": POINTS}), "no modes"),
        (
            LossRule,
            loss_paid({"method": "cap", "amounts": ALL, "extras": [{"name": "x", "adds": MODES}]}),
            "no modes",
        ),
        (LossRule, loss_paid({"method": "banded"}), "write the bands here"),
    ],
)
def test_a_form_refuses(form: Any, value: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read(form, value)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Yuan, "0.00"),
        (Rate, Decimal(0)),
        (Rate, Decimal(1)),
        (Factor, Decimal("0.001")),
        (Factor, Decimal(10_000)),
        (RoundingStep, {"step": "0.01", "mode": "up"}),
        (CashWaiting, {"months": 9, "if_short": "employer_then_fund", "months_after": 12}),
        (Bands, [share("0.1")]),
        (Bands, [share("0.1", "0.01"), share("0.1", "0.02"), share("0.1")]),
        (Extras, [{"name": "x", "adds": ALL}, {"name": "y", "adds": ALL}]),
        (Itemised, {"complications": ["x"]}),
        (Itemised, {"above": "1.00"}),
        (Itemised, {"above_times": Decimal(2)}),
        (Units, [unit("A", 0)]),
        (Units, [unit("A", 0, 1), unit("B", 1)]),
        (LeaveDays, losses()),
        (LeaveDays, losses(None)),
        (LeaveDays, losses(4, 5, None)),
        (AllowanceDue, {"working_days": 10}),
        (AllowanceDue, {"months_after_birth": 5, "months_after_surgery": 3}),
        (Nutrition, {"amount": "1.00"}),
        (Nutrition, {"share_of_annual_wage": Decimal("0.02"), "rounding": STEP}),
        (BaseBounds, {"floor": Decimal("2.9"), "ceiling": Decimal(3)}),
        (LossRule, loss_paid({"method": "cap", "amounts": {**LEVELS, "level_2": ALL}})),
        (LossRule, loss_paid({"method": "points", "points": Decimal(5)})),
        (LossRule, loss_paid({"method": "banded", "bands": [share("0.1")]})),
        (LossRule, loss_paid({"method": "full"})),
        (ComplicationRule, {**STAY, "months_after": 0}),
        (Sets, {"delivery": {"method": "banded"}}),
    ],
)
def test_a_form_takes_what_lies_on_its_border(form: Any, value: Any) -> None:
    assert read(form, value) is not None


def test_a_tariff_is_told_by_its_keys() -> None:
    one, by_mode, by_level = (read(Tariff, written) for written in (ALL, MODES, LEVELS))
    assert (type(one), type(by_mode), type(by_level)) == (OneAmount, ByMode, ByLevel)
    for made in (one, by_mode, by_level):  # also as it was made before
        assert read(Tariff, made) == made
    assert isinstance(by_level.level_1, OneAmount)
    assert isinstance(by_level.level_2, ByMode)


@pytest.mark.parametrize(
    ("written", "mode", "level", "amount"),
    [
        (ALL, None, None, "1.00"),
        (ALL, CESAREAN, 3, "1.00"),
        (MODES, ASSISTED, None, "2.00"),
        (MODES, None, 3, None),
        (LEVELS, CESAREAN, None, None),
        (LEVELS, None, 1, "1.00"),
        (LEVELS, None, 2, None),
        (LEVELS, CESAREAN, 2, "3.00"),
        (LEVELS, VAGINAL, 2, "1.00"),
        (LEVELS, VAGINAL, 3, "9.00"),
    ],
)
def test_the_amount_of_a_tariff(
    written: dict[str, Any], mode: DeliveryMode | None, level: int | None, amount: str | None
) -> None:
    found = read(Tariff, written).amount(mode, level)
    assert found == (None if amount is None else yuan(amount))


def test_what_a_form_takes_where_nothing_is_written() -> None:
    leave = read(LeaveDays, {"birth": 98})
    assert leave.dystocia_modes == (ASSISTED, CESAREAN)
    assert (leave.stacking, leave.still_on_leave, leave.losses) == (True, False, ())
    assert read(Banded, {"method": "banded"}).bands is None
    assert read(LossDays, {"days": 15}).below_week is None


@pytest.mark.parametrize("written", [Decimal("620.5"), POINTS])
def test_points_are_archived_by_their_form(written: Any) -> None:
    made = read(Points, {"method": "points", "points": written})
    assert Points.model_validate_json(made.model_dump_json()) == made


def test_an_archived_rate_is_a_string_and_a_written_one_never() -> None:
    read_json = TypeAdapter(Rate).validate_json
    assert read_json('"0.085"') == Decimal("0.085")
    for wrong in ("0.085", '"1.5"'):
        with pytest.raises(ValidationError):
            read_json(wrong)


ROUNDED = Rounding(step=yuan("0.01"), mode=RoundingMode.HALF_UP, place="once")


def test_a_contribution_is_rounded_once_for_both_parts() -> None:
    rate = EmployerRate(medical=Decimal("0.08"), maternity=Decimal("0.005"))
    # 10.06 x 8.5 % = 85.51 fen; apart, 80.48 and 5.03 fen would make 80 + 5.
    owed = due(Money(1006), rate, Decimal("0.02"), ROUNDED)
    assert (owed.base, owed.employer, owed.individual) == (Money(1006), Money(86), Money(20))
    assert owed.total() == Money(106)
    assert rate.total == Decimal("0.085")
    written = {"medical": rate.medical, "maternity": rate.maternity, "only_for": ["enterprise"]}
    only = read(EmployerRate, written)
    assert only.only_for == (EmployerKind.ENTERPRISE,)


def test_a_base_lies_within_its_bounds() -> None:
    bounds = BaseBounds(floor=Decimal("0.6"), ceiling=Decimal(3))
    found = [
        within_bounds(Money(wage), bounds, Money(1000), ROUNDED).fen
        for wage in (0, 599, 600, 601, 2999, 3000, 3001)
    ]
    assert found == [600, 600, 600, 601, 2999, 3000, 3000]


def test_a_bound_is_rounded_to_the_step() -> None:
    bounds = BaseBounds(floor=Decimal("0.6"), ceiling=Decimal(3))
    to_the_yuan = ROUNDED.model_copy(update={"step": yuan("1.00")})
    # 60 % of 10.90 is 6.54, 300 % is 32.70
    found = [within_bounds(Money(w), bounds, Money(1090), to_the_yuan).fen for w in (1, 5000)]
    assert found == [700, 3300]


def test_a_contribution_is_rounded_to_the_step() -> None:
    rate = EmployerRate(medical=Decimal("0.08"), maternity=Decimal("0.005"))
    to_the_jiao = ROUNDED.model_copy(update={"step": yuan("0.10")})
    owed = due(Money(10_000), rate, Decimal("0.024"), to_the_jiao)
    assert (owed.employer, owed.individual) == (Money(850), Money(240))
    owed = due(Money(10_060), rate, Decimal("0.02"), to_the_jiao)
    assert (owed.employer, owed.individual) == (Money(860), Money(200))  # 8.551 and 2.012
