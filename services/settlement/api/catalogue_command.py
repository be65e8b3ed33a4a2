"""The command `catalogue import`: a file of items is checked whole and proposed, or refused."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from services.settlement.actions.keep_catalogue import propose_import
from services.settlement.actions.scene import Scene
from services.settlement.api.catalogue_wire import ItemBody
from services.settlement.domain.catalogue import Listing, twice_listed
from shared.plumbing.database import AGENCY, open_pool, transaction

COLUMNS = (
    "item_code", "name", "kind", "item_class", "first_copay_rate", "limit",
    "level_1_limit", "level_2_limit", "level_3_limit", "maternity", "start", "end",
    "delivery_mode",
)  # fmt: skip
_FAULTS_MOST = 50
_STATEMENT_MS = 600_000
_MATERNITY = {"yes": True, "no": False, "": True}


class BadFile(Exception):
    """The file is refused; its text names lines and columns, and nothing that stands there."""


async def import_catalogue(
    dsn: str, file: Path, scene: Scene, found: Callable[[int], None], done: Callable[[int], None]
) -> str:
    """Propose a file of items for another person to approve; the proposal's id.

    The file is CSV in UTF-8 with the names of COLUMNS in its first line; an empty field is absent.
    `found` hears how many items there are, `done` how many more are kept. Raises BadFile.
    """
    listings = read_listings(file)
    found(len(listings))
    pool = await open_pool(dsn, size=1, statement_timeout_ms=_STATEMENT_MS)
    try:
        async with transaction(pool, [AGENCY]) as tx:
            return str(await propose_import(tx, scene, listings, _hash(file), done))
    finally:
        await pool.close()


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def read_listings(file: Path) -> list[Listing]:
    """All items of a file. Raises BadFile, which names every bad line up to fifty."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(_rows(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"the file cannot be read: {type(error).__name__}") from None
    listings: list[Listing] = []
    places: list[int] = []
    faults: list[str] = []
    for place, row in rows:
        try:
            listings.append(ItemBody.model_validate(row).to_listing())
            places.append(place)
        except ValidationError as error:
            faults.append(f"line {place}: {', '.join(_columns(error))}")
    faults += [
        f"line {places[number - 1]}: overlaps another line of its item"
        for number in twice_listed(listings)
    ]
    if faults:
        more = len(faults) - _FAULTS_MOST
        shown = faults[:_FAULTS_MOST] + ([f"and {more} more"] if more > 0 else [])
        raise BadFile("\n".join(shown))
    if not listings:
        raise BadFile("the file holds no items")
    return listings


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.reader(lines, strict=True)
    head = next(reader, None)
    if head != list(COLUMNS):
        raise BadFile(f"line 1: the columns are {','.join(COLUMNS)}")
    for row in reader:
        if len(row) != len(head):
            raise BadFile(f"line {reader.line_num}: {len(row)} fields, not {len(head)}")
        fields: dict[str, object] = {
            name: text for name, text in zip(head, row, strict=True) if text
        }
        fields["maternity"] = _MATERNITY.get(str(fields.get("maternity", "")), "neither")
        yield reader.line_num, fields


def _columns(error: ValidationError) -> Iterator[str]:
    """What is wrong with a row, by column; what binds several columns is told in words."""
    for fault in error.errors(include_input=False, include_url=False):
        column = ".".join(map(str, fault["loc"]))
        yield column or str(fault["msg"]).removeprefix("Value error, ")
