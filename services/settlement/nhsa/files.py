"""Files that are exchanged with a hospital: 9101 takes one, 9102 gives one."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.settlement.nhsa import ids
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.envelope import NoNumber, is_empty
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import FILE_UNKNOWN, FILES_TOO_MANY
from services.settlement.nhsa.replies import moment
from services.settlement.store import exchanged_files
from services.settlement.store.exchanged_files import ExchangedFile
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.problems import Problem
from shared.plumbing.zipped_rows import ARCHIVE_BYTES_MOST

KEPT = timedelta(days=7)
"""How long a file is kept, from when it was stored."""
FILES_MOST = 200
"""How many files of an institution are kept at a time."""

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f/\\:]{1,200}")
_BYTE_LEAST, _BYTES = -128, 256


class FileBytes(bytes):
    """An answer that is a file itself, not an envelope: clients look at the content type."""


async def upload(call: Call) -> bytes:
    """9101: take a file, from beside the envelope, or within it as base64 or a list of bytes."""
    row = call.input.one("fsUploadIn")
    name = row.text("filename")
    # The name is only given back; yet a HIS may write what it fetches under it.
    if not _NAME.fullmatch(name) or name.strip(". ") == "":
        raise row.wrong("filename", "file_name")
    _own(call, row)
    content = _content(call, row)

    async def effect(tx: Connection) -> Done:
        file = await keep(tx, call, name, content)
        return file.file_id, shown(file) | {"fixmedins_code": call.profile.institution_code}

    return await call.once(effect)


async def download(call: Call) -> bytes:
    """9102: give a file of the institution's, whether it sent it or we made it."""
    row = call.input.one("fsDownloadIn")
    _own(call, row)
    return FileBytes((await call.seen(lambda tx: find(tx, call, row))).content)


async def keep(tx: Connection, call: Call, name: str, content: bytes) -> ExchangedFile:
    """Keep a file for a while. Raises Problem where the institution has too many."""
    now, profile = call.scene.now, call.profile
    file = ExchangedFile(
        profile.pool_code, new_id(), profile.institution_code, name, content, now, now + KEPT
    )
    await exchanged_files.keep(tx, file)
    if await exchanged_files.count(tx, profile.pool_code, profile.institution_code) > FILES_MOST:
        raise Problem(FILES_TOO_MANY)
    return file


async def find(tx: Connection, call: Call, row: Row) -> ExchangedFile:
    """The file that a row names, if it is the institution's and not over. Raises Problem."""
    file_id: UUID = call.id(row, "file_qury_no")
    file = await exchanged_files.find(tx, call.profile.pool_code, file_id, call.scene.now)
    if file is None:
        raise Problem(FILE_UNKNOWN)
    return file


def shown(file: ExchangedFile) -> dict[str, Any]:
    """What is told of a file: by which number it is fetched, and until when."""
    return {
        "file_qury_no": ids.to_wire(file.file_id),
        "filename": file.name,
        "dld_endtime": moment(file.expires_at),
    }


def _own(call: Call, row: Row) -> None:
    if row.text("fixmedins_code") not in ("", call.profile.institution_code):
        raise row.wrong("fixmedins_code", "not_accepted")


def _content(call: Call, row: Row) -> bytes:
    content = call.envelope.file
    if content is None:
        given = call.envelope.input["fsUploadIn"]
        node = given[0] if isinstance(given, list) else given
        content = _bytes_of(node.get("in"))
    if not content or len(content) > ARCHIVE_BYTES_MOST:
        raise row.wrong("in", "file")
    return content


def _bytes_of(told: Any) -> bytes:
    """Bytes as JSON writes them; nothing where they are no bytes. Java's run from -128."""
    if is_empty(told) or isinstance(told, NoNumber):
        return b""
    if isinstance(told, str):
        try:
            return base64.b64decode(told, validate=True)
        except (binascii.Error, ValueError):
            return b""
    if not isinstance(told, list) or not all(_is_byte(value) for value in told):
        return b""
    return bytes(int(value) % _BYTES for value in told)


def _is_byte(value: Any) -> bool:
    return isinstance(value, Decimal) and value == int(value) and _BYTE_LEAST <= value < _BYTES
