"""What audit says of a case before its claim, and what the hospital does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from shared.money import Money

_NAMES = UUID("5d0c3f0e-3a57-4c0e-9a59-0e6c2b1f7d11")


class Grade(StrEnum):
    """How sure audit is: a breach, or something to look at."""

    VIOLATION = "violation"
    SUSPICIOUS = "suspicious"


@dataclass(frozen=True, slots=True)
class CheckWarning:
    """One finding of a case; `case_ref` names the case among those that were asked about."""

    case_ref: str
    rule: str
    rule_version: int
    grade: Grade
    title_zh: str
    explanation_zh: str
    at_risk: Money
    evidence: Mapping[str, str]

    def identity(self, pool_code: str, institution_code: str) -> UUID:
        """The same for the same finding however often it is asked for."""
        shown = ";".join(f"{name}={value}" for name, value in sorted(self.evidence.items()))
        parts = (pool_code, institution_code, self.case_ref, self.rule, str(self.rule_version))
        return uuid5(_NAMES, "\n".join((*parts, shown)))


class Checked(NamedTuple):
    """What audit said to one question; `check_id` is what an answer to it names."""

    check_id: UUID
    warnings: list[CheckWarning]


class ReplyWay(StrEnum):
    """What a hospital did about a warning; one that it keeps has a reason."""

    CORRECTED = "corrected"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class WarningReply:
    """A hospital's answer to a warning that it was told."""

    pool_code: str
    reply_id: UUID
    institution_code: str
    warning_id: UUID
    check_id: UUID
    case_ref: str
    rule: str
    way: ReplyWay
    reason: str
    said_at: datetime
