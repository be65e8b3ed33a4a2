"""What a record states of a case: a fault is told at its own field, under quote and discharge."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.settlement.api.outcomes import OutcomeBody, QuoteBody
from services.settlement.api.wire import NoBody

VISIT = {
    "benefit": "prenatal", "discharged_on": "2025-01-01", "event_on": "2025-01-01",
    "total": "100.00",
}  # fmt: skip


@pytest.mark.parametrize("form", [OutcomeBody, QuoteBody])
@pytest.mark.parametrize(
    ("changed", "places"),
    [
        ({"week": 99}, {("week",)}),
        ({"week": 9, "infants": 1}, {()}),  # known to a birth, not to a visit
        ({"benefit": "delivery", "mode": "caesarean"}, {("mode",)}),
        ({"benefit": "birth", "mode": "vaginal"}, {("benefit",)}),
        ({"benefit": 7, "mode": "vaginal"}, {("benefit",)}),
    ],
)
def test_a_fault_is_told_at_its_own_field(
    form: Any, changed: dict[str, Any], places: set[tuple[str, ...]]
) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(form).validate_python({**VISIT, **changed})
    assert {fault["loc"] for fault in refused.value.errors()} == places


def test_a_quote_may_state_nothing_and_a_discharge_may_not() -> None:
    assert isinstance(TypeAdapter[Any](QuoteBody).validate_python({}), NoBody)
    with pytest.raises(ValidationError):
        TypeAdapter[Any](OutcomeBody).validate_python({})
