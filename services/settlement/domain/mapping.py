"""A hospital's own code for an item, mapped to the catalogue's, and what may be done about it."""

from __future__ import annotations

from collections.abc import Mapping as Mapped
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.settlement.domain.line import FeeLine
from services.settlement.domain.refusals import Refusal
from shared.period import Period


class MappingState(StrEnum):
    """proposed -> approved or rejected by the agency; its hospital revokes what stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"


_NEXT = {
    MappingState.APPROVED: {MappingState.PROPOSED},
    MappingState.REJECTED: {MappingState.PROPOSED},
    MappingState.REVOKED: {MappingState.PROPOSED, MappingState.APPROVED},
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """One of a hospital's codes stands for one item of the catalogue, from `starts` until
    (exclusive) `ends`; `valid` are the days on which it does, once approved."""

    pool_code: str
    mapping_id: UUID
    institution_code: str
    own_code: str
    own_name: str
    item_code: str
    state: MappingState
    proposed_at: datetime
    changed_at: datetime
    starts: date
    ends: date | None
    valid: Period | None = None


def brought_to(
    mapping: Mapping, state: MappingState, at: datetime, today: date
) -> Mapping | Refusal:
    """The mapping in its next state. One that is revoked stands for the item no more from today on;
    lines of days before are read by it still."""
    if mapping.state not in _NEXT[state]:
        return Refusal.MAPPING_DECIDED
    valid = mapping.valid
    if state is MappingState.APPROVED:
        valid = Period(mapping.starts, mapping.ends)
    elif valid is not None:
        last = min(today, valid.end or today)
        valid = Period(valid.start, last) if valid.start < last else None
    return replace(mapping, state=state, changed_at=at, valid=valid)


Own = Mapped[tuple[str, date], str]
"""Items by a hospital's own code and a day."""

_UNMAPPED = "own."
"""Begins the code of what the hospital named by its own code alone, which no catalogue knows."""


def read_by(line: FeeLine, own: Own) -> FeeLine:
    """The line with the item that it means: as it says, else as its own code is mapped that day.
    What returns another line means that one's item."""
    if line.item_code or line.own_code is None or line.returns is not None:
        return line
    mapped = own.get((line.own_code, line.charged_on))
    return replace(line, item_code=mapped or f"{_UNMAPPED}{line.own_code}")


def mapped_otherwise(line: FeeLine, own: Own) -> str | None:
    """The item that the line's own code is mapped to, where the line names another one."""
    mapped = own.get((line.own_code or "", line.charged_on))
    return mapped if mapped is not None and line.item_code not in ("", mapped) else None
