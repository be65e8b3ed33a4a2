"""The core and the naive evaluator (`naive`) answer alike, case for case.

2,000 drawn cases in `make test`; `CASES=100000 python -m tests.policy.test_differential` for more.
`SEED=n` draws others. Pools: all that are shipped, and those of `made_up`, which use the forms
that no shipped pool uses.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from services.settlement.api.price_command import priced_line
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance
from tests.policy.drawn import Drawer
from tests.policy.naive import Naive

MADE_UP = Path(__file__).parent / "made_up"
FOLDERS = (BUILT_IN, MADE_UP)
CASES = int(os.environ.get("CASES") or "2000")
SEED = int(os.environ.get("SEED") or "20261121")
TODAY = date(2026, 11, 21)


def drawn(naive: Naive, cases: int, seed: int) -> Iterator[dict[str, Any]]:
    """The cases at the documents' own borders, and then so many of each pool in turn."""
    random = Random(seed)  # noqa: S311 - drawn again from the same seed
    drawers = []
    for _, sheet in sorted(naive.sheets.items()):
        drawer = Drawer(random, sheet, list(bearing_on(sheet, naive.documents)))
        if drawer.kinds[
            "delivery"
        ]:  # else nobody has a benefit here: a page that only lends its cells
            drawers.append(drawer)
    for drawer in drawers:
        yield from drawer.at_edges()
        yield from drawer.at_ends_of_leave()
    for number in range(cases):
        yield drawers[number % len(drawers)].case(number)


def bearing_on(sheet: dict[str, Any], documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A pool's documents, and those clauses of others that it inherits."""
    cells = {inherited["pool"]: set(inherited["cells"]) for inherited in sheet.get("inherits", [])}
    for document in documents:
        if document["pool"] == sheet["pool"]:
            yield document
        elif document["pool"] in cells:
            lent = cells[document["pool"]]
            clauses = [c for c in document["clause"] if lent & set(c.get("sets", ()))]
            yield {**document, "clause": clauses}


def seen(answer: dict[str, Any]) -> dict[str, Any]:
    """What of the core's answer is compared, sums in fen."""
    if "refused" in answer:
        return {"refused": answer["refused"]["slug"]}
    names = ("total", "fund", "member", "institution", "other_fund")
    shown: dict[str, Any] = {name: _fen(answer[name]) for name in names}
    shown["desk"] = {name: _fen(sum_) for name, sum_ in answer["desk"].items()}
    shown["days"] = answer["days"]
    if "deferred" in answer:
        shown["deferred"] = answer["deferred"]["until"]
    return shown


def _fen(wire: str) -> int:
    return int(wire.replace(".", ""))


def compared(cases: int, seed: int) -> tuple[list[str], Counter[str]]:
    """Each case on which the two differ; and how often each kind of answer was given."""
    book = compile_book(FOLDERS, demo_allowance(FOLDERS))
    naive = Naive(FOLDERS)
    differing, kinds = [], Counter[str]()
    for case in drawn(naive, cases, seed):
        core, other = seen(priced_line(json.dumps(case), book, TODAY)), naive.answer(case)
        kinds[_kind(case, other)] += 1
        if core != other:
            differing.append(f"{json.dumps(case)}\n  core:  {core}\n  naive: {other}")
    return differing, kinds


def _kind(case: dict[str, Any], answer: dict[str, Any]) -> str:
    if "refused" in answer:
        return str(answer["refused"])
    done = "deferred" if "deferred" in answer else "priced"
    return f"{case['pool']} {case['benefit']} {done}"


def test_two_readings_of_the_documents_give_one_answer() -> None:
    differing, kinds = compared(CASES, SEED)
    assert not differing, f"{len(differing)} of {kinds.total()} (seed {SEED}):\n" + "\n".join(
        differing[:5]
    )
    # a comparison of refusals alone would prove little
    paid = [count for kind, count in kinds.items() if kind.endswith(" delivery priced")]
    assert len(paid) > len(list(MADE_UP.iterdir()))
    assert min(paid) > CASES // 100
    assert sum(count for kind, count in kinds.items() if " allowance " in kind) > CASES // 20
    assert sum(count for kind, count in kinds.items() if kind.endswith("deferred")) > CASES // 1000


if __name__ == "__main__":
    found, of_kind = compared(CASES, SEED)
    for kind, count in of_kind.most_common():
        print(f"{count:8d}  {kind}")  # noqa: T201
    end = f"{len(found)} of {of_kind.total()} differ (seed {SEED})"
    print(*found[:20], end, sep="\n")  # noqa: T201
    raise SystemExit(bool(found))
