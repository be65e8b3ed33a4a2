"""Would a line know its room? Each room's vocabulary, held over the syntax tree."""

from __future__ import annotations

import pytest

from tests.house.vocabulary import FORBIDDEN, said
from tests.support.source import ROOT, python_files, room_of

PLANTED = [
    ("domain", "async def price(): ..."),
    ("domain", "def f(clock): return clock.now()"),
    ("domain", "from datetime import date\nd = date.today()"),
    ("domain", "rate = 0.085"),
    ("domain", "def f(x): return float(x)"),
    ("domain", "def f(session): ..."),
    ("domain", "import logging"),
    ("domain", "raise Refused(status_code=422)"),
    ("domain", "title = '中断缴费'"),
    ("domain", "topic = 'maternity.settlement.claim.v1'"),
    ("told", "async def tell(): ..."),
    ("told", "at = clock.now()"),
    ("store", "def f(stay):\n    if stay.benefit == 'delivery': ..."),
    ("store", "def f(x):\n    match x.mode:\n        case 'vaginal': ..."),
    ("store", "from fastapi import HTTPException"),
    ("actions", "q = 'select id from stay'"),
    ("actions", "q = '''INSERT INTO stay values (1)'''"),
    ("actions", "left = entry.amount - taken"),
    ("actions", "left = Money(3)"),
    ("actions", "def f(): return Answer(status_code=422)"),
    ("api", "q = 'update stay set open = false'"),
    ("api", "t = 'maternity.audit.flag.v1'"),
    ("heard", "q = 'delete from person_state'"),
    ("shared.policy", "rate = 0.5"),
    ("shared.money", "def f(fen): return float(fen)"),
]


@pytest.mark.parametrize(("room", "line"), PLANTED)
def test_a_planted_line_is_seen(room: str, line: str) -> None:
    assert list(said(line, room))


def test_a_docstring_may_quote_the_law() -> None:
    assert not list(said('def f():\n    """第四条 单位 8.5%"""', "domain"))


def test_every_line_knows_its_room() -> None:
    strange = [
        f"{path.relative_to(ROOT)}:{words}"
        for path in python_files("services", "shared")
        if room_of(path) in FORBIDDEN
        for words in said(path.read_text(encoding="utf-8"), room_of(path))
    ]
    assert not strange, "\n".join(strange)
