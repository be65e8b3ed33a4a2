"""What cannot start says why, in words, and shows no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.plumbing.settings import DEMO, read_settings

SECRET = "not-to-be-shown"
WHOLE = {
    "OWNER_DSN": f"postgresql://o:{SECRET}@h/d", "SERVICE_DSN": f"postgresql://s:{SECRET}@h/d",
    "GROUP_DSN": f"postgresql://g:{SECRET}@h/d", "SIGNING_KEY": SECRET, "FIELD_KEY": "0" * 32,
    "ANCHOR_FILE": "anchors",
}  # fmt: skip


def settings(**more: str) -> dict[str, str]:
    """All that settlement starts with, a key that can sign among it, and more."""
    key = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    whole = {**WHOLE, "SIGNING_KEY": key.decode(), **more}
    return {f"SETTLEMENT_{name}": value for name, value in whole.items()}


def said(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], check=False, text=True, capture_output=True, timeout=60,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All that a service needs, in its environment."""
    for name, value in WHOLE.items():
        monkeypatch.setenv(f"SETTLEMENT_{name}", value)
    return monkeypatch


@pytest.mark.parametrize("service", ["enrollment", "settlement", "audit"])
def test_a_service_without_its_settings_names_them_and_shows_none(service: str) -> None:
    prefix = service.upper()
    some = {f"{prefix}_{name}": value for name, value in WHOLE.items() if name.endswith("_DSN")}
    ended = said(f"services.{service}", "serve", **some)
    assert ended.returncode == 1
    assert f"{prefix}_FIELD_KEY: Field required; {prefix}_ANCHOR_FILE: Field" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert SECRET not in ended.stderr


@pytest.mark.parametrize("mode", ["production", None])
def test_demo_keys_refuse_to_start_in_production(
    given: pytest.MonkeyPatch, mode: str | None
) -> None:
    given.setenv("SETTLEMENT_FIELD_KEY", DEMO + "7" * 32)
    if mode is not None:
        given.setenv("SETTLEMENT_MODE", mode)
    with pytest.raises(SystemExit, match="demo keys refuse to start in production") as ended:
        read_settings("settlement")
    assert "7777" not in str(ended.value)


def test_they_start_where_it_is_said_to_be_a_demo(given: pytest.MonkeyPatch) -> None:
    given.setenv("SETTLEMENT_FIELD_KEY", DEMO + "7" * 32)
    given.setenv("SETTLEMENT_MODE", "demo")
    assert read_settings("settlement").mode == "demo"


def test_a_map_that_is_none_is_named_and_not_shown(given: pytest.MonkeyPatch) -> None:
    given.setenv("SETTLEMENT_PEER_SECRETS", SECRET)
    with pytest.raises(SystemExit, match="peer_secrets") as ended:
        read_settings("settlement")
    assert SECRET not in str(ended.value)


def test_a_certificate_without_its_key_is_named(given: pytest.MonkeyPatch) -> None:
    given.setenv("SETTLEMENT_TLS_KEY", "key.pem")
    with pytest.raises(SystemExit, match=r"SETTLEMENT_\*: .*TLS_KEY are set together"):
        read_settings("settlement")


@pytest.mark.parametrize(
    "named",
    [
        {"TLS_AUTHORITIES": "nowhere.pem"},
        {"TLS_CERTIFICATE": "nowhere.pem", "TLS_KEY": "nowhere.pem"},
        {"TLS_CERTIFICATE": __file__, "TLS_KEY": __file__},
    ],
)
def test_a_service_whose_certificate_cannot_be_used_does_not_start(named: dict[str, str]) -> None:
    ended = said("services.settlement", "serve", **settings(**named))
    assert ended.returncode == 1
    assert f"SETTLEMENT_{', SETTLEMENT_'.join(named)}: cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_start_that_fails_names_the_error_and_settings_that_nothing_reads() -> None:
    """The database is away: the error's type is said and which database, never a secret."""
    away = f"postgresql://s:{SECRET}@127.0.0.1:1/d"
    ended = said("services.settlement", "serve",
                 **settings(SERVICE_DSN=away, TLS_CERT=SECRET))  # fmt: skip
    assert ended.returncode != 0
    lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    assert [line["names"] for line in lines if "names" in line] == [["SETTLEMENT_TLS_CERT"]]
    assert [line["error"] for line in lines if line["event"].startswith("Traceback")] == [
        "ConnectionRefusedError"
    ]
    (why,) = (line["why"] for line in lines if line["event"] == "cannot start")
    assert why.startswith("database d at 127.0.0.1:1 as s: nobody answers there")
    assert SECRET not in ended.stderr


@pytest.mark.parametrize(
    "amiss", [{"SEED": "some"}, {"SEED": "-5"}, {"PORT": "eight"}, {"PORT": "70000"}]
)
def test_make_run_says_what_its_wishes_may_be(amiss: dict[str, str]) -> None:
    ended = said("deploy.local", "run", **amiss)
    assert ended.returncode == 2
    assert ended.stderr == "PORT is a number, SEED a number of births or `none`\n"
