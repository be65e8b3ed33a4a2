"""Databases for tests: one cluster a session, one template a service, a clone for whoever asks."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

from deploy.local.postgres import Postgres


class ServiceDatabases:
    """Clones of a service's migrated database; the migrations run once for each service.

    >>> databases = service_databases("settlement")  # {"owner": dsn, "service": dsn, "group": dsn}
    """

    def __init__(self, cluster: Postgres, numbers: itertools.count[int]) -> None:
        self._cluster = cluster
        self._numbers = numbers
        self._made: list[str] = []

    def __call__(self, service: str) -> dict[str, str]:
        template = f"{service}_template"
        if template not in _MIGRATED:
            self._migrate(service, template)
            _MIGRATED.add(template)
        name = f"{service}_{next(self._numbers)}"
        self._made.append(name)
        return self._cluster.clone_service_database(service, name, template)

    def drop(self) -> None:
        """Drop what was handed out, also where a test left connections open."""
        for name in self._made:
            self._cluster.drop_database(name)
        self._made.clear()

    def _migrate(self, service: str, template: str) -> None:
        from shared.plumbing.migrate import migrate

        addresses = self._cluster.service_database(service, template, template=None)
        today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
        with ThreadPoolExecutor(max_workers=1) as apart:  # migrations run a loop of their own
            apart.submit(migrate, service, addresses["owner"], today).result()


_MIGRATED: set[str] = set()
