"""The three services with people, claims and flags of two hospitals, for the contracts of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.peopled import Peopled, peopled
from tests.support.postgres import ServiceDatabases


@pytest.fixture(scope="module")
async def here(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Peopled]:
    async with peopled(module_databases, tmp_path_factory.mktemp("agency")) as opened:
        yield opened
