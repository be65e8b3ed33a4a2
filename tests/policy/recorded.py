"""Whole answers, kept: the same case and the same archived book give the same answer for ever.

`recorded/answers.jsonl` holds on each line a case, the digest of its whole answer, and what its
steps say; `recorded/book.json.gz` the book that they were priced with, as the service archives it.
What the figures must be, the cases worked out by hand say; here it is that nothing else of an
answer changes unseen: its steps, their values and citations, the versions of rules that it names.
Only the words of titles and reasons may be put better.

    python -m tests.policy.recorded                  answers all anew, with the documents of today
    python -m tests.policy.recorded more.jsonl       and takes up these cases of `price` too

Do so only where the answer was meant to change, and then raise `pricing.ENGINE` if a released
version gave the old one. Read the difference before you keep it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.settlement.api.price_command import priced_line
from services.settlement.domain.pricing import ENGINE
from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN, compile_book, demo_allowance
from tests.policy.cases import TODAY
from tests.policy.new_pool import FIRST, LATER, SHEET
from tests.policy.test_compiler import write

FOLDER = Path(__file__).parent / "recorded"
ANSWERS, BOOK = FOLDER / "answers.jsonl", FOLDER / "book.json.gz"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A case with the digest of its answer, and what the steps of the answer say."""

    case: str
    digest: str
    said: list[str]


def recorded() -> Iterator[Recorded]:
    """All that is kept."""
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        kept = json.loads(line)
        if "case" in kept:
            yield Recorded(json.dumps(kept["case"]), kept["digest"], kept["said"])


def engine_recorded() -> str:
    """The version of the arithmetic that gave the answers."""
    with ANSWERS.open(encoding="utf-8") as lines:
        engine: str = json.loads(next(lines))["engine"]
    return engine


def archived_book() -> bytes:
    """The bytes of the book that the answers were given by."""
    return gzip.decompress(BOOK.read_bytes())


def answered(case: str, book: Book) -> Recorded:
    """What the case is answered now."""
    answer = priced_line(case, book, TODAY)
    for step in answer.get("steps", ()):
        step["what"] = str(step["what"])
    words = {"title", "title_zh", "reason", "reason_zh"}  # which may be put better
    said = {name: part for name, part in answer.items() if name != "book"}
    for block in ("refused", "deferred"):
        if block in said:
            said[block] = {k: v for k, v in said[block].items() if k not in words}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Recorded(case, digest, list(_said(answer)))


def _said(answer: dict[str, Any]) -> Iterator[str]:
    if "refused" in answer:
        yield f"{answer['refused']['slug']} {_values(answer['refused'])}".strip()
    for step in answer.get("steps", ()):
        amount = "" if step["amount"] is None else f" {step['amount']}"
        yield f"{step['what']}{amount} {_values(step)}".strip()


def _values(of: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in of["values"].items())


def _book_of_today() -> Book:
    """The shipped pools, those made up for tests, and the one that has every cell."""
    with tempfile.TemporaryDirectory() as place:
        new = write(Path(place), SHEET, first=FIRST, later=LATER)
        folders = (BUILT_IN, Path(__file__).parent / "made_up", new)
        return compile_book(folders, demo_allowance(folders))


def _record(cases: Iterable[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    book = _book_of_today()
    BOOK.write_bytes(gzip.compress(book.to_bytes(), mtime=0))
    with ANSWERS.open("w", encoding="utf-8") as lines:
        print(json.dumps({"engine": ENGINE, "book": book.hash}), file=lines)
        for case in cases:
            found = answered(case, book)
            kept = {"case": json.loads(case), "digest": found.digest, "said": found.said}
            print(json.dumps(kept, ensure_ascii=False), file=lines)


if __name__ == "__main__":
    known = [each.case for each in recorded()] if ANSWERS.exists() else []
    more = [line for path in sys.argv[1:] for line in Path(path).read_text().splitlines() if line]
    _record(dict.fromkeys([*known, *more]))
