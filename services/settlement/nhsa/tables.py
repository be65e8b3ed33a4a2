"""The interface's own tables, loaded once: transactions with their fields, codes, addresses."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

_FOLDER = Path(__file__).parent / "fields"


class Field(NamedTuple):
    """A field as the specification names it. `length` is that of a text or, of a number, how many
    digits in all, `places` how many of them after the point."""

    code: str
    name: str
    type: Literal["s", "n", "d", "t", "x"]
    length: int | None
    places: int


class Transaction(NamedTuple):
    """A transaction: its name, and the fields of each node of its input."""

    infno: str
    name: str
    nodes: Mapping[str, Mapping[str, Field]]
    demanded: Mapping[str, tuple[str, ...]]


@cache
def transactions() -> dict[str, Transaction]:
    """Every transaction that is supported, by number."""
    demanded: dict[str, dict[str, list[str]]] = _needs()["demanded"]
    beside = _json("beside.json")
    described: dict[str, Any] = {}
    for name in ("transactions.json", "registers.json", "beside.json", "made.json"):
        described |= _json(name)["transactions"]
    return {
        infno: Transaction(
            infno,
            described[infno]["name"],
            {
                node: {
                    row[0]: _field(row)
                    for row in (*rows, *beside["fields"].get(infno, {}).get(node, ()))
                }
                for node, rows in described[infno]["in"].items()
            },
            {node: tuple(codes) for node, codes in nodes.items()},
        )
        for infno, nodes in demanded.items()
    }


@cache
def addresses() -> dict[str, str]:
    """Transaction numbers by the address of their own that older systems call."""
    of_number: dict[str, str] = _json("addresses.json")["addresses"]
    found: dict[str, str] = {}
    # Where two share an address, the one that is supported is meant.
    for infno in sorted(of_number, key=lambda number: (number not in transactions(), number)):
        found.setdefault(of_number[infno], infno)
    return found


@cache
def code_table(name: str) -> dict[str, str]:
    """A code table: meaning by code."""
    table: dict[str, str] = _json("codes.json")["tables"][name]["values"]
    return table


@cache
def twins() -> dict[str, str]:
    """Field codes as some systems write them, and as the specification does."""
    found: dict[str, str] = _needs()["twins"]
    return found


@cache
def aliases() -> dict[str, str]:
    """Transaction numbers as some systems write them, and as the specification does."""
    found: dict[str, str] = _needs()["aliases"]
    return found


@cache
def closed_codes() -> dict[str, str]:
    """Fields whose code must be one of a table, and which."""
    found: dict[str, str] = _needs()["tables"]
    return found


@cache
def row_nodes(infno: str) -> frozenset[str]:
    """Nodes of a transaction that hold any number of rows."""
    rows = _needs()["rows"]
    return frozenset((*rows["names"], *rows["of"].get(infno, ())))


@cache
def within() -> dict[str, str]:
    """Nodes that stand within another, and which."""
    found: dict[str, str] = _needs()["within"]
    return found


@cache
def ours(table: str) -> dict[str, str]:
    """Codes of the interface by our own word: psn_types, clr_types, funds and the like."""
    found: dict[str, str] = _ours()[table]
    return found


def gender(sex: str | None) -> str:
    """gend of a person whose sex enrollment told, or did not."""
    return ours("genders").get(sex or "unknown", ours("genders")["unknown"])


@cache
def cleared_under() -> dict[str, list[str]]:
    """Benefits by the clr_type that a reconciliation names."""
    found: dict[str, list[str]] = _ours()["cleared"]
    return found


@cache
def _ours() -> dict[str, Any]:
    return tomllib.loads((_FOLDER / "ours.toml").read_text(encoding="utf-8"))


@cache
def _needs() -> dict[str, Any]:
    return tomllib.loads((_FOLDER / "demanded.toml").read_text(encoding="utf-8"))


@cache
def _json(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((_FOLDER / name).read_bytes())
    return found


def _field(row: list[str]) -> Field:
    code, name, type_, length, _ = row
    digits, _, places = length.partition(",")
    kind: Any = "s" if code in _needs()["texts"]["names"] else type_
    most = _needs()["lengths"].get(code, int(digits) if digits else None)
    return Field(code, name, kind, most, int(places or 0))
