"""Whether everything told has been heard, on the local bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import asyncpg

from deploy.topics import topics

_UNSTAMPED = "select count(*) from outbox where position is null"
_TOLD = "select coalesce(max(position), 0) from topic_position where topic = $1"
_HEARD = (
    "select coalesce(max(last_offset), 0) from consumer_offset where consumer = $1 and topic = $2"
)

_WAITING = "select exists (select from outbox where topic = $1 and position is null)"
_LISTEN_SECONDS = 0.2


async def wait_until_heard(teller: str, hearer: str, topic: str) -> None:
    """Wait until a topic's one consumer has heard all of it, by both databases' addresses.

    On connections that stay: planning to look through every month costs more than looking.
    """
    told, heard = await asyncpg.connect(teller), await asyncpg.connect(hearer)
    group = next(one.groups[0] for one in topics() if one.name == topic)
    try:
        while await told.fetchval(_WAITING, topic) or (
            await told.fetchval(_TOLD, topic) > await heard.fetchval(_HEARD, group, topic)
        ):
            await asyncio.sleep(_LISTEN_SECONDS)
    finally:
        await told.close()
        await heard.close()


async def behind(databases: Mapping[str, str]) -> int:
    """How many events are still to be stamped or heard, over all services.

    `databases` holds, for each service, the address of its database under any role of it.
    """
    connections = {name: await asyncpg.connect(dsn) for name, dsn in databases.items()}
    try:
        count = 0
        for connection in connections.values():
            count += await connection.fetchval(_UNSTAMPED)
        for topic in topics():
            told = await connections[topic.owner].fetchval(_TOLD, topic.name)
            for group in topic.groups:
                hearer = connections[group.partition("-")[0]]
                count += max(0, told - await hearer.fetchval(_HEARD, group, topic.name))
        return count
    finally:
        for connection in connections.values():
            await connection.close()
