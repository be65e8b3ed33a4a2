"""Certificates as files: a key behind a pass phrase is refused without asking for it, and brokers
are shown the service's own certificate whomever it trusts."""

from __future__ import annotations

import os
import pty
import select
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs

from shared.plumbing.settings import Settings
from shared.plumbing.tls import Certificate, serving, to_brokers, trusting
from tests.faults.certificates import GOOD, HOST, Papers
from tests.support.running import settings_for
from tests.support.source import ROOT

PHRASE = b"not-to-be-asked-for"
SECONDS = 60
"""A start of Python on a busy machine; who waits at the terminal waits for ever."""
# The first terminal that the leader of a session opens is the one at which OpenSSL asks.
AT_A_TERMINAL = """
import os, ssl, sys
from pathlib import Path
os.open(sys.argv[1], os.O_RDWR)
from shared.plumbing.tls import Certificate
certificate = Certificate(Path(sys.argv[2]), Path(sys.argv[3]))
try:
    certificate.shown_by(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    made = Papers(tmp_path / "papers")
    made.issue(GOOD)
    return made


def guard(key: Path) -> None:
    """Put the key behind a pass phrase."""
    plain = load_pem_private_key(key.read_bytes(), None)
    guarded = plain.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PHRASE)
    )
    assert b"ENCRYPTED" in guarded
    key.write_bytes(guarded)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[bytes, bytes | None]:
    """The certificates that the client and the server were shown. Raises SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    serves = server.wrap_bio(to_server, to_client, server_side=True)
    calls = client.wrap_bio(to_client, to_server, server_hostname=HOST)
    waiting = [calls, serves]
    while waiting:
        for one in list(waiting):
            try:
                one.do_handshake()
                waiting.remove(one)
            except ssl.SSLWantReadError:
                continue
    shown = calls.getpeercert(binary_form=True)
    assert shown is not None
    return shown, serves.getpeercert(binary_form=True)


def test_a_pass_phrase_is_never_asked_for_at_the_terminal(papers: Papers) -> None:
    guard(papers.certificate.key)
    ours, theirs = pty.openpty()
    files = (str(papers.certificate.chain), str(papers.certificate.key))
    try:
        done = subprocess.run(
            [sys.executable, "-c", AT_A_TERMINAL, os.ttyname(theirs), *files],
            cwd=ROOT, stdin=theirs, capture_output=True, text=True, timeout=SECONDS,
            start_new_session=True, check=False,
        )  # fmt: skip
        asked, _, _ = select.select([ours], [], [], 0)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout == "SSLError\n", done.stderr
    assert not asked


def test_a_key_behind_a_pass_phrase_leaves_the_last_certificate_and_one_line(
    papers: Papers,
) -> None:
    server, client = serving("settlement", papers.certificate), trusting(papers.authorities)
    first, _ = handshake(server, client)
    papers.issue(GOOD)
    guard(papers.certificate.key)
    with capture_logs() as said:
        assert [handshake(server, client)[0] for _ in range(3)] == [first] * 3
    assert [line["event"] for line in said] == ["certificate not usable"]
    papers.issue(GOOD)
    with capture_logs() as said:
        assert handshake(server, client)[0] != first
    assert [line["event"] for line in said] == ["certificate renewed"]


def test_a_service_does_not_start_on_a_key_behind_a_pass_phrase(papers: Papers) -> None:
    guard(papers.certificate.key)
    with pytest.raises(OSError, match=r"(?i)password|decrypt|pass ?phrase|PEM"):
        serving("settlement", papers.certificate)


def speaks_tls(folder: Path, shows: Certificate, authorities: Path | None) -> Settings:
    nowhere = dict.fromkeys(("owner", "service", "group"), "postgresql://nobody@127.0.0.1:1/d")
    return settings_for(
        nowhere, folder, tls_certificate=shows.chain, tls_key=shows.key,
        tls_authorities=authorities,
    )  # fmt: skip


def asks_for_a_certificate(papers: Papers) -> ssl.SSLContext:
    """How a broker serves that lets in nobody without one."""
    context = papers.certificate.shown_by(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(papers.authorities)
    return context


@pytest.mark.parametrize("named", [True, False])
def test_a_broker_is_shown_the_services_certificate(
    papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """Also where no authorities are named: then the machine's own are trusted."""
    if not named:
        monkeypatch.setenv("SSL_CERT_FILE", str(papers.authorities))
    settings = speaks_tls(tmp_path, papers.certificate, papers.authorities if named else None)
    leaf = ssl.PEM_cert_to_DER_cert(papers.certificate.chain.read_text())
    shown, ours = handshake(asks_for_a_certificate(papers), to_brokers(settings))
    assert (shown, ours) == (leaf, leaf)


def test_a_broker_that_asks_for_none_is_reached_without_a_usable_one(
    papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.authorities))
    ours = Papers(tmp_path / "ours")
    ours.issue(GOOD)
    guard(ours.certificate.key)
    broker = papers.certificate.shown_by(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    with capture_logs() as said:
        context = to_brokers(speaks_tls(tmp_path, ours.certificate, None))
    assert [(line["event"], line["to"]) for line in said] == [("certificate not usable", "brokers")]
    assert handshake(broker, context)[1] is None
    with pytest.raises(ssl.SSLError):
        handshake(asks_for_a_certificate(papers), context)


def test_a_broker_of_another_authority_is_not_trusted(
    papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Papers(tmp_path / "others")
    monkeypatch.setenv("SSL_CERT_FILE", str(others.authorities))
    context = to_brokers(speaks_tls(tmp_path, papers.certificate, None))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(asks_for_a_certificate(papers), context)
