"""Logs: JSON lines on standard error, and what must never stand in one.

An error is logged by its types and places. Its message is not: drivers and parsers quote in it
the value that they could not take, which may be somebody's name.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_TELEPHONE = re.compile(r"(?<![0-9A-Za-z])1[3-9][0-9]{9}(?![0-9A-Za-z])")
_FRAMES_MOST = 12

Line = MutableMapping[str, Any]


def _error_by_place(_: Any, __: str, event: Line) -> Line:
    """The error of a line, if it has one, and those that led to it."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["errors"] = [_described(one) for one in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__


def _described(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MOST:]
    described: dict[str, Any] = {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    for name in ("sqlstate", "table_name", "column_name", "constraint_name"):
        if value := getattr(error, name, None):
            described[name] = str(value)
    return described


def _first_line(_: Any, __: str, event: Line) -> Line:
    """Of another library's message the first line: asyncio adds the error's own words below. Of an
    error's report, which a server writes of a start that failed, also the type at its end."""
    text = str(event["event"])
    event["event"] = text.partition("\n")[0]
    if text.startswith("Traceback"):
        event["error"] = text.rstrip().rpartition("\n")[2].partition(":")[0]
    return event


def _masked(_: Any, __: str, line: Any) -> str:
    """Nothing that looks like an ID number or a telephone number leaves, whoever put it there."""
    return _TELEPHONE.sub("[telephone]", _ID_NUMBER.sub("[id]", str(line)))


_ENDS: list[Processor] = [
    _error_by_place,
    structlog.processors.JSONRenderer(ensure_ascii=False),
    _masked,
]
CHAIN: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    *_ENDS,
]
"""What each of our own lines goes through."""


def library_handler(stream: TextIO) -> logging.Handler:
    """Writes the lines of libraries (server, driver, event loop) in the same form."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*CHAIN[: -len(_ENDS)], _first_line],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_ENDS],
        )
    )
    return handler


def configure_logs(service: str) -> None:
    """Send logs of this process to standard error, one JSON object a line."""
    structlog.configure(
        processors=CHAIN,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(handlers=[library_handler(sys.stderr)], level=logging.WARNING, force=True)
