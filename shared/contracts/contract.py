"""What an event contract is: a frozen shape with a topic, a type and a version; consumers ignore
names that they do not know, so a version may grow but never change."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Amount = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,12})\.[0-9]{2}$")]
"""Money on the wire: yuan with exactly two decimals."""

Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""A day in Asia/Shanghai."""

MonthText = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$")]
"""A calendar month."""

PoolCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class Unreadable(ValueError):
    """The bytes are not an event of this contract."""


class Shape(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Contract(Shape):
    """An event's data. No name, ID number, phone or bank account ever stands in one."""

    topic: ClassVar[str]
    type: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def schema_path(cls) -> str:
        """Where the frozen schema lies, under `shared/contracts/schemas`; also `dataschema`."""
        return f"{cls.type}/v{cls.version}.json"

    def to_bytes(self) -> bytes:
        """The event's JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read an event's JSON. Raises Unreadable."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise Unreadable(cls.type) from error
