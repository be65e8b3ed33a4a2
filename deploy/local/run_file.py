"""run.json: how a tool, or a person, finds what runs here. Its form is a contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.local.private import write_private


def write_run_file(file: Path, record: Mapping[str, Any]) -> None:
    """Write the run file; it holds secrets, so only its owner may read it."""
    write_private(file, json.dumps(record, indent=1) + "\n")


def run_table(record: Mapping[str, Any], file: Path) -> Iterable[str]:
    """What is said when all is up: addresses, keys, and a first command."""
    for name, entry in record["services"].items():
        yield f"  {name:<11} {entry['url']}/{name}/openapi.json   (pid {entry['pid']})"
    yield ""
    yield f"  {'client':<20} {'role':<12} {'institution':<14} secret"
    for one in record["credentials"]:
        if one["role"] != "service":
            yield (
                f"  {one['client_id']:<20} {one['role']:<12} {one['institution_code'] or '-':<14}"
                f" {one['client_secret']}"
            )
    first = record["credentials"][0]
    body = json.dumps({name: first[name] for name in ("client_id", "client_secret")})
    yield ""
    yield "a token, good for ten minutes:"
    yield f"  curl -s {record['url']}/settlement/v1/token \\"
    yield f"    -H 'Content-Type: application/json' -d '{body}'"
    yield f"all of this is in {file}"
