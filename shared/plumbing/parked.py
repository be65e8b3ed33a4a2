"""Keys that were parked, tried again once what stopped them was mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from shared.plumbing.clock import Clock
from shared.plumbing.database import LOST, Pool
from shared.plumbing.inbox import Handle, retry_parked

_KEYS = """
select consumer, key from parked where $1 = '' or key = $1 group by 1, 2 order by min(number)
"""


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of a parked key: how many events had their effect, or why none had."""

    consumer: str
    key: str
    events: int
    failed: str = ""


async def retry_keys(
    pool: Pool, handlers: Mapping[str, Handle], clock: Clock, key: str = ""
) -> AsyncIterator[Retried]:
    """Give every parked key's events their effect, by consumer, or one key's alone.

    A key that fails again stays parked, whole, and the next is tried. It may run beside the
    service: events that come meanwhile wait for it. Raises what a lost database raises.
    """
    for row in await pool.fetch(_KEYS, key):
        consumer, of = row["consumer"], row["key"]
        handle = handlers.get(consumer)
        if handle is None:
            yield Retried(consumer, of, 0, "nobody hears as this consumer any more")
            continue
        try:
            events = await retry_parked(pool, consumer, of, handle, clock)
        except LOST:
            raise
        except Exception as error:
            # By its type alone: a message may quote what it could not take.
            yield Retried(consumer, of, 0, type(error).__name__)
        else:
            yield Retried(consumer, of, events)
