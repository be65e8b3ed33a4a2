"""Three brokers, of which any one may go: each topic on all of them, acknowledged by two."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from deploy.kafka.broker import KafkaBroker, Place, new_cluster
from deploy.local.ports import free_port

BROKERS = 3


class KafkaCluster:
    """The brokers of a folder, for as long as the `with` block lasts; each keeps its ports.

    Topics get their replicas by `topics.create(..., replicas=BROKERS)`.
    """

    def __init__(self, folder: Path) -> None:
        controllers, name = tuple(free_port() for _ in range(BROKERS)), new_cluster()
        self.brokers = [
            KafkaBroker(folder / f"{n}", port=free_port(), place=Place(n, controllers, name))
            for n in range(1, BROKERS + 1)
        ]

    def __enter__(self) -> Self:
        try:
            for broker in self.brokers:
                broker.launch()
            for broker in self.brokers:
                broker.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for broker in self.brokers:
            broker.stop()

    @property
    def bootstrap(self) -> str:
        """Where clients begin: any of the brokers tells of the others."""
        return ",".join(broker.bootstrap for broker in self.brokers)
