"""The keys of fields at rest: several at a time while they are changed, the current one first."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import SecretStr

from shared.plumbing.settings import Settings, unmarked

_KEY_BYTES = 16
_FIRST_ID = "1"


class FieldKey(NamedTuple):
    """One key and its number, 1 to 255: what it sealed bears the number, never used again."""

    id: int
    secret: bytes


def read_keys(text: str) -> list[FieldKey]:
    """The keys of a setting: `2:DIGITS,1:DIGITS`; a key that stands alone may omit its number.

    Raises ValueError, which does not repeat the text.
    """
    keys = [_read_key(part) for part in text.split(",")]
    if len({key.id for key in keys}) != len(keys) or len({k.secret for k in keys}) != len(keys):
        raise ValueError("each field key has a number and digits of its own")
    return keys


def _read_key(part: str) -> FieldKey:
    number, colon, digits = part.strip().rpartition(":")
    number = number if colon else _FIRST_ID
    try:
        key = FieldKey(int(number), bytes.fromhex(digits))
    except ValueError:
        raise ValueError("a field key is `number:32 hexadecimal digits`") from None
    if not 1 <= key.id <= 255 or len(key.secret) != _KEY_BYTES:
        raise ValueError("a field key is a number from 1 to 255 and 32 hexadecimal digits")
    return key


def body_key(settings: Settings) -> bytes:
    """The key of the kept hashes of request bodies.

    A body is not kept, so its hash cannot be made again under another key: this one stays while
    field keys change. Unless it is set, it is the field key of the lowest number.
    """
    own: SecretStr = settings.body_key
    keys = read_keys(own.get_secret_value() or unmarked(settings.field_key))
    return min(keys).secret
