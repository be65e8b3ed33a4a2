"""What is doubtful in a hospital's record: no reason to refuse, and something to ask about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class DoubtKind(StrEnum):
    """A line names another item than the hospital's own code was mapped to; a settlement list's
    sums, diagnoses or newborns are not those that were settled."""

    MAPPED_OTHERWISE = "mapped_otherwise"
    LIST_SUMS_DIFFER = "list_sums_differ"
    LIST_DIAGNOSES_DIFFER = "list_diagnoses_differ"
    LIST_OPERATIONS_DIFFER = "list_operations_differ"
    LIST_NEWBORNS_DIFFER = "list_newborns_differ"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt about a stay; `found` says what was told against what, by codes and amounts alone."""

    pool_code: str
    doubt_id: UUID
    institution_code: str
    stay_id: UUID
    kind: DoubtKind
    found: Mapping[str, Any]
    noted_at: datetime


def without_lines(doubt: Doubt, gone: Collection[int]) -> Doubt | None:
    """What is left of a doubt about lines when some of them are no more, None for nothing."""
    left = [line for line in doubt.found["lines"] if line["line_number"] not in gone]
    return replace(doubt, found={"lines": left}) if left else None
