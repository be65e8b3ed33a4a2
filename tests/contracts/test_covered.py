"""Each of the 231 bad inputs is covered by a test that there is: `covered.toml` says by which."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

from tests.contracts.described import fields
from tests.contracts.shots import LINES, bodies, for_field, headers, unknown_queries
from tests.contracts.test_bad_inputs import SHOT_BY_NAME, SHOT_HEADERS
from tests.faults.test_raw_sockets import LINES as SOCKET_LINES
from tests.house.test_routes import app_of
from tests.support.agency import SERVICES
from tests.support.source import ROOT

COVERED: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("covered.toml").read_text(encoding="utf-8")
)
INPUTS = 231
NOT_OURS = {"EVT-017"}


def defined_in(file: Path) -> set[str]:
    """The tests that a file defines."""
    return {
        node.name
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def missing(names: list[str]) -> list[str]:
    """Which of these tests there are not."""
    places = [name.partition("::") for name in names]
    return [
        f"{file}::{test}"
        for file, _, test in places
        if not (ROOT / file).is_file() or test not in defined_in(ROOT / file)
    ]


def test_every_input_is_on_the_map_once() -> None:
    shot, apart = COVERED["shot"], COVERED["apart"]
    assert len(shot) == len(set(shot))
    assert not set(shot) & apart.keys()
    assert len(shot) + len(apart) == INPUTS
    values = {line.id for line in LINES}
    assert values <= {*shot, *apart}
    assert SOCKET_LINES.keys() <= apart.keys()


def test_every_test_that_is_named_is_there() -> None:
    apart = COVERED["apart"]
    assert {name for name, one in apart.items() if not one["by"]} == NOT_OURS
    assert all(apart[name]["but"] for name in NOT_OURS)
    named = [COVERED["shot_by"], *(test for one in apart.values() for test in one["by"])]
    assert missing(named) == []
    gone = COVERED["shot_by"] + "_and_more"
    assert missing([gone, "tests/no_such_file.py::test_x"]) == [
        gone,
        "tests/no_such_file.py::test_x",
    ]


def test_what_is_said_to_be_shot_is_shot(tmp_path: Path) -> None:
    """At some field, as a body, as a query, in an address or in a header, of some service."""
    fired = {line.id for line, _, _ in bodies()} | {name for name, _ in unknown_queries()}
    fired |= {line.id for name in SHOT_HEADERS for line in headers(name)} | SHOT_BY_NAME
    for service in SERVICES:
        for field in fields(app_of(service, tmp_path).openapi()):
            fired |= {line.id for line in for_field(field, all_kinds=False)}
    assert set(COVERED["shot"]) - fired == set()
