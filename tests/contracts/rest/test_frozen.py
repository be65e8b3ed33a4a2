"""What integrators built on stays as it was: each call and its answer, frozen, described, shown."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.plumbing.description import describe, operations
from tests.contracts.rest.calls import FOLDER, Call, faults
from tests.contracts.rest.recording import recorded
from tests.house.test_routes import app_of
from tests.support.agency import SERVICES
from tests.support.postgres import ServiceDatabases

AGAIN = "if this is meant, run python -m tests.contracts.rest and read what changed"


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def described(service: str, tmp_path: Path) -> dict[str, Any]:
    described: dict[str, Any] = app_of(service, tmp_path).openapi()
    return described


@pytest_asyncio.fixture(scope="module")
async def calls(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> list[Call]:
    return await recorded(module_databases, tmp_path_factory.mktemp("walk"))


async def test_every_call_is_answered_as_frozen(calls: list[Call]) -> None:
    changed = [
        call.file.name
        for call in calls
        if not call.file.exists() or call.file.read_text(encoding="utf-8") != call.text()
    ]
    assert not changed, AGAIN


async def test_no_file_is_left_of_a_call_that_is_gone(calls: list[Call]) -> None:
    assert {call.file for call in calls} == {
        file for service in SERVICES for file in (FOLDER / service).glob("*.json")
    }


def test_every_operation_is_frozen_and_shown(described: dict[str, Any]) -> None:
    """Its answer's example is there, its request's where it has a body, and of each parameter
    that it must be given."""
    assert _not_shown(described) == []


def _not_shown(described: dict[str, Any]) -> list[str]:
    missing = []
    for _, _, operation in operations(described):
        told = [c for s, r in operation["responses"].items() if s < "3" for c in _contents(r)]
        asked = _contents(operation.get("requestBody", {}))
        if not told or not all(content.get("examples") for content in told + asked):
            missing.append(operation["operationId"])
        missing += [
            f"{operation['operationId']}: {parameter['name']}"
            for parameter in operation.get("parameters", [])
            if parameter["required"] and "example" not in parameter
        ]
    return missing


def _contents(part: dict[str, Any]) -> list[dict[str, Any]]:
    return list(part.get("content", {}).values())


def test_every_answer_has_a_form(described: dict[str, Any]) -> None:
    loose = []
    for _, _, operation in operations(described):
        (status,) = [status for status in operation["responses"] if status < "3"]
        for content in _contents(operation["responses"][status]):
            schema = content["schema"]
            if not schema or (schema.get("type") == "object" and "properties" not in schema):
                loose.append(operation["operationId"])
    assert loose == []


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(names) == len(set(names))


def test_an_operation_without_a_frozen_call_is_seen(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    app = app_of("settlement", tmp_path)
    assert "stays-open" in _not_shown(describe(app, tmp_path / "none"))


def test_a_field_too_many_or_too_few_is_seen(tmp_path: Path) -> None:
    described = app_of("settlement", tmp_path).openapi()
    call = json.loads((FOLDER / "settlement" / "settlements-settle.json").read_text("utf-8"))
    (operation,) = [o for _, _, o in operations(described) if o["operationId"] == call["operation"]]
    body = call["answer"]["body"]

    def found(answer: Any) -> list[str]:
        return faults(described, operation, 201, "application/json", answer)

    more, less, money = copy.deepcopy(body), copy.deepcopy(body), copy.deepcopy(body)
    more["desk"]["extra"] = "1.00"
    del less["steps"][0]["article"]
    money["fund"] = 4574.0
    assert found(body) == []
    assert [len(found(answer)) for answer in (more, less, money)] == [1, 1, 1]
