"""A transaction's input, checked against its table: what is filled must be as the table says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.settlement.nhsa.envelope import NoNumber, is_empty
from services.settlement.nhsa.refusals import FIELD_WRONG, Wrong, together
from services.settlement.nhsa.tables import (
    Field,
    Transaction,
    closed_codes,
    code_table,
    row_nodes,
    transactions,
    twins,
    within,
)
from shared.plumbing.clock import TIME_ZONE

_ROWS_MOST = 1000
_NAME_MOST = 200
_CODE_DIGITS = 2
_EARLIEST, _LATEST = date(1949, 10, 1), date(2099, 12, 31)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,8})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}(:[0-9]{2})?)", re.ASCII)

Value = str | Decimal | date | datetime


class Row:
    """One row of a node, by field code; what was empty or unknown is not in it."""

    def __init__(
        self, node: str, fields: Mapping[str, Field], values: Mapping[str, Value],
        inner: Mapping[str, list[Row]],
    ) -> None:  # fmt: skip
        self.node = node
        self._fields = fields
        self._values = values
        self._inner = inner

    def rows(self, node: str) -> list[Row]:
        """The rows of a node within this row, none where it was left out."""
        return self._inner.get(node, [])

    def text(self, code: str) -> str:
        """A text; "" where it was left empty."""
        value = self._values.get(code, "")
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return value if isinstance(value, str) else value.isoformat()

    def number(self, code: str) -> Decimal | None:
        """A number, None where it was left empty."""
        value = self._values.get(code)
        return value if isinstance(value, Decimal) else None

    def day(self, code: str) -> date | None:
        """A day, or the day of a moment."""
        value = self._values.get(code)
        return value.date() if isinstance(value, datetime) else self._day(value)

    @staticmethod
    def _day(value: Value | None) -> date | None:
        return value if isinstance(value, date) else None

    def wrong(self, code: str, rule: str) -> Wrong:
        """A refusal that names the field and the rule."""
        return Wrong(FIELD_WRONG, rule, f"{self.node}.{code}", self.name_of(code))

    def name_of(self, code: str) -> str:
        """What a field is called, "" for one that the node does not have."""
        field = self._fields.get(code)
        return field.name if field else ""

    def filled(self, code: str) -> bool:
        """Whether a field was filled."""
        return code in self._values


class Input:
    """The nodes of a transaction's input."""

    def __init__(self, rows: Mapping[str, list[Row]]) -> None:
        self._rows = rows

    def one(self, node: str) -> Row:
        """The row of a node that holds one; it is there if the table demands it."""
        return self._rows[node][0]

    def rows(self, node: str) -> list[Row]:
        """The rows of a node, none where it was left out."""
        return self._rows.get(node, [])


class _Amiss(dict[str, Wrong]):
    """What is wrong so far, by its place: of a place that is wrong in many rows, and of a field
    that is not there because what was sent is none, the first alone."""

    def note(self, rule: str, place: str, name: str = "") -> None:
        """Note a place that breaks a rule."""
        self.setdefault(place, Wrong(FIELD_WRONG, rule, place, name))


def read_input(
    given: Mapping[str, Any], transaction: Transaction, demanded_too: tuple[str, ...] = ()
) -> Input:
    """Read an input by its transaction's table. Raises Wrong, of all that is wrong in it.

    `demanded_too` are further fields that must be filled, as node.code.
    """
    amiss = _Amiss()
    rows = {
        node: list(_read_node(node, given.get(node), transaction, amiss))
        for node in transaction.nodes
        if node not in within()
    }
    for node in transaction.demanded:
        if node in rows and not rows[node]:
            amiss.note("required", node)
    for place in demanded_too:
        node, _, code = place.partition(".")
        for row in rows.get(node, []):
            _demand(row, (code,), amiss)
    if amiss:
        raise together(list(amiss.values()))
    return Input(rows)


def may_be_demanded(infno: str) -> frozenset[str] | None:
    """The fields of a transaction that a profile may demand beyond those of every one, as
    node.code; None where the transaction is not supported under this number."""
    described = transactions().get(infno)
    if described is None:
        return None
    return frozenset(
        f"{node}.{code}"
        for node, fields in described.nodes.items()
        if node not in within()
        for code, field in fields.items()
        if field.type != "x"
    )


