"""Both books side by side, for people."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table

from deploy.his.book import NOTHING, Entry
from deploy.his.day import Compared


def both_books(book: Sequence[Entry], compared: Compared) -> Table:
    """Each row of either book: what the hospital noted, what the agency has."""
    table = Table("row", "hospital: total", "fund", "account", "agency: total", "fund", "account",
                  "", title="both books")  # fmt: skip
    theirs = {one.entry.key: one for one in compared.rows}
    ours = {one.key: one for one in book}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        noted, verdict = ours.get(key), theirs.get(key)
        there = verdict.entry if verdict and not verdict.memo.startswith("missing_here") else None
        why = "level" if verdict and verdict.level else (verdict.memo if verdict else "not told")
        what = noted.what if noted else "unknown here"
        table.add_row(what, *_amounts(noted), *_amounts(there), why)
    return table


def outcome(book: Sequence[Entry], compared: Compared) -> tuple[bool, str]:
    """Whether the books agree, and the line that says so. Nothing is taken on trust: the agency's
    rows must be those of the book, each with the book's own amounts."""
    noted = {one.key: (one.total, one.fund, one.account) for one in book}
    told = {
        one.entry.key: (one.entry.total, one.entry.fund, one.entry.account) for one in compared.rows
    }
    amiss = sum(not one.level for one in compared.rows)
    if compared.level and not amiss and noted == told and len(noted) == len(book):
        fund = sum((one.fund for one in book), NOTHING)
        return True, f"outcome: level, {len(book)} rows, fund {fund}"
    return False, f"outcome: the books differ in {amiss} rows; {compared.said}"


def _amounts(one: Entry | None) -> tuple[str, str, str]:
    return (
        ("-", "-", "-") if one is None else (_yuan(one.total), _yuan(one.fund), _yuan(one.account))
    )


def _yuan(amount: Decimal) -> str:
    return f"{amount:.2f}"
