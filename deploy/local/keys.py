"""The secrets of a set-up on one machine: made at its first start, kept in its data folder."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from joserfc.jwk import OKPKey

from deploy.local.private import write_private
from shared.plumbing.settings import DEMO


class Keys:
    """Named secrets in one file that only its owner may read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def signing_key(self, service: str) -> str:
        """The Ed25519 private key, PEM, that signs a service's tokens."""
        name = f"{service} signing key"
        if name not in self._kept:
            key = OKPKey.generate_key("Ed25519")
            self._keep(name, key.as_pem(private=True).decode())
        return self._kept[name]

    def field_key(self, service: str) -> str:
        """The key of a service's encrypted fields, marked as one that production refuses."""
        name = f"{service} field key"
        if name not in self._kept:
            self._keep(name, DEMO + secrets.token_hex(16))
        return self._kept[name]

    def client_secret(self, client_id: str) -> str:
        """The secret of a client; the same at all services that know it."""
        name = f"client {client_id}"
        if name not in self._kept:
            self._keep(name, secrets.token_urlsafe(24))
        return self._kept[name]

    def _keep(self, name: str, secret: str) -> None:
        self._kept[name] = secret
        write_private(self._file, json.dumps(self._kept, indent=1))
