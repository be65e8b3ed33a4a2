"""An archived book answers as it did: every step, value, citation and version of a rule."""

from __future__ import annotations

import json

from services.settlement.domain.pricing import ENGINE
from shared.policy.book import Book
from tests.policy.recorded import answered, archived_book, engine_recorded, recorded


def test_archived_bytes_are_those_of_the_book_they_make() -> None:
    archived = archived_book()
    assert Book.from_bytes(archived).to_bytes() == archived


def test_the_answers_are_those_of_this_engine() -> None:
    assert engine_recorded() == ENGINE, "python -m tests.policy.recorded"


def test_every_recorded_answer_is_given_again() -> None:
    book, differing = Book.from_bytes(archived_book()), []
    for kept in recorded():
        now = answered(kept.case, book)
        if now.digest != kept.digest:
            said = (
                [f"  - {each}" for each in kept.said if each not in now.said]
                + [f"  + {each}" for each in now.said if each not in kept.said]
            ) or ["  the steps say the same: what they cite, or the rest, differs"]
            differing.append("\n".join([json.loads(kept.case)["id"], *said]))
    assert not differing, f"{len(differing)} answers differ\n" + "\n".join(differing[:10])
