"""TLS: whom a service trusts, and by what certificate it is known.

All are PEM files that are renewed in place. What is opened later takes the files as they are then;
connections that are open go on.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from shared.plumbing.metrics import show_certificate_end
from shared.plumbing.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Certificate:
    """A certificate with its chain, and its private key, which no pass phrase guards."""

    chain: Path
    key: Path

    def stamp(self) -> tuple[int, ...]:
        """Differs where one of the files was renewed. Raises OSError."""
        found = self.chain.stat(), self.key.stat()
        return tuple(n for one in found for n in (one.st_mtime_ns, one.st_size, one.st_ino))

    def shown_by(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The context, which shows it from now on. Raises OSError where that cannot be."""
        # Without a pass phrase named here OpenSSL would ask at the terminal, and all else wait.
        context.load_cert_chain(self.chain, self.key, password="")
        return context

    def ends_at(self) -> float:
        """Until when it is good, as a Unix time in seconds. Raises OSError, ValueError."""
        try:
            leaf = x509.load_pem_x509_certificate(self.chain.read_bytes())
        except (x509.InvalidVersion, UnsupportedAlgorithm) as error:
            raise ValueError("no certificate as we take it") from error
        return leaf.not_valid_after_utc.timestamp()


def certificate_of(settings: Settings) -> Certificate | None:
    """By what a service is known, where it is by any."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_certificate, settings.tls_key)


def trusting(authorities: Path | None) -> ssl.SSLContext:
    """For calls to others: they must be certified by these authorities, else by the machine's own,
    for the name under which they are called. Raises OSError."""
    return ssl.create_default_context(cafile=authorities)


def to_brokers(settings: Settings) -> ssl.SSLContext:
    """For calls to brokers, by the files as they are now. Those that ask for a certificate are
    shown the service's own, while it can be used. Raises OSError."""
    context, shown = trusting(settings.tls_authorities), certificate_of(settings)
    try:
        return shown.shown_by(context) if shown else context
    except OSError as error:
        log.error("certificate not usable", to="brokers", error=type(error).__name__)
        return trusting(settings.tls_authorities)


def trusting_nobody() -> ssl.SSLContext:
    """For who calls nobody by TLS."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def serving(service: str, certificate: Certificate) -> ssl.SSLContext:
    """For calls from others. Each handshake takes the files as they are: a renewed certificate
    needs no restart; one that cannot be used, or has ended while the last one has not, leaves that,
    and a line in the log. Raises OSError, ValueError where the first cannot be used."""
    kept = _Kept(service, certificate)
    first = kept.context

    def on_hello(asking: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        asking.context = kept.renewed()

    first.sni_callback = on_hello
    return first


class _Kept:
    """The last certificate that could be used."""

    def __init__(self, service: str, certificate: Certificate) -> None:
        self._service = service
        self._certificate = certificate
        self._stamp = certificate.stamp()
        self._ends_at = 0.0
        self.context = self._read()

    def renewed(self) -> ssl.SSLContext:
        """By what the next caller is served."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return self.context
        self._stamp = stamp  # first: what cannot be used is tried, and said, once
        try:
            self.context = self._read()
            log.info("certificate renewed", service=self._service)
        except (OSError, ValueError) as error:
            log.error("certificate not usable", service=self._service, error=type(error).__name__)
        return self.context

    def _stamp_now(self) -> tuple[int, ...]:
        try:
            return self._certificate.stamp()
        except OSError:  # none is there
            return ()

    def _read(self) -> ssl.SSLContext:
        ends_at = self._certificate.ends_at()
        if ends_at <= time.time() < self._ends_at:
            raise ValueError("it has ended, and the last one has not")
        context = self._certificate.shown_by(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
        self._ends_at = ends_at
        show_certificate_end(self._service, ends_at)
        return context
