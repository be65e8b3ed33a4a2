"""run.json: how a tool, or a person, finds what runs here. Its form is a contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.private import write_private


def write_run_file(file: Path, record: Mapping[str, Any]) -> None:
    """Write the run file; it holds secrets, so only its owner may read it."""
    write_private(file, json.dumps(record, indent=1) + "\n")


def run_table(record: Mapping[str, Any], file: Path) -> Iterable[str]:
    """What is said when all is up: addresses, keys, and three commands that work as pasted."""
    for name, entry in record["services"].items():
        yield f"  {name:<11} {entry['url']}/{name}/openapi.json   (pid {entry['pid']})"
    ports = sorted({urlsplit(dsn).port or 0 for dsn in record["databases"].values()})
    yield f"  {'PostgreSQL':<11} 127.0.0.1, port {', '.join(map(str, ports))}"
    yield ""
    yield f"  {'client':<20} {'role':<12} {'institution':<14} secret"
    for one in record["credentials"]:
        if one["role"] != "service":
            yield (
                f"  {one['client_id']:<20} {one['role']:<12} {one['institution_code'] or '-':<14}"
                f" {one['client_secret']}"
            )
    operator = next(one for one in record["credentials"] if one["role"] == "operator")
    body = json.dumps({name: operator[name] for name in ("client_id", "client_secret")})
    url = record["services"]["settlement"]["url"]
    yield ""
    yield "is it ready; a token, good for ten minutes; the first settlement as others hear of it:"
    yield f"  curl -s {url}/settlement/readyz"
    yield f"  TOKEN=$(curl -s {url}/settlement/v1/token -H 'Content-Type: application/json' \\"
    yield f"    -d '{body}' | sed 's/.*access_token\":\"\\([^\"]*\\).*/\\1/')"
    yield f"  curl -s '{url}/settlement/v1/events?topic=maternity.settlement.claim.v1&limit=1' \\"
    yield '    -H "Authorization: Bearer $TOKEN"'
    yield f"all of this is in {file}"
