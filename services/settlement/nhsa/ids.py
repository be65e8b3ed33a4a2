"""Our ids as the interface has room for them: 30 characters, where a UUID is written with 32."""

from __future__ import annotations

import base64
import binascii
import re
from uuid import UUID

_CITIZEN = re.compile(r"[0-9]{17}[0-9Xx]|[0-9]{15}", re.ASCII)
_WRITTEN = re.compile(r"[A-Z2-7]{26}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PADDING = "======"


def to_wire(id_: UUID) -> str:
    """An id in 26 characters of base 32."""
    return base64.b32encode(id_.bytes).decode().rstrip("=")


def from_wire(text: str) -> UUID:
    """The id that a text names: ours in 26 characters, or a UUID as it is usually written. Raises
    ValueError."""
    if not _WRITTEN.fullmatch(text):
        return UUID(text)
    try:
        return UUID(bytes=base64.b32decode(text + _PADDING))
    except binascii.Error as error:
        raise ValueError("no id") from error


def person_to_wire(person_ref: str) -> str:
    """A person's reference; those that enrollment makes are 32 hexadecimal digits."""
    return to_wire(UUID(person_ref)) if _HEX.fullmatch(person_ref) else person_ref


def person_from_wire(text: str) -> str:
    """The reference that a text names; any other text is taken as it stands."""
    if not _WRITTEN.fullmatch(text):
        return text
    try:
        return from_wire(text).hex
    except ValueError:
        return text


def is_citizen_number(text: str) -> bool:
    """Whether a text has the shape of a citizen's number, which some write where psn_no belongs: it
    is never taken for a reference, for it would be stored."""
    return _CITIZEN.fullmatch(text) is not None
