"""The metrics of what services have in common, and of settling; what audit alone counts stands in
audit. Labels are few and say nothing of a person.

What an instant decides is a counter or a histogram; what the database knows is a gauge that one
worker samples, so that a scrape costs no query.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from shared.plumbing.clock import Clock
from shared.plumbing.database import Pool

if TYPE_CHECKING:
    from shared.plumbing.problems import Kind

SAMPLE_SECONDS = 5.0

GROUPS = Counter("group_commit_groups", "groups run")
COMMANDS = Counter("group_commit_commands", "commands in these groups")
STATEMENTS = Counter("group_commit_statements", "statements, one round trip each")

_SETTLED = Histogram(
    "settlement_seconds",
    "from the queue to the commit, of what was settled anew",
    ["pool", "level"],
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2, 5),
)
_REFUSALS = Counter("refusals", "problems answered, by code (docs/refusals.md)", ["code"])
_QUEUE = Gauge("group_queue_length", "commands that wait or are being written", ["service"])
_LAG = Gauge(
    "consumer_lag_seconds",
    "age of the last instant up to which a consumer has heard everything",
    ["service", "consumer", "topic"],
)
_OUTBOX = Gauge("outbox_oldest_seconds", "age of the oldest event not passed on", ["service"])
_HORIZON = Gauge(
    "horizon_seconds",
    "how long the oldest running transaction of the cluster has held the relay back",
    ["service"],
)
_DEAD = Gauge("dead_letters", "records buried so far", ["service", "consumer", "topic"])
_PARKED = Gauge("parked_keys", "keys that wait for a person", ["service", "consumer", "topic"])
RECONSIDERATIONS_FAILING = Gauge(
    "reconsiderations_failing", "people whose corrected state could not be followed, try after try"
)
_CERTIFICATE = Gauge(
    "certificate_ends_timestamp_seconds", "until when the served certificate is good", ["service"]
)
_SAMPLED = Gauge(
    "metrics_sampled_timestamp_seconds", "when the gauges of the database were read", ["service"]
)


@cache
def settlement_seconds(pool_code: str, level: int) -> Callable[[float], None]:
    """Notes how long settling took, in seconds. Kept by pool and level: one look-up each."""
    return _SETTLED.labels(pool_code, str(level)).observe


@cache
def _refusals_of(kind: Kind) -> Counter:
    return _REFUSALS.labels(f"{kind.number}-{kind.slug}")


def count_refusal(kind: Kind) -> None:
    """Count a problem that is answered."""
    _refusals_of(kind).inc()


def watch_queue(service: str, length: Callable[[], int]) -> None:
    """Show a group's queue, asked at each scrape."""
    _QUEUE.labels(service).set_function(length)


def show_certificate_end(service: str, at: float) -> None:
    """Note until when the certificate is good by which a service serves, as a Unix time."""
    _CERTIFICATE.labels(service).set(at)


class Lag:
    """How far a consumer is behind, in seconds; grows by itself while nothing is heard."""

    def __init__(self, service: str, consumer: str, topic: str, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.now()
        _LAG.labels(service, consumer, topic).set_function(self.seconds)

    def caught_up(self) -> None:
        """There was nothing more to hear just now."""
        self._until = self._clock.now()

    def heard(self, at: str) -> None:
        """Everything was heard up to an event of this instant (RFC 3339), if it says one."""
        try:
            told_at = datetime.fromisoformat(at)
        except ValueError:
            return
        if told_at.tzinfo is not None:
            self._until = told_at

    def seconds(self) -> float:
        """The age of the last instant up to which all was heard."""
        return max(0.0, (self._clock.now() - self._until) / timedelta(seconds=1))


_OLDEST = "select at from outbox where position is null order by era, xid, id limit 1"
# The snapshot's own upper end does not tell whether anything runs; a fresh number does.
_HELD_BY = """
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest,
       pg_current_xact_id()::text::bigint as own
"""
_DEAD_BY_TOPIC = "select consumer, topic, sum(dead)::bigint as n from consumer_offset group by 1, 2"
_PARKED_BY_TOPIC = """
select o.consumer, o.topic, count(distinct p.key) as n
from (select distinct consumer, topic from consumer_offset) o
left join parked p using (consumer, topic) group by 1, 2
"""


class Sampler:
    """Reads the gauges of one service's database."""

    def __init__(self, service: str, pool: Pool, clock: Clock) -> None:
        self._service = service
        self._pool = pool
        self._clock = clock
        self._held = (0, time.monotonic())

    async def sample(self) -> None:
        """Read all once."""
        async with self._pool.acquire() as connection:
            oldest = await connection.fetchval(_OLDEST)
            snapshot = await connection.fetchrow(_HELD_BY)
            dead = await connection.fetch(_DEAD_BY_TOPIC)
            parked = await connection.fetch(_PARKED_BY_TOPIC)
        age = (self._clock.now() - oldest) / timedelta(seconds=1) if oldest else 0.0
        _OUTBOX.labels(self._service).set(max(0.0, age))
        if snapshot is not None:
            held = self._horizon(snapshot["oldest"], snapshot["own"], time.monotonic())
            _HORIZON.labels(self._service).set(held)
        for gauge, rows in ((_DEAD, dead), (_PARKED, parked)):
            for row in rows:
                gauge.labels(self._service, row["consumer"], row["topic"]).set(row["n"])
        _SAMPLED.labels(self._service).set_to_current_time()

    def _horizon(self, oldest: int, own: int, now: float) -> float:
        """How long the same transaction has been the oldest, as far as samples saw it.

        Asked of the snapshot, which is what the relay waits for; other roles' transactions in
        `pg_stat_activity` are hidden from this one.
        """
        if oldest == own or oldest != self._held[0]:
            self._held = (oldest, now)
        return now - self._held[1]
