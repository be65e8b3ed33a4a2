"""What is wrong with a body is told without holding the service up, however much is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from services.settlement.api.batches import BatchBody
from shared.plumbing.closed import Closed
from tests.contracts.described import routes
from tests.support.peopled import Peopled

SHORT = 100
FEW = 10_000
"""Some hundredths of a second: pydantic makes half a million a second."""


def bodies(of: type[Closed] = Closed) -> Iterator[type[Closed]]:
    for one in of.__subclasses__():
        yield one
        yield from bodies(one)


def slow_lists(
    schema: Any, known: dict[str, Any], seen: set[tuple[str, bool]], *, within: bool = False
) -> Iterator[str]:
    """Long lists within lists that would tell every fault of theirs, by what each entry is."""
    if isinstance(schema, list | tuple):
        for one in schema:
            yield from slow_lists(one, known, seen, within=within)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "definition-ref":
        asked = (schema["schema_ref"], within)
        if asked not in seen:
            seen.add(asked)
            yield from slow_lists(known[asked[0]], known, seen, within=within)
        return
    if "definitions" in schema:
        known = {one["ref"]: one for one in schema["definitions"]}
    is_list = schema.get("type") == "list"
    is_long = is_list and schema.get("max_length", SHORT + 1) > SHORT
    if is_long and within and not schema.get("fail_fast"):
        yield str(schema["items_schema"])
    for name, one in schema.items():
        if name not in ("definitions", "metadata", "cls"):
            yield from slow_lists(one, known, seen, within=within or is_list)


def test_a_long_list_within_a_list_tells_its_first_bad_entry_alone(here: Peopled) -> None:
    named = {
        ref.rpartition("/")[2]
        for service in here.whole.services.values()
        for _, operation in routes(service.app.openapi())
        for ref in re.findall(r"#/components/schemas/\w+", str(operation.get("requestBody", "")))
    }
    asked = {body for body in bodies() if body.__name__ in named}
    assert BatchBody in asked
    assert {body.__name__ for body in asked} == named
    found = {body: list(slow_lists(body.__pydantic_core_schema__, {}, set())) for body in asked}
    assert not {body.__name__: entries for body, entries in found.items() if entries}


def test_a_batch_of_nothing_but_faults_is_told_in_few() -> None:
    """Eight megabytes hold so many: told one by one they took most of a minute and 4 GB."""
    cases = [{"lines": [{}] * 2000}] * 1000
    with pytest.raises(ValidationError) as told:
        BatchBody.model_validate({"cases": cases})
    assert told.value.error_count() < FEW
