"""Whatever is written into the log is looked for by verify: no act of a service goes unasked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.verify.deeds import LOGGED
from tests.support.source import ROOT, SERVICES, python_files

ASKED_OTHERWISE = {
    # By the subject's path through its states (S01), and a bill by S05's question about its lines.
    "add_lines", "cancel_lines", "discharge", "reopen_stay",
    # By person, whatever the act: a version and its log row each (S05).
    "register-person", "end-spell", "post-contributions",
    # Ended once or more, the last end stands in the row (S05).
    "end_agreement", "end_item",
    # As V05 compares the claim itself.
    "claim-adjusted",
}  # fmt: skip
NO_ROW_OF_ITS_OWN = {
    # What came of it is told by its adjustments' rows.
    "reconsider",
    # Kept in place of the one before.
    "take_settlement_list", "check-answered", "lease-taken-over",
    # A round of work or a question, which leaves no row.
    "find-gaps", "rotate-keys",
    # One row a rule, which counts on.
    "rule-trial-begun", "rule-trial-ended",
    # One row a number, which is forgotten when it is old.
    "sign_in", "sign_out",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A function of a file."""

    service: str
    file: Path
    function: ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(file: Path) -> ast.Module:
    """A file as its syntax."""
    return ast.parse(file.read_text(encoding="utf-8"))


def outermost(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions below a node, those within them as parts of them."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef):
            yield below
        else:
            yield from outermost(below)


def places() -> list[Place]:
    """Every function of the services."""
    return [
        Place(service, file, function)
        for service in SERVICES
        for file in python_files(f"services/{service}")
        for function in outermost(parsed(file))
    ]


PLACES = places()


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def calls(name: str, among: list[Place]) -> Iterator[tuple[Place, ast.Call]]:
    """Every call of a name."""
    for place in among:
        for node in ast.walk(place.function):
            if isinstance(node, ast.Call) and called(node) == name:
                yield place, node


def words(what: ast.expr, place: Place) -> set[str]:
    """What an expression may come to, "%" for what cannot be read off the source."""
    match what:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return words(one, place) | words(other, place)
        case ast.JoinedStr(values=parts):
            texts = {""}
            for part in parts:
                inner = part.value if isinstance(part, ast.FormattedValue) else part
                texts = {text + more for text in texts for more in words(inner, place)}
            return texts
        case ast.Subscript(value=ast.Name(id=table)):
            return of_table(table, place)
        case ast.Attribute(attr=name):
            return named(name, place) or {"%"}
        case ast.Name(id=name):
            return assigned(name, place) or handed_in(name, place)
    return {"%"}


def named(name: str, place: Place) -> set[str]:
    """What the nouns of the service that have a part of this name are made with."""
    return part_words(name, place.service)


@cache
def part_words(name: str, service: str) -> set[str]:
    """The same, by the service."""
    nodes = [
        node for file in python_files(f"services/{service}") for node in ast.walk(parsed(file))
    ]
    at = {
        node.name: parts.index(name)
        for node in nodes
        if isinstance(node, ast.ClassDef)
        if name in (parts := [part_name(part) for part in node.body if part_name(part)])
    }
    return {
        word.value
        for node in nodes
        if isinstance(node, ast.Call) and called(node) in at
        for word in [
            *node.args[at[called(node)] :][:1],
            *(k.value for k in node.keywords if k.arg == name),
        ]
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    }


def part_name(part: ast.stmt) -> str:
    """The name of a part of a noun."""
    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
        return part.target.id
    return ""


def of_table(name: str, place: Place) -> set[str]:
    """The values of a dictionary of the file."""
    module = parsed(place.file)
    return {
        word
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
        for value in node.value.values
        for word in words(value, place)
    }


def assigned(name: str, place: Place) -> set[str]:
    """What a function gives one of its own names."""
    found: set[str] = set()
    for node in ast.walk(place.function):
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Name) and target.id == name:
            found |= words(value, place)
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, given in zip(target.elts, value.elts, strict=True):
                if isinstance(one, ast.Name) and one.id == name:
                    found |= words(given, place)
    return found


def handed_in(name: str, place: Place) -> set[str]:
    """What those who call a function hand in under a name."""
    arguments = place.function.args
    at = [a.arg for a in arguments.args].index(name) if name in parameters(place) else None
    near = [p for p in PLACES if p.service == place.service]
    if place.function.name.startswith("_"):
        near = [p for p in near if p.file == place.file]
    found: set[str] = set()
    for caller, call in calls(place.function.name, near):
        given = {k.arg: k.value for k in call.keywords}.get(name)
        if given is None and at is not None and at < len(call.args):
            given = call.args[at]
        if given is not None:
            found |= words(given, caller)
    return found or {"%"}


def parameters(place: Place) -> list[str]:
    """The names that may be given by their place."""
    return [argument.arg for argument in place.function.args.args]


def told() -> dict[str, str]:
    """Every action that the services write into the log, and where."""
    found: dict[str, str] = {}
    for name in ("deed", "Deed"):
        for place, call in calls(name, PLACES):
            if place.function.name == "deed":
                continue  # which only hands on what it was given
            action = {k.arg: k.value for k in call.keywords}.get("action") or call.args[0]
            where = f"{place.file.relative_to(ROOT)}:{call.lineno}"
            found |= dict.fromkeys(words(action, place), where)
    return found


def test_each_action_of_the_log_is_one_that_verify_asks_for() -> None:
    unasked = {
        action: where
        for action, where in told().items()
        if not any(re.fullmatch(listed.replace("%", ".+"), action) for listed in LOGGED)
        if action not in ASKED_OTHERWISE | NO_ROW_OF_ITS_OWN
    }
    assert unasked == {}


def test_nothing_is_listed_that_no_service_does() -> None:
    actions = told()
    idle = [
        listed
        for listed in [*LOGGED, *ASKED_OTHERWISE, *NO_ROW_OF_ITS_OWN]
        if not any(re.fullmatch(listed.replace("%", ".+"), action) for action in actions)
    ]
    assert idle == []
