"""Archived books, and what settlements and adjustments name of them: rates and items."""

from __future__ import annotations

from functools import lru_cache

import asyncpg

from deploy.verify.stores import Stores
from shared.plumbing.clock import business_day
from shared.policy.book import Book, NoRule, in_force
from shared.policy.cells import EXPENDITURE_ITEM
from shared.policy.rules import Rule
from shared.policy.shapes import MemberKind

# What takes all back rests on the article that refuses, and on no rate.
_SETTLEMENTS = """
select settlement_id, pool_code, member_kind, expenditure_item, rates, book, rule_on, event_on, settled_at,
       false as no_more
from settlement where reverses is null order by settlement_id
"""
_ADJUSTMENTS = """
select 'adjustment ' || a.adjustment_id as settlement_id, a.rates, a.book, a.rule_on, s.event_on,
       a.proposed_at as settled_at, a.steps::text like '%"paid_no_more"%' as no_more
from adjustment a join settlement s using (pool_code, settlement_id) order by 1
"""


async def archived_books(stores: Stores) -> dict[str, Book]:
    """The archived books by the hash under which they lie; what cannot be read is left out."""
    books: dict[str, Book] = {}
    for row in await stores.settlement.fetch("select hash, content from book"):
        try:
            books[row["hash"]] = _read(row["content"])
        except ValueError:
            continue
    return books


@lru_cache(maxsize=8)
def _read(content: bytes) -> Book:
    """A book from its bytes: compiling it takes longer than most checks."""
    return Book.from_bytes(content)


async def expenditure_items(stores: Stores) -> list[str]:
    """Settlements charged to another item than the pool's clause names for this kind of member."""
    books, wrong = await archived_books(stores), []
    for row in await stores.settlement.fetch(_SETTLEMENTS):
        book = books.get(row["book"])
        if book is None:
            continue  # M08 tells of it
        try:
            named = book.ask(
                row["pool_code"],
                EXPENDITURE_ITEM,
                on=row["rule_on"],
                known_on=business_day(row["settled_at"]),
                kind=MemberKind(row["member_kind"]),
            ).value.value
        except (NoRule, ValueError):
            named = ""
        if named != row["expenditure_item"]:
            wrong.append(str(row["settlement_id"]))
    return wrong


async def rates_in_force(stores: Stores) -> list[str]:
    """Settlements and adjustments that name no rate, an unknown one, or one not in force on the
    rule's date."""
    books = await archived_books(stores)
    versions = {book_hash: _by_rate(book) for book_hash, book in books.items()}
    return [
        str(row["settlement_id"])
        for statement in (_SETTLEMENTS, _ADJUSTMENTS)
        for row in await stores.settlement.fetch(statement)
        if (not row["rates"] and not row["no_more"])
        or not all(_was_in_force(rate, row, versions.get(row["book"], {})) for rate in row["rates"])
    ]


def _by_rate(book: Book) -> dict[str, tuple[Rule, ...]]:
    return {
        rule.sourced.rate_id: versions
        for versions in book.parameters().values()
        for rule in versions
    }


def _was_in_force(rate_id: str, row: asyncpg.Record, versions: dict[str, tuple[Rule, ...]]) -> bool:
    """The rule's date decides; which date that is, is itself asked on the day of the birth."""
    known_on = business_day(row["settled_at"])
    for day in (row["rule_on"], row["event_on"]):
        rule = in_force(versions.get(rate_id, ()), day, known_on)
        if rule is not None and rule.sourced.rate_id == rate_id:
            return True
    return False
