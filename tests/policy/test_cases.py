"""Cases worked out by hand from the documents, as data: `cases_by_pool/<code>.jsonl`.

Each line: `case` as `price` takes it; `expect`, the names of the answer that are held to (a refusal
as `{"refused": <slug>}`); `rests_on`, documents (and their articles, after a space) that the
answer must cite; `because`, the sum that was done by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.settlement.api.price_command import priced_line
from shared.policy.book import Book
from tests.policy.cases import TODAY

FOLDER = Path(__file__).parent / "cases_by_pool"


def lines() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield path.stem, json.loads(line)


@pytest.mark.parametrize(
    ("pool", "line"), [pytest.param(pool, line, id=line["case"]["id"]) for pool, line in lines()]
)
def test_the_answer_is_what_was_worked_out_by_hand(
    book: Book, pool: str, line: dict[str, Any]
) -> None:
    assert line["case"]["pool"] == pool
    assert line["because"]
    answer = priced_line(json.dumps(line["case"]), book, TODAY)
    if "refused" in line["expect"]:
        assert answer["refused"]["slug"] == line["expect"]["refused"]
        return
    assert "refused" not in answer, answer
    seen = {name: answer.get(name) for name in line["expect"]}
    if isinstance(line["expect"].get("deferred"), str):
        seen["deferred"] = answer["deferred"]["until"]
    assert seen == line["expect"]
    cited = {step["document"] for step in answer["steps"]}
    cited |= {f"{step['document']} {step['article']}" for step in answer["steps"]}
    assert set(line["rests_on"]) <= cited


def test_case_ids_are_given_once() -> None:
    ids = [line["case"]["id"] for _, line in lines()]
    assert len(set(ids)) == len(ids)
