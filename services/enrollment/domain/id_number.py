"""The citizen identity number (GB 11643): area, birth date, sequence and sex, check character."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.enrollment.domain.refusals import Refusal

_FORM = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_CHECK_CHARACTERS = "10X98765432"
_EARLIEST_BIRTH = date(1900, 1, 1)


class Sex(StrEnum):
    """The sex that a number was given for."""

    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A valid ID number. Its text never leaves the service; `repr` shows the masked form."""

    text: str
    born_on: date

    @property
    def sex(self) -> Sex:
        """By the last digit of the sequence: odd for men, even for women."""
        return Sex.MALE if int(self.text[16]) % 2 else Sex.FEMALE

    def masked(self) -> str:
        """The first six and the last four characters, stars between."""
        return f"{self.text[:6]}********{self.text[-4:]}"

    def __repr__(self) -> str:
        return f"IdNumber({self.masked()})"


def check_character(first_17: str) -> str:
    """The last character that belongs to seventeen digits (ISO 7064, MOD 11-2)."""
    weighed = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[weighed % 11]


def read_id_number(text: str, today: date) -> IdNumber | Refusal:
    """The ID number that `text` holds: eighteen ASCII characters, born before tomorrow."""
    if not _FORM.fullmatch(text) or check_character(text[:17]) != text[17]:
        return Refusal.ID_NUMBER_INVALID
    try:
        born_on = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return Refusal.ID_NUMBER_INVALID
    if not _EARLIEST_BIRTH <= born_on <= today:
        return Refusal.ID_NUMBER_INVALID
    return IdNumber(text, born_on)
