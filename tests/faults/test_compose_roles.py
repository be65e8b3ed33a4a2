"""What deploy/compose/roles.sh makes of a new PostgreSQL is what the launcher without Docker makes.

The script runs as the image of PostgreSQL runs it, with the passwords that docker-compose.yml gives;
each service then migrates and becomes ready with its own addresses of that file.
"""

from __future__ import annotations

import importlib
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.postgres import Postgres, find_binaries
from deploy.local.site import SERVICES
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.migrate import migrate
from tests.support.clock import FixedClock
from tests.support.compose import environment, given_secrets
from tests.support.running import running, settings_for
from tests.support.source import ROOT

GIVEN = given_secrets()
ROLES = """
select rolname::text, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolinherit,
    rolreplication, rolconnlimit, rolvaliduntil,
    array(select b.rolname::text from pg_auth_members join pg_roles b on b.oid = roleid
          where member = r.oid order by 1) as belongs_to
from pg_roles r where rolname like $1 || '\\_%' order by 1
"""
DATABASE = """
select pg_get_userbyid(datdba)::text as owner, pg_encoding_to_char(encoding) as encoding,
    array(select acl::text from unnest(datacl) acl order by 1) as acl
from pg_database where datname = current_database()
"""
INSIDE = """
select extname::text, nspname::text
from pg_extension join pg_namespace n on n.oid = extnamespace order by 1
"""


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster of its own, after its first start by roles.sh."""
    with Postgres(tmp_path_factory.mktemp("composed"), buffers_mb=128) as cluster:
        superuser = urlsplit(cluster.dsn())
        assert superuser.password is not None
        # psql lies beside the server that was found; an image brings it along.
        path = f"{find_binaries()}:{os.environ['PATH']}"
        address = {
            "PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(cluster.port),
            "PGPASSWORD": superuser.password,
        }  # fmt: skip
        subprocess.run(
            ["sh", str(ROOT / "deploy" / "compose" / "roles.sh")],
            env=environment("postgres", GIVEN) | address, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        yield cluster


async def _seen(dsn: str, service: str) -> list[list[dict[str, Any]]]:
    """A service's roles, its database and what is in it."""
    connection = await asyncpg.connect(dsn)
    try:
        found = [
            await connection.fetch(ROLES, service),
            await connection.fetch(DATABASE),
            await connection.fetch(INSIDE),
        ]
    finally:
        await connection.close()
    return [[dict(row) for row in rows] for rows in found]


def _addresses(service: str, cluster: Postgres) -> dict[str, str]:
    """The DSNs of docker-compose.yml, with this machine's address instead of the network's."""
    given = environment(service, GIVEN)
    written = {
        role: given[f"{service}_{role}_dsn".upper()] for role in ("owner", "service", "group")
    }
    return {
        role: dsn.replace("@postgres:5432/", f"@127.0.0.1:{cluster.port}/")
        for role, dsn in written.items()
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_both_launchers_make_the_same_roles_and_database(
    postgres: Postgres, composed: Postgres, service: str
) -> None:
    other = f"{service}_beside_compose"
    postgres.service_database(service, other, template=None)
    try:
        here = await _seen(postgres.dsn(database=other), service)
    finally:
        postgres.drop_database(other)
    assert await _seen(composed.dsn(database=service), service) == here
    assert len(here[0]) == 3


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_migrates_and_becomes_ready_on_it(
    composed: Postgres, tmp_path: Path, service: str
) -> None:
    dsns = _addresses(service, composed)
    with ThreadPoolExecutor(max_workers=1) as apart:  # migrations run a loop of their own
        today = business_day(SystemClock().now())
        apart.submit(migrate, service, dsns["owner"], today).result()
    app = importlib.import_module(f"services.{service}.main").create_app
    async with running(service, app, settings_for(dsns, tmp_path), FixedClock()) as here:
        answer = await here.http.get(f"/{service}/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
