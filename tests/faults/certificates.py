"""Certificates of an authority of a test's own, and a way that speaks TLS where nobody here does."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from shared.plumbing.tls import Certificate
from tests.faults.proxy import Proxy

GOOD, PAST = timedelta(days=30), timedelta(days=-1)
HOST = "127.0.0.1"
# What a PostgreSQL client says first: eight bytes, and the number that asks for TLS.
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


class Papers:
    """An authority, and one certificate of this machine by it, renewed in place."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._authority = trustme.CA()
        self.authorities = folder / "authorities.pem"
        self._authority.cert_pem.write_to_path(self.authorities)
        self.certificate = Certificate(folder / "certificate.pem", folder / "key.pem")

    def issue(self, good_for: timedelta) -> None:
        """Put another certificate and key in the place of the last ones."""
        leaf = self._authority.issue_cert(HOST, not_after=datetime.now(UTC) + good_for)
        (chain,) = leaf.cert_chain_pems
        for pem, file in ((leaf.private_key_pem, self.certificate.key),
                          (chain, self.certificate.chain)):  # fmt: skip
            written = file.with_suffix(".new")
            pem.write_to_path(written)
            written.replace(file)

    def settings(self, service: str, *, serves: bool) -> dict[str, str]:
        """A service's settings that name these files."""
        named = {"AUTHORITIES": self.authorities}
        if serves:
            named |= {"CERTIFICATE": self.certificate.chain, "KEY": self.certificate.key}
        return {f"{service.upper()}_TLS_{name}": str(file) for name, file in named.items()}


@dataclass
class TlsGate(Proxy):
    """A way to another port on which callers speak TLS: by the certificate as it is when each comes.

    With `of_postgres` a caller first asks in plain words for TLS, as PostgreSQL's clients do.
    """

    papers: Papers | None = None
    of_postgres: bool = False

    async def _join(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        assert self.papers is not None
        try:
            if self.of_postgres:
                assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
                near.write(b"S")
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            await near.start_tls(self.papers.certificate.shown_by(context))
        except (OSError, EOFError):  # who does not trust it goes away
            near.transport.abort()
            return
        await super()._join(reader, near)
