"""A body that carries a file beside its envelope: multipart, as uploads (9101) come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from services.settlement.nhsa.refusals import ENVELOPE_MALFORMED, Wrong
from shared.plumbing.zipped_rows import ARCHIVE_BYTES_MOST

ENVELOPE_BYTES_MOST = 1024 * 1024
PARTS_BYTES_MOST = ENVELOPE_BYTES_MOST + ARCHIVE_BYTES_MOST
"""The envelope, the largest file, and nothing of note beside."""

_ENVELOPE, _FILES = "jsonStr", ("file", "in")
_PARTS_MOST = 8


class Parts(NamedTuple):
    """The envelope's bytes, and the file's, None where none came."""

    envelope: bytes
    file: bytes | None


def is_multipart(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body comes in parts; this alone is asked of a content type."""
    return headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")


def read_parts(content_type: bytes, body: bytes) -> Parts:
    """The parts of a body by their names; others are not looked at. Raises Wrong."""
    found: dict[str, bytes] = {}

    def hold(name: bytes | None, value: bytes) -> None:
        key = (name or b"").decode("utf-8", "replace")
        # What is sent twice is read by us as one of the two, by others as the other.
        if key in found or len(found) >= _PARTS_MOST:
            raise Wrong(ENVELOPE_MALFORMED, "parts")
        found[key] = value

    def on_field(field: Field) -> None:
        hold(field.field_name, field.value or b"")

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        hold(file.field_name, file.file_object.read())

    _, options = parse_options_header(content_type)
    memory = {"MAX_MEMORY_FILE_SIZE": PARTS_BYTES_MOST + 1}
    try:
        parser = FormParser(
            "multipart/form-data", on_field, on_file, boundary=options.get(b"boundary"),
            config=memory,
        )  # fmt: skip
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeError) as error:
        raise Wrong(ENVELOPE_MALFORMED, "parts") from error
    envelope = found.get(_ENVELOPE)
    if envelope is None:
        raise Wrong(ENVELOPE_MALFORMED, "parts")
    if len(envelope) > ENVELOPE_BYTES_MOST:
        raise Wrong(ENVELOPE_MALFORMED, "too_large")
    return Parts(envelope, next((found[name] for name in _FILES if name in found), None))
