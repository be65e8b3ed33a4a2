"""What runs in each service beside its own actions: pools, relay, sealer, consumers."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from fastapi import FastAPI

from shared.plumbing.asking import Asked, own, why
from shared.plumbing.auth import Tokens
from shared.plumbing.bus.kafka import Brokers, KafkaSender, KafkaSource, until_reached
from shared.plumbing.bus.local import LocalSource
from shared.plumbing.bus.record import Source
from shared.plumbing.clock import Clock
from shared.plumbing.database import Pool, open_pool
from shared.plumbing.edge import Desk
from shared.plumbing.field_keys import body_key
from shared.plumbing.inbox import Handle, Inbox, consumer_of
from shared.plumbing.journal import seal
from shared.plumbing.metrics import SAMPLE_SECONDS, Lag, Sampler
from shared.plumbing.relay import KeepInLog, Relay, Sender
from shared.plumbing.settings import Settings
from shared.plumbing.tls import to_brokers
from shared.plumbing.workers import Workers

log = structlog.get_logger()

_SEAL_SECONDS = 0.5
_POOL_SIZE = 12


class Runtime:
    """One running service: opened and closed by its lifespan."""

    def __init__(self, service: str, settings: Settings, clock: Clock) -> None:
        self.service = service
        self.settings = settings
        self.clock = clock
        self.tokens = Tokens(service, settings.signing_key.get_secret_value(), clock)
        self.workers = Workers()
        self._feeds: list[Pool] = []
        self._reaching: asyncio.Task[None] | None = None

    async def open(self, app: FastAPI) -> None:
        """Open the service's pool and give its routes their desk; a database that does not answer
        is told in words before the start fails."""
        dsn, named = own(self.service, self.settings, "service")
        self.pool = await open_pool(dsn, size=_POOL_SIZE)
        try:
            await self.pool.fetchval("select 1")
        except Exception as error:
            log.error("cannot start", why=why(error, Asked(dsn, named)))
            raise
        app.state.desk = Desk(
            self.service,
            self.pool,
            self.tokens,
            self.clock,
            body_key(self.settings),
        )

    def tell_and_seal(self) -> None:
        """Start the relay, the sealer, and the sampler of the gauges that tell of them."""
        sender: Sender = (
            KafkaSender(self._brokers(), self.settings.topic_prefix)
            if self.settings.bus == "kafka"
            else KeepInLog()
        )
        self._sender = sender
        self.workers.start("relay", Relay(self.pool, sender, self.clock).run)
        self.workers.every(
            "sealer", _SEAL_SECONDS, lambda: seal(self.pool, self.clock, self.settings.anchor_file)
        )
        sampler = Sampler(self.service, self.pool, self.clock)
        self.workers.every("metrics", SAMPLE_SECONDS, sampler.sample)

    def say_ready(self, app: FastAPI) -> None:
        """Let `readyz` say so; over a broker only once one was reached since the start.

        A wrong address shows at once so. A broker that goes away later makes nobody unready, and
        calls are answered in either case: what is told waits in the outbox.
        """

        async def once_reached() -> None:
            await until_reached(self._brokers())
            app.state.ready = True

        if self.settings.bus == "kafka":
            self._reaching = asyncio.create_task(once_reached())
        else:
            app.state.ready = True

    async def hear(self, topic: str, handle: Handle) -> Inbox:
        """Start the consumer of another service's topic."""
        consumer = consumer_of(self.service, topic)
        source: Source
        if self.settings.bus == "kafka":
            prefix = self.settings.topic_prefix
            source = KafkaSource(self._brokers(), consumer, topic, prefix)
        else:
            producer = self.settings.feeds[topic.split(".")[1]]
            feed = await open_pool(producer.get_secret_value(), size=2)
            self._feeds.append(feed)
            source = LocalSource(feed, self.pool, consumer, topic)
        lag = Lag(self.service, consumer, topic, self.clock)
        inbox = Inbox(consumer, self.pool, source, handle, self.clock, lag)
        self.workers.start(f"hear {topic}", inbox.run)
        return inbox

    def _brokers(self) -> Brokers:
        settings = self.settings
        tls = partial(to_brokers, settings) if settings.kafka_tls else None
        return Brokers(settings.kafka, tls)

    async def close(self) -> None:
        """Stop the workers, then let go of the connections."""
        if self._reaching is not None:
            self._reaching.cancel()
        await self.workers.stop()
        await self._sender.close()
        for feed in self._feeds:
            await feed.close()
        await self.pool.close()
