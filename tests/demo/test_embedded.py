"""`make run`'s one server: who calls is who is connected, and what is taken stays its holder's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.embedded import bind, server_of
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from tests.support.source import ROOT


async def _who(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the caller's address."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


async def test_a_caller_does_not_choose_its_address() -> None:
    """By X-Forwarded-For it would choose a hospital's private line."""
    config = server_of(_who).config
    config.load()
    through: Any = config.loaded_app
    transport = httpx.ASGITransport(through, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://local") as caller:
        answer = await caller.get("/", headers={"X-Forwarded-For": "10.1.2.3"})
    assert answer.text == "127.0.0.1"


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was told of the first may bind it only seconds later."""
    drawn = iter((5000, 5000, 5001))
    monkeypatch.setattr("deploy.local.ports.secrets.randbelow", lambda _: next(drawn))
    monkeypatch.setattr("deploy.local.ports.is_free", lambda _: True)
    assert free_port() != free_port()


def test_a_free_port_is_taken_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with bind(port) as listener:
        assert listener.getsockname() == ("127.0.0.1", port)
        assert _listens(port)
    assert capsys.readouterr().out == ""


def test_a_run_that_starts_keeps_its_port_and_the_next_one_says_where_it_went(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first serves nobody yet: a new folder's migrations come between."""
    with bind(free_port()) as first:
        port = first.getsockname()[1]
        with bind(port) as second:
            next_free = second.getsockname()[1]
            assert port < next_free < port + 100
            assert all(_listens(passed) for passed in range(port, next_free))
    assert capsys.readouterr().out == f"port {port} is taken; using {next_free}\n"


def test_a_run_on_a_folder_in_use_is_refused_in_words(tmp_path: Path) -> None:
    """And takes nothing from the run that uses it: neither its run file nor its data."""
    run_file = tmp_path / "run.json"
    run_file.write_text("of the other run")
    settings = {"DATA_DIR": str(tmp_path), "PORT": str(free_port()), "SEED": "none"}
    with Postgres(tmp_path / "postgres", buffers_mb=128) as others:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert Path(f"/proc/{others.pid}").exists()
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path / 'postgres'} is in use by another running instance: stop it, "
        "or choose another folder\n"
    )
    assert done.stdout == ""
    assert run_file.read_text() == "of the other run"
