"""Mutants of a source file: each the file with one small change.

The changes are those of mutmut's operators (its own runner copies functions beside each other,
which frozen dataclasses with slots and their defaults do not bear), and four more: a condition
negated, a number less one, a call's statement left out, a loop that never runs. Not changed:
annotations and type aliases, decorators, assertions (they tell the type checker what is known),
and the words of an error.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from tests.policy.mutants.core import FORMS, ROOT

_NOT_INSIDE = (cst.Annotation, cst.Decorator, cst.Assert, cst.Import, cst.ImportFrom)
_WORDS = m.Raise(exc=m.Call(func=m.Name("ValueError") | m.Name("TypeError")))
_KNOWN_CALLS = m.Call(func=m.Name("isinstance") | m.Name("len") | m.Name("TypeVar"))
_ALIAS = m.Subscript() | m.BinaryOperation(operator=m.BitOr())


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the lines that it touches before and after, and the whole source after it."""

    file: str
    line: int
    function: str
    old: str
    new: str
    nth: int
    source: str

    @property
    def id(self) -> str:
        """A short name, the same while the lines and their function are the same."""
        told = "|".join((self.file, self.function, self.old, self.new, str(self.nth)))
        return hashlib.sha256(told.encode()).hexdigest()[:8]


def mutants_of(file: str) -> Iterator[Mutant]:
    """All mutants of a file, top to bottom."""
    return mutants_in((ROOT / file).read_text(encoding="utf-8"), file)


def mutants_in(text: str, file: str) -> Iterator[Mutant]:
    """The same of a file that holds `text`."""
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = _Visitor(file, text, wrapper.module)
    wrapper.visit(visitor)
    seen: Counter[tuple[str, str, str]] = Counter()
    made: set[str] = {text}
    for line, function, source in visitor.made:
        if source in made:
            continue
        made.add(source)
        old, new = _difference(text, source)
        seen[function, old, new] += 1
        yield Mutant(file, line, function, old, new, seen[function, old, new], source)


def unchanged(file: str) -> Mutant:
    """The file as it is: what kills it is no test."""
    return Mutant(file, 0, "", "", "", 0, (ROOT / file).read_text(encoding="utf-8"))


def _difference(text: str, source: str) -> tuple[str, str]:
    """The lines that differ, each side on one line."""
    old, new = ([line.strip() for line in of.splitlines()] for of in (text, source))
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    while old and new and old[-1] == new[-1] and min(len(old), len(new)) > start + 1:
        old.pop()
        new.pop()
    return " ".join(" ".join(old[start:]).split()), " ".join(" ".join(new[start:]).split())


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: str, text: str, module: cst.Module) -> None:
        super().__init__()
        self.made: list[tuple[int, str, str]] = []
        self._text, self._module = text, module
        self._offsets = [0]
        for line in text.splitlines(keepends=True):
            self._offsets.append(self._offsets[-1] + len(line))
        self._within: list[str] = []
        self._functions_only = file in FORMS
        self._depth = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NOT_INSIDE) or m.matches(node, _WORDS) or self._is_alias(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._within.append(node.name.value)
            self._depth += isinstance(node, cst.FunctionDef)
        if self._depth or not self._functions_only:
            for place, mutated in _changed(node):
                self._add(place, mutated)
        return not m.matches(node, _KNOWN_CALLS)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._within.pop()
            self._depth -= isinstance(original_node, cst.FunctionDef)

    def _is_alias(self, node: cst.CSTNode) -> bool:
        return not self._within and m.matches(node, m.Assign(value=_ALIAS))

    def _add(self, node: cst.CSTNode, mutated: cst.CSTNode) -> None:
        place = self.get_metadata(PositionProvider, node)
        start = self._offsets[place.start.line - 1] + place.start.column
        end = self._offsets[place.end.line - 1] + place.end.column
        code = self._module.code_for_node(mutated)
        source = self._text[:start] + code + self._text[end:]
        self.made.append((place.start.line, ".".join(self._within), source))


def _changed(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """The parts of `node` that change, each with what stands in its place."""
    if m.matches(node, _KNOWN_CALLS):
        return
    for of_type, operator in mutation_operators:
        if isinstance(node, of_type):
            for mutated in operator(node):
                yield node, mutated
    match node:
        case cst.Integer():
            yield node, cst.parse_expression(str(node.evaluated_value - 1))
        case cst.If() | cst.IfExp() | cst.While() | cst.CompIf():
            yield node.test, _negated(node.test)
        case cst.For():
            yield node.iter, cst.Tuple([])
        case cst.Expr(value=cst.Call()):
            yield node, cst.Pass()


def _negated(condition: cst.BaseExpression) -> cst.BaseExpression:
    inner = condition.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(cst.Not(), inner)
