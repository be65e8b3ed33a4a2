"""Requests made up from the services' own descriptions, true to them and not, over real HTTP.

The choice is fixed by a seed and bounded: the same requests each time, in about a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hypothesis
import pytest
import schemathesis
import uvicorn
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup

from tests.contracts.test_tenants import MATRIX
from tests.support.peopled import A, Peopled

_EXAMPLES = 8
_SEED = 20191220
_CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "missing_required_header", "unsupported_method", "ignored_auth",
)  # fmt: skip


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The running app on a port of this machine; its lifespan is somebody else's."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


class Trial:
    """Tries the operations of one described service, and keeps what was wrong."""

    def __init__(self, base: str) -> None:
        load_all_checks()
        self.base, self.tried = base, 0
        self.found: list[str] = []
        self.checks = [CHECKS.get_one(name) for name in _CHECKS]

    def all(
        self, description: dict[str, Any], paths: dict[str, dict[str, str]], tokens: dict[str, str]
    ) -> None:
        """Every operation, true to the description and not."""
        for result in schemathesis.openapi.from_dict(description).get_all_operations():
            operation = result.ok()
            route = f"{operation.method.upper()} {operation.path}"
            headers = {"authorization": f"Bearer {tokens[route]}"} if route in tokens else {}
            # What is made up names no object; that more than 404 is seen, the true cases do.
            own = paths.get(route) or None
            good, bad = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
            self.each(operation.as_strategy(good, path_parameters=own), route, headers)
            self.each(operation.as_strategy(bad), route, headers)

    def each(
        self, cases: hypothesis.strategies.SearchStrategy[Case], route: str, headers: dict[str, str]
    ) -> None:
        """Some cases of a strategy."""

        @hypothesis.seed(_SEED)
        @hypothesis.settings(
            max_examples=_EXAMPLES, deadline=None, database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.given(cases)
        def one(case: Case) -> None:
            self.tried += 1
            answer = case.call(base_url=self.base, headers=headers)
            try:
                case.validate_response(answer, checks=self.checks, headers=headers)
            except (Failure, FailureGroup) as failure:
                for inner in getattr(failure, "exceptions", [failure]):
                    self.found.append(f"{route}: {_told(inner)}")

        with contextlib.suppress(hypothesis.errors.Unsatisfiable):  # of some nothing can be wrong
            one()


def _told(failure: BaseException) -> str:
    return f"{type(failure).__name__}: {str(failure)[:300]}".replace("\n", " ")


@pytest.mark.parametrize("service", ["enrollment", "settlement", "audit"])
async def test_made_up_requests_find_nothing(here: Peopled, service: str) -> None:
    app = here.whole.services[service].app
    description = app.openapi()
    paths, tokens = {}, {}
    for route, entry in MATRIX.items():
        if route.split("/")[1] == service:
            paths[route] = (await here.valid(route, A)).path
            role = entry.roles.split()[0]
            tokens[route] = (await here.caller(service, role, A)).token
    async with served(app) as base:
        trial = Trial(base)
        await asyncio.to_thread(trial.all, description, paths, tokens)
    print("\n", service, trial.tried, "cases")  # noqa: T201
    assert not trial.found, "\n".join(sorted(set(trial.found)))
    assert trial.tried > _EXAMPLES * len(paths)
