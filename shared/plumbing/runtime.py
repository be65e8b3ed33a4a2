"""What runs in each service beside its own actions: pools, relay, sealer, consumers."""

from __future__ import annotations

from fastapi import FastAPI

from shared.plumbing.auth import Tokens
from shared.plumbing.bus.kafka import KafkaSender, KafkaSource
from shared.plumbing.bus.local import LocalSource
from shared.plumbing.bus.record import Source
from shared.plumbing.clock import Clock
from shared.plumbing.database import Pool, open_pool
from shared.plumbing.edge import Desk
from shared.plumbing.field_keys import body_key
from shared.plumbing.inbox import Handle, Inbox
from shared.plumbing.journal import seal
from shared.plumbing.metrics import SAMPLE_SECONDS, Lag, Sampler
from shared.plumbing.relay import KeepInLog, Relay, Sender
from shared.plumbing.settings import Settings
from shared.plumbing.workers import Workers

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

    async def open(self, app: FastAPI) -> None:
        """Open the service's pool and give its routes their desk."""
        self.pool = await open_pool(self.settings.service_dsn.get_secret_value(), size=_POOL_SIZE)
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
            KafkaSender(self.settings.kafka, self.settings.topic_prefix)
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

    async def hear(self, producer: str, topic: str, handle: Handle) -> Inbox:
        """Start the consumer of another service's topic; its name is service and topic."""
        consumer = f"{self.service}-{topic.split('.')[2]}"
        source: Source
        if self.settings.bus == "kafka":
            prefix = self.settings.topic_prefix
            source = KafkaSource(self.settings.kafka, consumer, topic, prefix)
        else:
            feed = await open_pool(self.settings.feeds[producer].get_secret_value(), size=2)
            self._feeds.append(feed)
            source = LocalSource(feed, self.pool, consumer, topic)
        lag = Lag(self.service, consumer, topic, self.clock)
        inbox = Inbox(consumer, self.pool, source, handle, self.clock, lag)
        self.workers.start(f"hear {topic}", inbox.run)
        return inbox

    async def close(self) -> None:
        """Stop the workers, then let go of the connections."""
        await self.workers.stop()
        await self._sender.close()
        for feed in self._feeds:
            await feed.close()
        await self.pool.close()
