"""The description of a service with this set-up's own secrets in its examples of a token, so that
the page of calls works as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})


def is_asked_from_here(scope: Scope) -> bool:
    """Whether a person of this machine asks, under the machine's own name: a page of somebody
    else's that was made to point here names its own."""
    host = Headers(scope=scope).get("host", "").rpartition(":")[0]
    return host in _HERE and (scope.get("client") or ("",))[0] in ("127.0.0.1", "::1")


def with_secrets(described: Any, secrets: Mapping[str, str]) -> Any:
    """What is described, each example of a client's secret exchanged for that of `secrets`."""
    if isinstance(described, list):
        return [with_secrets(one, secrets) for one in described]
    if not isinstance(described, dict):
        return described
    exchanged = {name: with_secrets(value, secrets) for name, value in described.items()}
    if exchanged.get("client_secret") == "SECRET" and exchanged.get("client_id") in secrets:
        exchanged["client_secret"] = secrets[exchanged["client_id"]]
    return exchanged
