"""TLS: whom a service trusts, and by what certificate it is known.

All are PEM files that are renewed in place. What is opened later takes the files as they are then;
connections that are open go on.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509

from shared.plumbing.metrics import show_certificate_end
from shared.plumbing.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Certificate:
    """A certificate with its chain, and its private key, which no pass phrase guards."""

    chain: Path
    key: Path

    def stamp(self) -> tuple[int, int]:
        """Differs where one of the files was renewed. Raises OSError."""
        return self.chain.stat().st_mtime_ns, self.key.stat().st_mtime_ns

    def shown_by(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The context, which shows it from now on. Raises OSError where that cannot be."""
        context.load_cert_chain(self.chain, self.key)
        return context

    def ends_at(self) -> float:
        """Until when it is good, as a Unix time in seconds. Raises OSError, ValueError."""
        leaf = x509.load_pem_x509_certificate(self.chain.read_bytes())
        return leaf.not_valid_after_utc.timestamp()


def certificate_of(settings: Settings) -> Certificate | None:
    """By what a service is known, where it is by any."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_certificate, settings.tls_key)


def trust_of(settings: Settings) -> ssl.SSLContext:
    """For a service's calls to its peers and to the broker, by the files as they are now. Raises
    OSError."""
    return trusting(settings.tls_authorities, certificate_of(settings))


def trusting(authorities: Path | None, shown: Certificate | None = None) -> ssl.SSLContext:
    """For calls to others: they must be certified by these authorities, else by the machine's own,
    for the name under which they are called; to who asks, `shown` is shown. Raises OSError."""
    context = ssl.create_default_context(cafile=authorities)
    return shown.shown_by(context) if shown else context


def trusting_nobody() -> ssl.SSLContext:
    """For who calls nobody by TLS."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def serving(service: str, certificate: Certificate) -> ssl.SSLContext:
    """For calls from others. Each handshake takes the files as they are: a renewed certificate
    needs no restart, and one that cannot be used leaves the last one, and a line in the log. Raises
    OSError, ValueError where the first cannot be used."""
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
        self.context = self._read()

    def renewed(self) -> ssl.SSLContext:
        """By what the next caller is served."""
        try:
            stamp = self._certificate.stamp()
            if stamp != self._stamp:
                self._stamp = stamp  # first: what cannot be used is tried once
                self.context = self._read()
                log.info("certificate renewed", service=self._service)
        except (OSError, ValueError) as error:
            log.error("certificate not usable", service=self._service, error=type(error).__name__)
        return self.context

    def _read(self) -> ssl.SSLContext:
        ends_at = self._certificate.ends_at()
        context = self._certificate.shown_by(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
        show_certificate_end(self._service, ends_at)
        return context
