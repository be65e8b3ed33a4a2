"""One mutant against the tests of policy, in a process of its own.

A parent that has loaded what lies below the mutated file forks; the child loads the mutated
source in the file's place, then asks the quickest judges first: the cases worked out by hand, then
the tests. What the first of them refuses has killed the mutant; so has a crash or an endless loop.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import select
import signal
import sys
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.policy.mutants.core import ROOT, SHARED
from tests.policy.mutants.making import Mutant


def _tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/policy/test_{name}.py" for name in names)


# The quick ones first. The laws of money and the calendar walk are left out: they take longest.
_OF_PRICING = _tests(
    "nouns", "checks", "sums", "seldom", "methods", "deliveries", "new_pool", "words",
    "differential",
)  # fmt: skip
_OF_FORMS = _tests(
    "nouns", "forms", "methods", "checks", "sums", "seldom", "new_pool", "compiler", "book",
    "differential",
)  # fmt: skip
_LEFT_OUT = "not test_each_supported_day_is_answered_exactly_once"


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, and the test that killed it; None where all passed."""

    mutant: Mutant
    killer: str | None


def tried(
    mutants: Iterable[Mutant], jobs: int, timeout_s: float, tests: Sequence[str] = ()
) -> Iterator[Tried]:
    """Each mutant's fate, as it becomes known; `jobs` at a time. `tests`: these instead of all."""
    waiting, running = iter(mutants), dict[int, _Child]()
    while True:
        while len(running) < jobs and (mutant := next(waiting, None)) is not None:
            child = _start(mutant, timeout_s, tests)
            running[child.pipe] = child
        if not running:
            return
        soonest = min(child.deadline for child in running.values())
        ready, _, _ = select.select(list(running), [], [], max(0.0, soonest - time.monotonic()))
        for pipe, child in list(running.items()):
            late = time.monotonic() >= child.deadline
            if pipe in ready or late:
                del running[pipe]
                yield Tried(child.mutant, child.end(late=late and pipe not in ready))


@dataclass(frozen=True, slots=True)
class _Child:
    mutant: Mutant
    pid: int
    pipe: int
    deadline: float

    def end(self, *, late: bool) -> str | None:
        if late:
            os.kill(self.pid, signal.SIGKILL)
        told = b"" if late else os.read(self.pipe, 65536)
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
        if late:
            return "takes for ever"
        killer: str | None = json.loads(told) if told else "crashes"
        return killer


def _start(mutant: Mutant, timeout_s: float, tests: Sequence[str]) -> _Child:
    told, tell = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        _be_quiet()
        try:
            os.write(tell, json.dumps(_killer(mutant, tests)).encode())
        finally:
            os._exit(0)
    os.close(tell)
    return _Child(mutant, pid, told, time.monotonic() + timeout_s)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _killer(mutant: Mutant, tests: Sequence[str]) -> str | None:
    in_its_place = _InPlaceOf(mutant)
    _forget(in_its_place.name)
    sys.meta_path.insert(0, in_its_place)
    try:
        failed = _first_case_that_fails() or _first_answer_that_differs()
    except BaseException as error:
        return f"loading: {type(error).__name__}"
    all_tests = _OF_FORMS if mutant.file in SHARED else _OF_PRICING
    return failed or _first_test_that_fails(tests or all_tests)


class _InPlaceOf(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the mutated source where the file's module is asked for."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.file.removesuffix(".py").replace("/", ".")
        self.path, self.source = str(ROOT / mutant.file), mutant.source

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self.source, self.path, "exec"), module.__dict__)  # noqa: S102


def _forget(name: str) -> None:
    """Unload a module and all that import it, straight or by way of others."""
    importers = _importers()
    waiting, gone = [name], set[str]()
    while waiting:
        module = waiting.pop()
        if module not in gone:
            gone.add(module)
            waiting += importers.get(module, ())
    for module in gone & set(sys.modules):
        package, _, own = module.rpartition(".")
        vars(sys.modules[package]).pop(own, None)
        del sys.modules[module]


@cache
def _importers() -> dict[str, set[str]]:
    """By module of the project: those that import it."""
    found: dict[str, set[str]] = {}
    for name, module in sys.modules.items():
        if not name.startswith(("services.", "shared.", "tests.")) or not module.__file__:
            continue
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.setdefault(node.module, set()).add(name)
                for alias in node.names:
                    found.setdefault(f"{node.module}.{alias.name}", set()).add(name)
    return found


def _first_case_that_fails() -> str | None:
    from shared.policy import compiler
    from tests.policy import test_cases as by_hand

    book = compiler.compile_book(allow=compiler.demo_allowance())
    for pool, line in by_hand.lines():
        try:
            by_hand.test_the_answer_is_what_was_worked_out_by_hand(book, pool, line)
        except Exception:
            return f"case {line['case']['id']}"
    return None


def _first_answer_that_differs() -> str | None:
    from shared.policy.book import Book
    from tests.policy import recorded

    book = Book.from_bytes(recorded.archived_book())
    for kept in recorded.recorded():
        try:
            same = recorded.answered(kept.case, book).digest == kept.digest
        except Exception:
            same = False
        if not same:
            return f"answer {json.loads(kept.case)['id']}"
    return None


def _first_test_that_fails(tests: Sequence[str]) -> str | None:
    import pytest

    first = _First()
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--confcutdir=tests/policy"]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    seed = ["-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0", "-W", "ignore"]
    code = pytest.main([*options, *seed, "-k", _LEFT_OUT, *tests], plugins=[first])
    return first.failed or (None if code == 0 else f"pytest ends with {int(code)}")


class _First:
    """Remembers the first test that failed."""

    failed: str | None = None

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and self.failed is None:
            self.failed = f"collecting {report.nodeid}"


def load_everything() -> None:
    """All that the judges import, so that a child loads no more than what a mutant touches."""
    import pytest  # noqa: F401

    os.environ["CASES"] = "300"  # of the differential test
    for test in {*_OF_PRICING, *_OF_FORMS}:
        importlib.import_module(test.removesuffix(".py").replace("/", "."))
    for module in ("recorded", "test_cases", "conftest"):
        importlib.import_module(f"tests.policy.{module}")
    _importers()


def load_the_books() -> None:
    """The books that tests ask for, compiled once; a mutant below them compiles its own."""
    from shared.policy import compiler

    made_up = Path(__file__).parents[1] / "made_up"
    compile_afresh, ready = compiler.compile_book, dict[str, Any]()

    def compiled(*asked: Any, **named: Any) -> Any:
        found = ready.get(repr((asked, named)))
        return compile_afresh(*asked, **named) if found is None else found

    both = (compiler.BUILT_IN, made_up)
    asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {"allow": compiler.demo_allowance()}),
        ((both, compiler.demo_allowance(both)), {}),
    ]
    for given, named in asked:
        ready[repr((given, named))] = compile_afresh(*given, **named)
    for module in [m for name, m in sys.modules.items() if name.startswith(("shared.", "tests."))]:
        if vars(module).get("compile_book") is compile_afresh:
            module.compile_book = compiled  # type: ignore[attr-defined]
