"""A command whose database or broker cannot be asked says so in one line, and shows no secret."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import asyncpg
import pytest
import typer

from deploy.local.postgres import Postgres
from services.settlement.api.catalogue_command import COLUMNS
from shared.plumbing.asking import Asked, why
from tests.contracts.test_starts import SECRET, said, settings
from tests.support.postgres import ServiceDatabases
from tests.support.source import ROOT, SERVICES

RULE = str(ROOT / "services" / "audit" / "domain" / "rules" / "split-stay.1.toml")
DAYS = ("--since", "2024-01-01", "--until", "2024-02-01")
COMMANDS: dict[str, dict[tuple[str, ...], str]] = {
    "enrollment": {
        ("migrate",): "OWNER", ("credential", "c", "--role", "clerk"): "OWNER",
        ("rotate-keys",): "OWNER",
    },
    "settlement": {
        ("migrate",): "OWNER", ("credential", "c", "--role", "clerk"): "OWNER",
        ("retry-parked",): "SERVICE", ("reprice", *DAYS): "SERVICE",
    },
    "audit": {
        ("migrate",): "OWNER", ("credential", "c", "--role", "clerk"): "OWNER",
        ("retry-parked",): "SERVICE", ("watch",): "SERVICE",
        ("dry-run", RULE, "--pool", "000000", *DAYS): "SERVICE",
    },
}  # fmt: skip
"""Every command that asks a database, with the role by which it does."""
OTHERS = {"serve", "price", "score", "catalogue"}
"""Those that ask none; `serve` says it in its log, and `catalogue import` has a test of its own."""


def in_a_line(ended: CompletedProcess[str]) -> str:
    """What a command said; that it is one line, an end by 1 and without a secret is held here."""
    assert ended.returncode == 1, ended.stderr
    (line,) = (line for line in ended.stderr.splitlines() if line.strip())
    assert SECRET not in line
    return line


def addresses(service: str, dsn: str) -> dict[str, str]:
    """Settings of a service, all of whose roles have this address."""
    roles = {f"{role}_DSN": dsn for role in ("OWNER", "SERVICE", "GROUP")}
    return {
        name.replace("SETTLEMENT", service.upper()): value
        for name, value in settings(**roles).items()
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_command_is_tried(service: str) -> None:
    made: typer.Typer = importlib.import_module(f"services.{service}.__main__").commands
    named = {one.name for one in made.registered_commands}
    named |= {one.name for one in made.registered_groups}
    assert named - OTHERS == {command[0] for command in COMMANDS[service]}


@pytest.mark.parametrize(
    ("service", "command"), [(s, c) for s, commands in COMMANDS.items() for c in commands]
)
def test_where_nobody_answers(service: str, command: tuple[str, ...]) -> None:
    away = f"postgresql://somebody:{SECRET}@127.0.0.1:1/books?sslmode=prefer"
    line = in_a_line(said(f"services.{service}", *command, **addresses(service, away)))
    assert line == (
        "database books at 127.0.0.1:1 as somebody: nobody answers there (ConnectionRefusedError);"
        f" start PostgreSQL, or mend {service.upper()}_{COMMANDS[service][command]}_DSN"
    )


def test_a_catalogue_that_nobody_takes(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    item = {"item_code": "bed", "name": "床位费", "kind": "facility", "item_class": "a",
            "maternity": "yes", "start": "2020-01-01"}  # fmt: skip
    row = ",".join(item.get(column, "") for column in COLUMNS)
    file.write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-8")
    away = addresses("settlement", f"postgresql://somebody:{SECRET}@127.0.0.1:1/books")
    ended = said(
        "services.settlement", "catalogue", "import", str(file), "--pool", "000000", **away
    )
    assert ended.returncode == 1
    assert "nobody answers there" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture(scope="module")
def theirs(module_databases: ServiceDatabases) -> dict[str, str]:
    return module_databases("settlement")


@pytest.mark.parametrize(
    ("other", "amiss"),
    [
        ({"password": SECRET}, "the role or its password is refused"),
        ({"user": "nobody-known"}, "the role or its password is refused"),
        ({"database": "nowhere"}, "there is no such database"),
        ({"database": "postgres"}, "what is asked for is not in its schema"),
    ],
)
def test_what_is_amiss_with_an_address(
    theirs: dict[str, str], other: dict[str, str], amiss: str
) -> None:
    parts = urlsplit(theirs["owner"])
    user, password = other.get("user", parts.username), other.get("password", parts.password)
    database = other.get("database", parts.path[1:])
    dsn = f"postgresql://{user}:{password}@{parts.hostname}:{parts.port}/{database}"
    ended = said(
        "services.settlement", "credential", "c", "--role", "clerk", **addresses("settlement", dsn)
    )
    line = in_a_line(ended)
    assert line.startswith(f"database {database} at {parts.hostname}:{parts.port} as {user}: ")
    assert amiss in line
    assert str(password) not in line
    assert "traceback" not in line.lower()


@pytest.mark.parametrize("command", [("migrate",), ("credential", "c", "--role", "clerk")])
def test_a_role_that_may_not(postgres: Postgres, command: tuple[str, ...]) -> None:
    """Of an empty database, where it may neither make what it asks for nor read it."""
    dsn = postgres.service_database("settlement", "without_rights", template=None)["service"]
    line = in_a_line(said("services.settlement", *command, **addresses("settlement", dsn)))
    assert "has no right" in line or "not in its schema" in line
    assert ("grant it" in line) == (command == ("migrate",))


@pytest.mark.parametrize("password", ["se#cr", "se/cr", "s:e#c"])
def test_of_a_password_that_is_no_part_of_an_address_nothing_is_shown(password: str) -> None:
    dsn = f"postgresql://o:{password}{SECRET}@127.0.0.1:1/settlement"
    line = in_a_line(said("services.settlement", "migrate", **addresses("settlement", dsn)))
    assert "no address of PostgreSQL" in line
    assert password not in line


def test_a_fault_of_our_own_is_no_matter_of_the_database() -> None:
    asked = Asked("postgresql://o@h/d", "NAME")
    assert why(BrokenPipeError(), asked) is None
    by_socket = Asked("postgresql:///d?host=/run/postgresql", "NAME")
    assert why(ValueError("of a file that is read"), by_socket) is None
    assert why(asyncpg.InterfaceError(""), asked) is not None


def test_verify_says_whom_it_cannot_ask(theirs: dict[str, str], tmp_path: Path) -> None:
    away = f"postgresql://somebody:{SECRET}@127.0.0.1:1/books"
    for databases, amiss in (
        ({"enrollment": away}, "databases.enrollment of"),
        ({"enrollment": theirs["owner"], "settlement": theirs["owner"] + "x"}, "no such database"),
        ({}, "is no run file"),
    ):
        file = tmp_path / "run.json"
        file.write_text(json.dumps({"databases": databases}))
        line = in_a_line(said("deploy.verify", "--run", str(file)))
        assert amiss in line


def test_verify_and_topics_say_which_broker_does_not_answer(
    theirs: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "run.json"
    whole = dict.fromkeys(SERVICES, theirs["owner"])
    file.write_text(json.dumps({"databases": whole, "kafka": "127.0.0.1:1"}))
    for command in (("deploy.topics", "--bootstrap", "127.0.0.1:1"),
                    ("deploy.verify", "--run", str(file))):  # fmt: skip
        ended = said(*command)
        last = [line for line in ended.stderr.splitlines() if line.startswith("broker at")]
        assert ended.returncode == 1
        assert re.fullmatch(
            r"broker at 127\.0\.0\.1:1: nobody answers there \(\w+\); start it, or mend .+",
            last[0],
        )
        assert "Traceback" not in ended.stderr


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    for dsn, shown in (
        (f"postgresql://o:{SECRET}@h:5432/d?password={SECRET}", "database d at h:5432 as o"),
        ("postgresql://o@h1:1,h2:2/d-1", "database d-1 at h1:1,h2:2 as o"),
        ("postgres://o@[::1]:5432/d", "database d at [::1]:5432 as o"),
        ("postgresql:///d?host=/run/postgresql", "database ? at ? as ?"),
        (SECRET, "database ? at ? as ?"),
        (f"postgresql://o:a/{SECRET}@h/d", "database ? at ? as ?"),
        (f"postgresql://o:a@{SECRET}@h/d", "database ? at ? as ?"),
        (f"postgresql://o:{SECRET}?b@h/d", "database ? at ? as ?"),
    ):
        assert str(Asked(dsn, "")).startswith(shown)
        assert SECRET not in str(Asked(dsn, ""))
