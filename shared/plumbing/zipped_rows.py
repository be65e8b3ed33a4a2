"""Rows of text in a zip, as files are exchanged with hospitals: one UTF-8 file, TAB between fields.

What is read comes from outside: how much of it is unpacked is bounded by what was really unpacked,
never by what the archive says of itself.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import IO

ARCHIVE_BYTES_MOST = 8_000_000
TEXT_BYTES_MOST = 64_000_000
_EMPTY = "null"
_STEP = 1 << 16
_UNPACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Others have unpackers of their own, which fail in ways of their own and bound no memory."""


class BadArchive(Exception):
    """The bytes are no such file: `why` is one of our own words, `line` the one to blame, 0 where
    none is."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(f"{why}, line {line}" if line else why)
        self.why = why
        self.line = line


def read_rows(content: bytes, fields: int, rows_most: int) -> list[list[str]]:
    """The rows of an archive, at most so many, each of so many fields; "null" and nothing are "".

    Raises BadArchive.
    """
    text = _unpacked(content)
    if text.count("\n") > rows_most:  # before they are made: empty ones pack to nothing
        raise BadArchive("too_many_rows")
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > rows_most:
        raise BadArchive("too_many_rows")
    rows = []
    for number, line in enumerate(lines, 1):
        row = line.removesuffix("\r").split("\t", fields)
        if len(row) != fields:
            raise BadArchive("fields", number)
        rows.append(["" if text == _EMPTY else text for text in row])
    return rows


def write_rows(name: str, rows: Iterable[Sequence[str]]) -> bytes:
    """An archive with one file of these rows. Raises ValueError for a field that would break it."""
    lines = []
    for row in rows:
        if any(mark in text for text in row for mark in "\t\r\n"):
            raise ValueError("a field holds a TAB or a line's end")
        lines.append("\t".join(text or _EMPTY for text in row) + "\n")
    packed = io.BytesIO()
    # A fixed time: the same rows are the same bytes.
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, "".join(lines).encode())
    return packed.getvalue()


def _unpacked(content: bytes) -> str:
    if len(content) > ARCHIVE_BYTES_MOST:
        raise BadArchive("archive_too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].is_dir():
                raise BadArchive("one_file")
            if entries[0].flag_bits & 1:
                raise BadArchive("encrypted")
            if entries[0].compress_type not in _UNPACKED:
                raise BadArchive("packed_otherwise")
            with archive.open(entries[0]) as packed:
                return _bounded(packed).decode("utf-8-sig")
    # A RuntimeError is what the library says of an archive whose form it does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise BadArchive("not_readable") from error


def _bounded(packed: IO[bytes]) -> bytes:
    found = bytearray()
    while step := packed.read(_STEP):
        found += step
        if len(found) > TEXT_BYTES_MOST:
            raise BadArchive("text_too_large")
    return bytes(found)
