"""The envelope that every transaction travels in, read as leniently as real systems write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.settlement.nhsa.refusals import ENVELOPE_MALFORMED, FIELD_WRONG, Wrong
from services.settlement.nhsa.tables import aliases
from shared.plumbing.strict_json import TooDeep, clean, no_doubles

_DIGITS_MOST = 40
_MSGID = re.compile(r"[\x21-\x7e]{1,30}", re.ASCII)
_INSTITUTION = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_INFNO = re.compile(r"[0-9A-Za-z]{4,8}", re.ASCII)
_AREA = re.compile(r"[0-9]{6}", re.ASCII)


class NoNumber(str):
    """What stands as a number and is not taken as one: with an exponent, which writes in a few
    characters what fills a disk, of too many digits, or NaN. Whoever reads its field refuses it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who asks for what under which message id; `input` as it came, its numbers as Decimals; `file`
    is what came beside it."""

    infno: str
    msgid: str
    institution_code: str
    area: str
    input: Mapping[str, Any]
    file: bytes | None = None


def is_empty(value: Any) -> bool:
    """Whether a value stands for nothing: null, "", "null" in any case."""
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "null"))


def read_envelope(body: bytes, infno_of_path: str, file: bytes | None = None) -> Envelope:
    """The envelope of a body; the body's own infno counts, else the path's. Raises Wrong."""
    head = _object(_parsed(body))
    infno = _text(head, "infno") or infno_of_path
    institution_code = _text(head, "fixmedins_code") or _text(head, "medins_code")
    msgid = _text(head, "msgid")
    for text, shape, place in (
        (infno, _INFNO, "infno"), (institution_code, _INSTITUTION, "fixmedins_code"),
        (msgid, _MSGID, "msgid"),
    ):  # fmt: skip
        if not text:
            raise Wrong(FIELD_WRONG, "required", place)
        if not shape.fullmatch(text):
            raise Wrong(FIELD_WRONG, "text", place)
    area = _text(head, "mdtrtarea_admvs")
    return Envelope(
        aliases().get(infno, infno),
        msgid,
        institution_code,
        area if _AREA.fullmatch(area) else "0" * 6,
        _input(head),
        file,
    )


def _input(head: Mapping[str, Any]) -> Mapping[str, Any]:
    given = head.get("input")
    if is_empty(given):
        return {}
    if isinstance(given, str):
        given = _parsed(given.encode("utf-8"))
    return _object(given)


def _text(head: Mapping[str, Any], key: str) -> str:
    value = head.get(key)
    if is_empty(value):
        return ""
    if isinstance(value, dict | list | bool | NoNumber):
        raise Wrong(FIELD_WRONG, "text", key)
    return str(value).strip()


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(ENVELOPE_MALFORMED, "not_json")
    return value


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=no_doubles,
            parse_constant=NoNumber,
            parse_float=_number,
            parse_int=_number,
        )
        clean(value)
    except (RecursionError, TooDeep) as error:
        raise Wrong(ENVELOPE_MALFORMED, "too_deep") from error
    except ValueError as error:  # what is no JSON, no UTF-8, or not strict
        raise Wrong(ENVELOPE_MALFORMED, "not_json") from error
    return value


def _number(digits: str) -> Decimal | NoNumber:
    if len(digits) > _DIGITS_MOST or "e" in digits.lower():
        return NoNumber(digits)
    return Decimal(digits)


def hashable(value: Any) -> Any:
    """A parsed input in a form whose hash is that of its content: a number as its digits."""
    if isinstance(value, dict):
        return {key: hashable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [hashable(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value
