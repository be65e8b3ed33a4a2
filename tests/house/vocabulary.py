"""What a line of each room may not say, as questions to its syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

Question = Callable[[ast.AST], str | None]

_SQL = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|update\s.+\sset|delete\s+from)\b", re.I | re.S
)
_MONEY_WORD = re.compile(r"(^|_)(amount|money|fen|fund|total|parts?)$")
# One or two characters are data: a name, a variant. Words for people are longer.
_CHINESE = re.compile(r"[\u4e00-\u9fff]{3}")


def waits(node: ast.AST) -> str | None:
    """The law does not wait: whatever decides takes facts and gives an answer."""
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return "async" if isinstance(node, kinds) else None


def asks_the_clock(node: ast.AST) -> str | None:
    """A clock read inside a rule makes yesterday's claim price otherwise today."""
    if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
        return f".{node.attr}()"
    return None


def floats(node: ast.AST) -> str | None:
    """A float loses a fen sooner or later."""
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return repr(node.value)
    return "float" if isinstance(node, ast.Name) and node.id == "float" else None


def knows_machinery(node: ast.AST) -> str | None:
    """Sessions, loggers and status codes belong to the edges and the store."""
    word = _word(node)
    machinery = ("session", "connection", "logger", "logging", "log", "status_code", "topic")
    return word if word in machinery else None


def speaks_to_people(node: ast.AST) -> str | None:
    """Words for people lie in words/*.toml, keyed by code; a docstring may quote the law."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "Chinese text" if _CHINESE.search(node.value) else None
    return None


def writes_sql(node: ast.AST) -> str | None:
    """Statements stand in the store, where their plans are looked after."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
        return f"SQL: {node.value.strip()[:40]!r}"
    return None


def says_http(node: ast.AST) -> str | None:
    """Only an edge knows that it is HTTP that asks."""
    word = _word(node)
    return word if word in ("status_code", "HTTPException", "Request", "Response") else None


def calculates_money(node: ast.AST) -> str | None:
    """An action asks the domain what a sum is; it never adds one up."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
        for side in (node.left, node.right):
            if _MONEY_WORD.search(_word(side) or ""):
                return f"arithmetic on {_word(side)}"
    if isinstance(node, ast.Call) and _word(node.func) == "Money":
        return "Money(...)"
    return None


def decides_benefits(node: ast.AST) -> str | None:
    """The store keeps and finds; what a benefit is worth is not its question."""
    if isinstance(node, ast.If | ast.IfExp | ast.Match):
        test = node.subject if isinstance(node, ast.Match) else node.test
        for part in ast.walk(test):
            word = _word(part) or ""
            if "benefit" in word or word in ("mode", "member_kind", "entitlement"):
                return f"a decision by {word}"
    return None


def names_a_topic(node: ast.AST) -> str | None:
    """Topics are the business of told, heard and the bus."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.startswith("maternity.") else None
    return None


_PURE = (waits, asks_the_clock, floats, knows_machinery, speaks_to_people, writes_sql, says_http)

FORBIDDEN: dict[str, tuple[Question, ...]] = {
    "domain": (*_PURE, names_a_topic),
    "told": (waits, asks_the_clock, floats, writes_sql, says_http),
    "store": (floats, decides_benefits, says_http, names_a_topic),
    "actions": (writes_sql, calculates_money, floats, says_http, names_a_topic),
    "api": (writes_sql, names_a_topic),
    "nhsa": (writes_sql, names_a_topic, floats, speaks_to_people, says_http),
    "heard": (writes_sql, calculates_money, says_http),
    "shared.policy": (waits, floats, writes_sql, says_http, names_a_topic),
    "shared.contracts": (waits, asks_the_clock, floats, writes_sql, says_http),
    "shared.money": _PURE,
    "shared.period": (waits, floats, writes_sql, says_http),
}


def said(source: str, room: str) -> Iterator[str]:
    """What a file says that its room may not, as `line: words`."""
    tree = ast.parse(source)
    quotes = _docstrings(tree)
    for node in ast.walk(tree):
        if id(node) in quotes:
            continue
        for question in FORBIDDEN.get(room, ()):
            words = question(node)
            if words:
                yield f"{getattr(node, 'lineno', 0)}: {words}"


def _word(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
            return word
        case ast.alias(name=word):
            return word.split(".")[-1]
        case ast.keyword(arg=word):
            return word
    return None


def _docstrings(tree: ast.Module) -> set[int]:
    """Strings that stand alone: the quotations and explanations of the code around them."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
