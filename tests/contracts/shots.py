"""Bad inputs, aimed: which lines of bad_inputs.jsonl are meant for which kind of field.

The lines hold facts alone: a value (or the JSON text itself, where no value could say it), and what
must come of it: `reject`, `accept`, `deny` (who may not, is told so) or `either`; a run of one
character is told as [what stands before it, the character, how often]. They were chosen
from what brought down or fooled systems of this kind, many of them seen on a plain app of this
framework. Scenarios and what only a socket can send are tests of their own; the map of all is
`covered.toml`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.contracts.described import Field

_FILE = Path(__file__).with_name("bad_inputs.jsonl")


@dataclass(frozen=True)
class Line:
    """One bad input, as a JSON text and as the plain text of an address."""

    id: str
    kind: str
    expect: str
    json: str = ""
    plain: str | None = None
    raw: dict[str, Any] | None = None


def _spelled(value: Any) -> Any:
    return value[0] + value[1] * value[2] if isinstance(value, list) else value


def _line(stored: dict[str, Any]) -> Line:
    line = Line(stored["id"], stored["kind"], stored["expect"], raw=stored)
    if "json" in stored:
        text = _spelled(stored["json"])
        plain = json.loads(text) if text.startswith('"') else None if text == "null" else text
        return replace(line, json=text, plain=plain)
    if stored.get("value") is not None:
        value = _spelled(stored["value"])
        return replace(line, json=json.dumps(value), plain=value)
    return line


LINES = [_line(json.loads(text)) for text in _FILE.read_text(encoding="utf-8").splitlines()]

VALUES = frozenset(
    {"id_number", "person_name", "money", "date", "diagnosis_code", "procedure_code",
     "hospital_code", "region_code", "payment_method"}
)  # fmt: skip

_OWN = {
    "money": {"money"},
    "date": {"date"},
    "id_number": {"id_number"},
    "person_name": {"person_name"},
    "text": {"person_name"},
    "region_code": {"region_code", "id_number"},
    "code": {"diagnosis_code", "procedure_code", "hospital_code"},
    "enum": {"payment_method", "id_number"},
    "month": {"date"},
    "uuid": {"diagnosis_code", "id_number"},
    "integer": {"money"},
    "number": {"money"},
    "signed": {"money"},
    "sum": {"money"},
    "change": {"money"},
    "boolean": {"money", "payment_method"},
    "secret": {"person_name", "id_number"},
    "opaque": {"person_name", "id_number", "diagnosis_code"},
    "key": set[str](),
}
"""The lines for a kind of field; a field of another kind takes what it can be mistaken for."""

_FREE = {"secret", "opaque"}
"""Any text may be asked for: it is not found, or does not belong together."""

_ALL_WRONG = {"month", "uuid", "enum", "boolean"}
"""What is a good value elsewhere is none here."""

_ELSEWHERE_RIGHT = {
    "integer": {"MON-004"},  # a whole number
    "number": {"MON-003", "MON-006"},  # quantities and rates have decimals of their own
    "signed": {"MON-003", "MON-006", "MON-010"},  # below nothing it takes a line back
    "sum": {"MON-010"},  # refunds may be more than what was paid
    "change": {"MON-003", "MON-006", "MON-009", "MON-010"},  # what changes may fall, too
    "boolean": {"MON-034"},
    # Nobody keeps a list of all codes: their form is checked, and the catalogue or the agreement
    # refuses in its own place.
    "code": {"COD-001", "COD-004", "COD-013", "COD-014", "COD-023"},
}
_NOTHING = {"MON-035", "DAT-034"}


def for_field(field: Field, *, all_kinds: bool) -> Iterator[Line]:
    """The lines to shoot at a field, each with what must come of it; with `all_kinds` also those
    that are meant for other kinds, of which nothing is known but that they must do no harm."""
    own = _OWN[field.kind]
    for line in LINES:
        if line.kind in own:
            yield replace(line, expect=_expected(field, line))
        elif all_kinds and line.kind in VALUES:
            yield replace(line, expect="either")
    if field.where in ("path", "query"):
        yield from _of_address(field)


def _expected(field: Field, line: Line) -> str:
    if field.kind in _FREE or line.id in _ELSEWHERE_RIGHT.get(field.kind, ()):
        return "either"
    if line.id in _NOTHING and not field.required:
        return "either"
    if field.kind == "region_code":
        # A county is any six digits, a pool one that the agency has.
        wrong_place = line.id in ("COD-024", "COD-025")
        return ("reject" if field.at[-1] == "pool" else "either") if wrong_place else "reject"
    if field.kind in _ALL_WRONG:
        return "reject"
    if field.kind in ("integer", "number", "signed", "change", "code"):
        return "reject" if line.expect == "reject" or line.kind == "money" else "either"
    return line.expect


def _of_address(field: Field) -> Iterator[Line]:
    for line in LINES:
        stored = line.raw or {}
        if (line.kind == "path" and field.where == "path" and line.id != "PTH-013") or (
            line.kind == "query" and stored["param"] == field.at[-1] == "limit"
        ):
            yield replace(line, plain=None)


def unknown_queries() -> Iterator[tuple[str, str]]:
    """Id and raw text of queries that no route asks for."""
    for line in LINES:
        stored = line.raw or {}
        if line.kind == "query" and stored["param"] != "limit":
            yield line.id, f"{stored['param']}={quote(stored['value'], safe='%&=')}"


def in_address(line: Line) -> str | None:
    """The line as raw text of an address; None if it cannot stand there."""
    if line.kind in ("path", "query"):
        return quote(str(_spelled((line.raw or {})["value"])), safe="%&=/+")
    if line.plain is None:
        return None
    return quote(line.plain.encode("utf-8", "surrogatepass"), safe="")


def in_body(body: Any, at: tuple[str | int, ...], text: str) -> bytes:
    """A body with the JSON text in one place."""
    mark = "here-stands-the-line"
    changed = json.loads(json.dumps(body))
    place = changed
    for step in at[:-1]:
        place = place[step]
    place[at[-1]] = mark
    return json.dumps(changed).replace(f'"{mark}"', text).encode("utf-8", "surrogatepass")


def bodies() -> Iterator[tuple[Line, bytes, dict[str, str]]]:
    """Whole bodies that are wrong whoever gets them, with their headers."""
    for line in LINES:
        stored = line.raw or {}
        if "raw_b64" in stored:
            yield line, base64.b64decode(stored["raw_b64"]), stored["headers"]
        elif "gen" in stored:
            for content in _grown(*stored["gen"].split(":")):
                yield line, content, stored["headers"]


def _grown(how: str, *args: str) -> Iterable[bytes]:
    """What is too large is cut to a body that is refused for its size, and to one that is not."""
    count = int(args[-1])
    for most in (300_000, 200_000):
        if how == "nest":
            yield b'{"a":' * min(count, most // 5)
        elif how == "strbody":
            yield b'{"a":"' + b"a" * min(count, most) + b'"}'
        elif how == "keys":
            yield json.dumps({f"k{n}": 0 for n in range(min(count, most // 12))}).encode()
        else:
            yield json.dumps([0] * min(count, most // 3)).encode()


def headers(name: str) -> Iterator[Line]:
    """The lines for one header."""
    return (line for line in LINES if (line.raw or {}).get("header") == name)
