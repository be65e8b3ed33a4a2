"""A person's name: many scripts, one spelling of the middle dot, nothing invisible."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from services.enrollment.domain.refusals import Refusal

_LONGEST = 100
# The separator of transcribed names is U+00B7 (GB/T); keyboards send its look-alikes.
_DOTS = str.maketrans({"•": "·", "・": "·", "‧": "·", "．": "·"})
# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned,
# line and paragraph separators: none is part of a name, and some forge what a screen shows.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_HIDDEN = "**"


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name fit for a register; `repr` shows the masked form."""

    text: str

    def masked(self) -> str:
        """The first character, where a Han family name stands, and stars that tell no length."""
        return self.text[0] + _HIDDEN

    def __repr__(self) -> str:
        return f"PersonName({self.masked()})"


def read_name(text: str) -> PersonName | Refusal:
    """The name that `text` holds, in composed form, with single spaces and one kind of dot."""
    if any(unicodedata.category(character) in _UNSEEN for character in text):
        return Refusal.NAME_INVALID
    name = " ".join(unicodedata.normalize("NFC", text).translate(_DOTS).split())
    if not name or len(name) > _LONGEST:
        return Refusal.NAME_INVALID
    return PersonName(name)
