"""The field's terms as they cross the edge: strict strings in, terms of the domain inside."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, InstanceOf, PlainSerializer, WithJsonSchema

from services.enrollment.domain.membership import Spell
from shared.money import Money
from shared.period import Month
from shared.plumbing.amiss import amiss
from shared.plumbing.edge import Wire
from shared.plumbing.written import written_amount, written_day, written_month

_EARLIEST, _LATEST = date(1949, 10, 1), date(2099, 12, 31)
_BASE_FEN_MOST = 1_000_000_00


def _day(value: object) -> date:
    return written_day(value, _EARLIEST, _LATEST)


def _base(value: Any) -> Money:
    amount = written_amount(value)
    if not 0 < amount.fen <= _BASE_FEN_MOST:
        raise amiss("not-a-base")
    return amount


Day = Annotated[date, BeforeValidator(_day)]
MonthOf = Annotated[
    InstanceOf[Month],
    BeforeValidator(written_month),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"}),
]
Base = Annotated[
    InstanceOf[Money],
    BeforeValidator(_base),
    PlainSerializer(Money.to_wire),
    WithJsonSchema({"type": "string", "pattern": r"^(0|[1-9][0-9]{0,6})\.[0-9]{2}$"}),
]
PoolCode = Annotated[str, Field(pattern=r"^[0-9]{6}$", min_length=6, max_length=6)]
EmployerRef = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,32}$", max_length=32)]
PersonRef = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", min_length=32, max_length=32)]
IdNumberText = Annotated[str, Field(pattern=r"^[1-9][0-9]{16}[0-9X]$", max_length=18)]
NameText = Annotated[str, Field(min_length=1, max_length=100)]
RegisteredKind = Literal["employee", "flexible", "retiree", "early_retiree", "unemployment_benefit"]


class SpellShown(Wire):
    """A spell: `end` is the first day without insurance, null while it runs."""

    pool_code: str
    county_code: str
    kind: str
    insurance: list[str]
    employer_ref: str | None
    start: str
    end: str | None


def show_spell(spell: Spell) -> SpellShown:
    """A spell as it is answered."""
    return SpellShown(
        pool_code=spell.pool_code,
        county_code=spell.county_code,
        kind=spell.kind.value,
        insurance=[insurance.value for insurance in spell.insurance],
        employer_ref=spell.employer_ref,
        start=spell.period.start.isoformat(),
        end=spell.period.end.isoformat() if spell.period.end else None,
    )
