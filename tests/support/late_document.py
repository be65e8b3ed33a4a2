"""A document that comes late, and the people who make the book with it current."""

from __future__ import annotations

import shutil
from pathlib import Path

from shared.policy.book import Book
from shared.policy.compiler import BUILT_IN
from tests.support.agency import Agency, made, until
from tests.support.running import Client
from tests.support.trial_pools import TRIAL, book_of

POOL = "320100"
LATE = """
pool = "320100"
id = "late-quota"
title = "关于提高分娩结算定额的通知"
published = 2024-05-01
checked_on = 2026-11-21
grade = "C"
source = { id = "late", citation = "test" }

[[clause]]
article = "第一条"
gist = "三级医院顺产 3400 元"
from = 2024-03-01
[clause.sets.settlement_quota]
level_1 = { vaginal = "2200.00", assisted = "2400.00", cesarean = "3600.00" }
level_2 = { vaginal = "2700.00", assisted = "2900.00", cesarean = "4400.00" }
level_3 = { vaginal = "3400.00", assisted = "3400.00", cesarean = "4900.00" }
"""
"""Raises the quota of a vaginal birth at level 3 by 300 yuan, from before it was published."""

LATE_AT_ONCE = LATE.replace("2024-05-01", "2024-03-28").replace(
    'cesarean = "4900.00"', 'cesarean = "5200.00"'
)
"""The same, published on the first day of the tests' clock, and for a caesarean too."""


def book_with(folder: Path, document: str) -> Book:
    """The built-in book with one document more in its pool."""
    pools = folder / "pools"
    shutil.copytree(BUILT_IN, pools)
    (place,) = pools.glob(f"{POOL}-*")
    (place / "late.toml").write_text(document, encoding="utf-8")
    return book_of((pools, TRIAL))


async def make_current(whole: Agency, first: Client, second: Client, book: Book) -> None:
    """Two people appoint a book."""
    office = whole.services["settlement"].app.state.office
    office.compile_built_in = lambda: book
    proposal = (await made(first.post("/books")))["proposal"]
    await made(second.post(f"/books/{proposal}/approve"))
    whole.clock.move(seconds=3)

    async def current() -> bool:
        return bool(office.book().hash == book.hash)

    await until(current)
