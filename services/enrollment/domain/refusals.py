"""Why enrollment says no: closed and numbered; a number is never used for another reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Refusal(Enum):
    """Each with its number and its slug. None passes by asking again: facts must change first."""

    EMPLOYER_KNOWN = (3001, "employer-already-known")
    EMPLOYER_UNKNOWN = (3002, "employer-unknown")
    ID_NUMBER_INVALID = (3003, "id-number-invalid")
    NAME_INVALID = (3004, "name-invalid")
    NAME_DIFFERS = (3005, "name-differs")
    EMPLOYER_AND_KIND = (3006, "employer-does-not-fit-kind")
    START_OUT_OF_RANGE = (3007, "start-out-of-range")
    ALREADY_REGISTERED = (3008, "already-registered")
    NOT_AFTER_LAST_SPELL = (3009, "not-after-last-spell")
    INSURED_ELSEWHERE = (3010, "insured-elsewhere")
    NO_SPELL_TO_END = (3011, "no-spell-to-end")
    NOT_INSURED_IN_MONTH = (3012, "not-insured-in-month")
    MONTH_ALREADY_PAID = (3013, "month-already-paid")
    MONTH_NOT_BEGUN = (3014, "month-not-begun")
    NO_RULE = (3015, "no-rule")
    PERSON_UNKNOWN = (3016, "person-unknown")

    @property
    def number(self) -> int:
        """The number that outsiders may rely on."""
        return self.value[0]

    @property
    def slug(self) -> str:
        """The name that outsiders may rely on."""
        return self.value[1]

    @property
    def retryable(self) -> bool:
        """Whether the same request may pass later by itself."""
        return False


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal of one item among several; with it, all of them are refused."""

    refusal: Refusal
    item: int
