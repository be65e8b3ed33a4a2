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
_COMPOUND_FAMILY_NAMES = frozenset(
    (
        *("欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "长孙"),
        *("司徒", "东方", "独孤", "南宫", "端木", "百里", "呼延", "申屠", "轩辕", "宇文", "澹台"),
        *("公冶", "太叔", "钟离", "闻人", "赫连", "拓跋", "司空", "东郭"),
    )
)
_HIDDEN = "**"


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name fit for a register; `repr` shows the masked form."""

    text: str

    def masked(self) -> str:
        """The family name, else the first character, and stars that tell no length."""
        compound = len(self.text) > 2 and self.text[:2] in _COMPOUND_FAMILY_NAMES
        return self.text[: 2 if compound else 1] + _HIDDEN

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
