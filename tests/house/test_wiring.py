"""Nothing hangs in the air: every topic has a writer and a reader, every setting is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from deploy.topics import topics
from shared.contracts.register import CONTRACTS
from shared.plumbing.migrate import migration_config
from shared.plumbing.settings import Settings
from tests.support.source import ROOT, built_services, python_files


def imported_contracts(folder: Path) -> set[str]:
    """Names that the files of a room import from shared.contracts."""
    return {
        alias.name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared.contracts")
        for alias in node.names
    }


def topics_in(service: str, room: str) -> set[str]:
    """The topics whose contracts a room of a service uses."""
    names = imported_contracts(ROOT / "services" / service / room)
    return {contract.topic for contract in CONTRACTS if contract.__name__ in names}


def test_every_topic_has_a_writer_and_its_readers() -> None:
    built = built_services()
    silent = [
        topic.name
        for topic in topics()
        if topic.owner in built and not topic.name.endswith(".dlq")
        if topic.name not in topics_in(topic.owner, "told")
    ]
    deaf = [
        group
        for topic in topics()
        for group in topic.groups
        if group.partition("-")[0] in built
        if topic.name not in topics_in(group.partition("-")[0], "heard")
    ]
    assert (silent, deaf) == ([], [])


def test_a_topic_that_nobody_here_hears_says_why() -> None:
    """The exception is written where the topic is; one that has a reader has none to make."""
    told = [topic for topic in topics() if not topic.name.endswith(".dlq")]
    assert [topic.name for topic in told if bool(topic.groups) == bool(topic.unheard_because)] == []
    unheard = [topic.name for topic in told if topic.unheard_because]
    assert unheard == ["maternity.settlement.allowance.v1"]


def test_every_topic_told_or_heard_is_created() -> None:
    created = {topic.name: topic for topic in topics()}
    assert {contract.topic for contract in CONTRACTS} <= created.keys()
    for service in built_services():
        for name in topics_in(service, "told"):
            assert created[name].owner == service
        for name in topics_in(service, "heard"):
            # The consumer's name, and so its dead letters, follow from service and aggregate.
            assert f"{service}-{name.split('.')[2]}" in created[name].groups


def test_every_event_type_is_told_by_its_service() -> None:
    built = built_services()
    untold = [
        contract.__name__
        for contract in CONTRACTS
        if (owner := contract.type.split(".")[0]) in built
        if contract.__name__ not in imported_contracts(ROOT / "services" / owner / "told")
    ]
    assert not untold


@pytest.mark.skipif("settlement" not in built_services(), reason="settlement is not built")
def test_every_setting_is_used() -> None:
    used = {
        node.attr
        for path in python_files("services", "shared")
        if path.name != "settings.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    # The mode is asked in the settings themselves: production refuses the demo's keys.
    assert not set(Settings.model_fields) - used - {"mode"}


@pytest.mark.parametrize("service", built_services())
def test_one_migration_head(service: str) -> None:
    heads = ScriptDirectory.from_config(migration_config(service)).get_heads()
    assert len(heads) == 1


@pytest.mark.parametrize("service", built_services())
def test_what_serves_loads_no_migrations(service: str) -> None:
    """They took a third of the start after a kill."""
    asked = (
        f"import sys, services.{service}.__main__\n"
        "print({'alembic', 'sqlalchemy'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "set()\n"
