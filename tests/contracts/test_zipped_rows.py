"""Files that hospitals send: rows come back as they were written, and no bomb unpacks."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as draw

from shared.plumbing import zipped_rows
from shared.plumbing.zipped_rows import BadArchive, read_rows, write_rows

fields = draw.text(
    draw.characters(blacklist_characters="\t\r\n", blacklist_categories=["Cs"])
).filter(lambda text: text != "null")


def _zip(*files: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


@given(draw.lists(draw.lists(fields, min_size=3, max_size=3)))
def test_rows_come_back(rows: list[list[str]]) -> None:
    first = [[*row] for row in rows]
    if first and first[0][0].startswith("\ufeff"):
        first[0][0] = "x"
    assert read_rows(write_rows("rows.txt", first), 3, 10_000) == first


def test_the_same_rows_are_the_same_bytes() -> None:
    assert write_rows("a.txt", [["1", ""]]) == write_rows("a.txt", [["1", ""]])
    with pytest.raises(ValueError, match="TAB"):
        write_rows("a.txt", [["a\tb"]])


def test_null_and_nothing_are_empty_and_windows_ends_its_lines() -> None:
    assert read_rows(_zip(("a.txt", "\ufeff1\tnull\t\r\n2\t生\tx".encode())), 3, 10_000) == [
        ["1", "", ""],
        ["2", "生", "x"],
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"PK", b"\x00" * 400, _zip(), _zip(("a", b"1"), ("b", b"2")), _zip(("a/", b"")),
        _zip(("a", b"\xff\xfe")), _zip(("a", b"1\t2")), _zip(("a", b"1\t2\t3\n\n")),
        _zip(("a", b"1\t2\t3"))[:-30], _zip(("a", b"1\t2\t3" * 99))[:40] + b"\x00" * 60,
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadArchive):
        read_rows(content, 3, 10_000)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_otherwise_is_refused(packing: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        archive.writestr("a", b"1\t2\t3")
    with pytest.raises(BadArchive, match="packed_otherwise"):
        read_rows(packed.getvalue(), 3, 10_000)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _zip(("a", b"0" * 3_000_000))
    assert len(bomb) < 10_000
    monkeypatch.setattr(zipped_rows, "TEXT_BYTES_MOST", 1_000_000)
    with pytest.raises(BadArchive, match="too_large"):
        read_rows(bomb, 3, 10_000)
    monkeypatch.setattr(zipped_rows, "ARCHIVE_BYTES_MOST", 100)
    with pytest.raises(BadArchive, match="too_large"):
        read_rows(bomb, 3, 10_000)
    monkeypatch.setattr(zipped_rows, "ARCHIVE_BYTES_MOST", 10_000)
    monkeypatch.setattr(zipped_rows, "TEXT_BYTES_MOST", 5_000_000)
    with pytest.raises(BadArchive, match="rows"):
        read_rows(_zip(("a", b"1\n1\n1\n")), 1, 2)


def test_a_size_that_the_archive_claims_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped_rows, "TEXT_BYTES_MOST", 1_000)
    honest = _zip(("a", b"0" * 5_000))
    size = (5_000).to_bytes(4, "little")
    for lie in (b"\x01\x00\x00\x00", b"\xff\xff\xff\x7f"):
        with pytest.raises(BadArchive):
            read_rows(honest.replace(size, lie), 1, 10_000)


@given(draw.binary(max_size=300), draw.integers(0, 120))
def test_bent_archives_are_refused_and_never_break(noise: bytes, at: int) -> None:
    sound = _zip(("a", b"1\t2\t3\n4\t5\t6"))
    bent = sound[:at] + noise + sound[at + len(noise) :]
    try:
        read_rows(bent, 3, 10_000)
    except BadArchive:
        return
