"""A settlement that runs from a copy of the source, for whoever disturbs it."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from tests.faults.disk import small_disk
from tests.faults.planting import Ground, ground_of, planted_copy, settlement_of
from tests.faults.scene import Scene
from tests.support.postgres import ServiceDatabases

LONG = os.environ.get("FAULTS") == "long"
_NUMBERS = itertools.count(100_000)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes is left to `make faults`."""
    if LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
async def ground(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ground]:
    """A settlement opened for business, to begin from."""
    databases = ServiceDatabases(postgres, _NUMBERS)
    async with ground_of(tmp_path_factory.mktemp("ground"), postgres, databases) as ground:
        yield ground
    databases.drop()


@pytest.fixture(scope="module")
async def sound(
    postgres: Postgres,
    module_databases: ServiceDatabases,
    ground: Ground,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Scene]:
    """The settlement as it is, run from a copy like the faulty ones."""
    folder = tmp_path_factory.mktemp("sound")
    code = planted_copy(folder, None)
    async with settlement_of(code, folder, postgres, module_databases, ground) as scene:
        yield scene


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own; skips where this machine mounts none for us."""
    with small_disk(tmp_path / "disk") as place:
        yield place
