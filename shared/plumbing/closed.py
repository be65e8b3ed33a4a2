"""Objects that know all their names, and tell of those that they do not know without saying them.

pydantic tells of each unknown name by itself, at the name that was sent. Here they are one fault of
the object that they stand in: how many there are, and which names it does know.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from shared.plumbing.amiss import amiss

UNKNOWN_NAMES = "extra_forbidden"
"""The code of such a fault: pydantic's own."""
FRACTION = "a-fraction"
"""The code of a number with a point or an exponent, whatever was asked for at its place."""
FAULTS_MOST = 100
"""Nobody is told of more: a long list of which every entry is wrong would be answered by more than
was sent."""


def _no_fraction(value: object) -> object:
    if isinstance(value, float):
        raise amiss(FRACTION)
    return value


NoFraction = BeforeValidator(_no_fraction)
"""Listed whole numbers take no 1.0 for 1: of a list alone pydantic asks whether they are equal."""


class Closed(BaseModel):
    """An object of a body or a file: closed, strict about types, and never changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_unknown_names_as_one(
        cls, value: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            unknown = _unknown_names(value, cls)
            if not unknown:
                raise
            raise _told_as_one(error, cls, unknown) from None


def code_of(fault: Any) -> str:
    """What kind of wrong a fault is that pydantic tells."""
    return FRACTION if isinstance(fault.get("input"), float) else str(fault["type"])


def _names(of: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in of.model_fields.items()]


def _unknown_names(value: object, of: type[BaseModel]) -> int:
    return len(value.keys() - set(_names(of))) if isinstance(value, dict) else 0


def _told_as_one(error: ValidationError, of: type[BaseModel], unknown: int) -> ValidationError:
    told = error.errors(include_url=False)
    # What an object within this one does not know it has told already, with its `ctx`.
    others = [fault for fault in told if fault["type"] != UNKNOWN_NAMES or "ctx" in fault]
    names = {"unknown": unknown, "known": _names(of)}
    as_one = PydanticCustomError(UNKNOWN_NAMES, "names that are not known", names)
    return ValidationError.from_exception_data(
        of.__name__,
        [
            *map(_again, others[:FAULTS_MOST]),
            InitErrorDetails(type=as_one, loc=(), input=None),
        ],
    )


def _again(fault: ErrorDetails) -> InitErrorDetails:
    # As one of ours whatever it was: pydantic takes its own only with all that belongs to each.
    said = PydanticCustomError(code_of(fault), fault["msg"], fault.get("ctx"))
    return InitErrorDetails(type=said, loc=fault["loc"], input=None)
