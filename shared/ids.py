"""Identifiers made in the application: UUIDv7, ordered by time, unguessable enough to be shown."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Iterator
from typing import AnyStr
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - the driver's own, a UUID in C

_lock = threading.Lock()
_last_ms = 0
_counter = 0
_random: Iterator[int] = iter(())
_DRAWN = 256
"""Random numbers drawn at a time: a call of the system for each costs more than the id."""

NO_ID = UUID(int=0)
"""The id of what has none yet; a list that goes by ids begins beyond it."""


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562): milliseconds, a 12-bit counter, 62 random bits.

    Within one process ids never step back, also when the wall clock does: rows made in order
    stay in order in every index.
    """
    global _last_ms, _counter, _random
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, 0
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        ms, counter = _last_ms, _counter
        drawn = next(_random, None)
        if drawn is None:
            _random = iter(array("Q", os.urandom(8 * _DRAWN)))
            drawn = next(_random)
    random_bits = drawn & ((1 << 62) - 1)
    number = ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random_bits
    return quick_id(number.to_bytes(16, "big"))


def quick_id(written: AnyStr) -> UUID:
    """A UUID from its 16 bytes or its text, as the driver makes them: a UUID to everybody, and made
    and written in a twentieth of the time. Raises ValueError for anything else."""
    made: UUID = QuickUUID(written)
    return made
