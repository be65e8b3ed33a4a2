"""The catalogue's forms: what is listed, what is shown of it, and what of its imports."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from services.settlement.api.shown import Amount, DayText, IdText, Instant
from services.settlement.api.wire import BillText, Code, Lasting
from services.settlement.domain.catalogue import ItemKind, Listing
from services.settlement.store.catalogue import Import
from shared.money import Money
from shared.plumbing.amiss import amiss
from shared.plumbing.clock import to_wire
from shared.plumbing.edge import Line, Wire
from shared.policy.shapes import DeliveryMode

KindText = Literal["drug", "treatment", "facility", "material"]
ModeText = Literal["vaginal", "assisted", "cesarean"]
RateText = Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,4})?|1)$")]


class ItemBody(Lasting):
    """A catalogue item; `limit` is the highest price of one unit in scope, and where hospitals of
    one level have another, all three levels are given. Only class b has a first co-payment. What is
    not for maternity is paid by the member. `delivery_mode` says how a child is born where the item
    is charged; it counts where neither operations nor diagnoses say it."""

    item_code: Code
    name: Annotated[Line, Field(max_length=200)]
    kind: KindText = "treatment"
    item_class: Literal["a", "b", "c"]
    first_copay_rate: RateText = "0"
    limit: BillText | None = None
    level_1_limit: BillText | None = None
    level_2_limit: BillText | None = None
    level_3_limit: BillText | None = None
    maternity: bool = True
    delivery_mode: ModeText | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.item_class != "b" and Decimal(self.first_copay_rate):
            raise amiss("first-copay-of-class-b")
        if len({limit is None for limit in self._levels()}) != 1:
            raise amiss("limits-of-all-levels")
        return self

    def _levels(self) -> tuple[str | None, str | None, str | None]:
        return self.level_1_limit, self.level_2_limit, self.level_3_limit

    def to_listing(self) -> Listing:
        """The item as the domain knows it."""
        first, second, third = (Money.from_wire(text) if text else None for text in self._levels())
        levels = (first, second, third) if first and second and third else None
        return Listing(
            item_code=self.item_code,
            name=self.name,
            kind=ItemKind(self.kind),
            item_class=self.item_class,
            first_copay_rate=Decimal(self.first_copay_rate),
            limit=Money.from_wire(self.limit) if self.limit else None,
            level_limits=levels,
            maternity=self.maternity,
            start=self.start,
            end=self.end,
            delivery_mode=DeliveryMode(self.delivery_mode) if self.delivery_mode else None,
        )


class ItemListed(Wire):
    """The catalogue item that was listed."""

    item_code: Code


class ItemEnded(Wire):
    """The version of an item that was ended: its first day, and the first day without it."""

    item_code: Code
    start: DayText
    end: DayText


class ItemShown(Wire):
    """A version of an item; `end` is the first day without it, null while it runs."""

    item_code: Code
    name: str
    kind: KindText
    item_class: Literal["a", "b", "c"]
    first_copay_rate: str
    limit: Amount | None
    level_1_limit: Amount | None
    level_2_limit: Amount | None
    level_3_limit: Amount | None
    maternity: bool
    delivery_mode: ModeText | None
    start: DayText
    end: DayText | None


class CatalogueShown(Wire):
    """A part of the catalogue in the order of change; what changes later comes after `next`, also
    where nothing is left now."""

    items: list[ItemShown]
    next: int


class ImportShown(Wire):
    """A file of items that waits for another person, or was decided."""

    import_id: IdText
    rows: int
    state: Literal["proposed", "approved", "rejected"]
    proposed_at: Instant
    file_hash: str


class ImportsShown(Wire):
    """Imports in one state, oldest first."""

    items: list[ImportShown]


class ImportDecided(Wire):
    """What became of an import."""

    import_id: IdText
    state: Literal["approved", "rejected"]


def item_shown(one: Listing) -> dict[str, Any]:
    """A version of an item as it is shown."""
    levels = one.level_limits or (None, None, None)
    return {
        "item_code": one.item_code,
        "name": one.name,
        "kind": one.kind.value,
        "item_class": one.item_class,
        "first_copay_rate": format(one.first_copay_rate.normalize(), "f"),
        "limit": one.limit.to_wire() if one.limit else None,
        **{
            f"level_{level}_limit": limit.to_wire() if limit else None
            for level, limit in enumerate(levels, 1)
        },
        "maternity": one.maternity,
        "delivery_mode": one.delivery_mode,
        "start": one.start.isoformat(),
        "end": one.end.isoformat() if one.end else None,
    }


def import_shown(one: Import) -> dict[str, Any]:
    """An import as it is shown; who proposed it stays in the log."""
    return {
        "import_id": str(one.import_id),
        "rows": one.rows,
        "state": one.state,
        "proposed_at": to_wire(one.proposed_at),
        "file_hash": one.file_hash,
    }