def _inner(
    node: str, item: Mapping[str, Any], transaction: Transaction, amiss: _Amiss
) -> dict[str, list[Row]]:
    """What stands within a row of a node."""
    found = {}
    for name in transaction.nodes:
        if within().get(name) != node:
            continue
        found[name] = list(_read_node(name, item.get(name), transaction, amiss))
        if name in transaction.demanded and _is_left_out(item.get(name)):
            amiss.note("required", f"{node}.{name}")
    return found


def _is_left_out(given: Any) -> bool:
    return is_empty(given) or given == []


def _demand(row: Row, codes: tuple[str, ...], amiss: _Amiss) -> None:
    for code in codes:
        if not row.filled(code):
            amiss.note("required", f"{row.node}.{code}", row.name_of(code))


def _read_node(node: str, given: Any, transaction: Transaction, amiss: _Amiss) -> Iterator[Row]:
    if is_empty(given):
        return
    items = given if isinstance(given, list) else [given]
    if len(items) > _ROWS_MOST or not all(isinstance(item, dict) for item in items):
        amiss.note("rows", node)
        return
    if len(items) > 1 and node not in row_nodes(transaction.infno):
        amiss.note("one_row", node)
        return
    fields = transaction.nodes[node]
    for item in items:
        values: dict[str, Value] = {}
        for key, raw in item.items():
            code = key if key in fields else twins().get(key, key)
            field = fields.get(code)
            if field is None or field.type == "x" or is_empty(raw):
                continue
            try:
                values[code] = read_value(field, raw)
            except ValueError as error:
                amiss.note(str(error), f"{node}.{code}", field.name)
        row = Row(node, fields, values, _inner(node, item, transaction, amiss))
        _demand(row, transaction.demanded.get(node, ()), amiss)
        yield row


def read_value(field: Field, raw: Any) -> Value:
    """A value that is not empty, as its field's type. Raises ValueError, which names the rule."""
    if field.code == "exp_content" and isinstance(raw, dict | list):
        return ""  # some send the extras as they are; none of them is read
    if isinstance(raw, dict | list):
        raise ValueError("text")
    if isinstance(raw, NoNumber):
        raise ValueError("number" if field.type == "n" else "text")
    text = ("1" if raw else "0") if isinstance(raw, bool) else str(raw).strip()
    match field.type:
        case "n":
            return _read_number(field, text)
        case "d":
            return _read_day(text)
        case "t":
            return _read_moment(text)
    return _read_text(field, text)


def _read_text(field: Field, text: str) -> str:
    most = field.length
    if most is not None and field.code.endswith("_name"):
        most = max(most, _NAME_MOST)  # names outgrow the specification everywhere
    if most is not None and len(text) > most:
        raise ValueError("too_long")
    table = closed_codes().get(field.code)
    return text if table is None else _read_code(table, text)


def _read_code(table: str, text: str) -> str:
    """A code of a table; one that was sent as a number may have lost its leading nought."""
    known = code_table(table)
    for code in (text, text.zfill(_CODE_DIGITS)):
        if code in known:
            return code
    raise ValueError("code")


def _read_number(field: Field, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError("number")
    value = Decimal(text)
    whole = (field.length or 16) - field.places
    # More places than the field has are taken where they are noughts.
    exact = value == round(value, field.places)
    if not exact or len(str(abs(int(value)))) > whole:
        raise ValueError("number")
    return value


def _read_day(text: str) -> date:
    if _MOMENT.fullmatch(text):
        return _read_moment(text).date()
    if not _DAY.fullmatch(text):
        raise ValueError("day")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("day") from None
    if not _EARLIEST <= day <= _LATEST:
        raise ValueError("day")
    return day


def _read_moment(text: str) -> datetime:
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        return datetime.combine(_read_day(text), datetime.min.time(), TIME_ZONE)
    try:
        found = datetime.fromisoformat(f"{moment[1]}T{moment[2]}").replace(tzinfo=TIME_ZONE)
    except ValueError:
        raise ValueError("moment") from None
    if not _EARLIEST <= found.date() <= _LATEST:
        raise ValueError("moment")
    return found
