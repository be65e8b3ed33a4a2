"""docker-compose.yml starts what there is, with settings that are read and secrets that are given.

Held against the code alone, since no Docker runs where the tests run. What its database begins with
is tried in tests/faults/test_compose_roles.py, what an image holds in test_images.py.
"""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
from starlette.routing import Route
from typer.core import TyperGroup

from deploy.local import distributed
from deploy.local.keys import Keys
from deploy.local.site import SERVICES, Site
from shared.plumbing import tracing
from shared.plumbing.settings import Settings, read_settings
from tests.support.compose import ASKED, FILE, NotSet, environment, filled, given_secrets, services
from tests.support.running import KEY
from tests.support.source import ROOT

COMPOSE = services()
BUILT = {name: entry for name, entry in COMPOSE.items() if "build" in entry}
OURS = {name: entry for name, entry in BUILT.items() if "SERVICE" in entry["build"].get("args", {})}
GIVEN = given_secrets() | {f"{service.upper()}_SIGNING_KEY": KEY for service in SERVICES}


def _of(name: str) -> str:
    service: str = OURS[name]["build"]["args"]["SERVICE"]
    return service


def _settings(name: str, patch: pytest.MonkeyPatch) -> Settings:
    for variable, value in environment(name, GIVEN).items():
        patch.setenv(variable, value)
    return read_settings(_of(name))


def _words(name: str) -> list[str]:
    """What the service runs: its own command, or the one of its image."""
    said = OURS[name].get("command")
    if said is None:
        image = (ROOT / OURS[name]["build"]["dockerfile"]).read_text(encoding="utf-8")
        (shell,) = re.findall(r'^CMD \["sh", "-c", "exec (.*)"\]$', image, re.M)
        said = shell.replace("$SERVICE", _of(name)).split()
    return list(said)


def _secret_settings() -> list[str]:
    fields = Settings.model_fields.items()
    return [name for name, field in fields if "SecretStr" in str(field.annotation)]


@pytest.mark.parametrize("name", BUILT)
def test_what_is_built_has_its_image_and_its_libraries(name: str) -> None:
    build = BUILT[name]["build"]
    image = Path(build["dockerfile"])
    assert (build["context"], image.parent) == (".", Path("deploy/images"))
    text = (ROOT / image).read_text(encoding="utf-8")
    arguments = build.get("args", {})
    assert arguments.keys() <= set(re.findall(r"^ARG (\w+)", text, re.M))
    assert (ROOT / "requirements" / f"{arguments.get('LIBRARIES', 'service')}.txt").exists()
    assert arguments.get("SERVICE", SERVICES[0]) in SERVICES


@pytest.mark.parametrize("name", OURS)
def test_a_command_is_one_of_the_services_own(name: str) -> None:
    python, option, module, word, *options = _words(name)
    assert (python, option, module) == ("python", "-m", f"services.{_of(name)}")
    commands = importlib.import_module(f"{module}.__main__").commands
    group = typer.main.get_command(commands)
    assert isinstance(group, TyperGroup)
    group.commands[word].make_context(word, options)  # exits where an option is none


def test_what_serves_is_started_in_the_words_of_the_launcher_without_docker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[list[str]] = []

    def note(command: list[str], **_: Any) -> None:
        started.append(command[command.index("-m") :])

    monkeypatch.setattr(subprocess, "Popen", note)
    dsns = dict.fromkeys(("owner", "service", "group"), "postgresql://")
    site = Site(
        tmp_path, dict.fromkeys(SERVICES, dsns), dict.fromkeys(SERVICES, "http://127.0.0.1:1"),
        Keys(tmp_path / "keys.json"), "127.0.0.1:1",
    )  # fmt: skip
    for service in SERVICES:
        distributed.start_service(site, service)
    distributed.start_watch(site)
    serving = [_words(name)[1:] for name in OURS if not name.endswith("-migrate")]
    assert sorted(serving) == sorted(started)
    # The launcher migrates within its own process.
    assert [_words(f"{service}-migrate")[3:] for service in SERVICES] == [["migrate"]] * 3


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_all_together_are_accepted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = f"{_of(name).upper()}_"
    for variable in environment(name, GIVEN):
        if variable.startswith(prefix):
            assert variable.removeprefix(prefix).lower() in Settings.model_fields, variable
        else:
            assert variable in Path(tracing.__file__).read_text(encoding="utf-8"), variable
    settings = _settings(name, monkeypatch)
    assert (settings.mode, settings.bus) == ("production", "kafka")
    # Who is asked is a service of the file, at the port that it serves.
    for peer, address in settings.peers.items():
        assert address == f"http://{peer}:{settings.port}"
        assert peer in OURS
    assert settings.kafka == environment("topics", GIVEN)["KAFKA_BOOTSTRAP"]
    listens = COMPOSE["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert listens == f"PLAINTEXT://{settings.kafka}"


def test_the_topics_job_reads_what_it_is_given() -> None:
    read = (ROOT / "deploy" / "topics.py").read_text(encoding="utf-8")
    assert all(f'"{variable}"' in read for variable in COMPOSE["topics"]["environment"])


@pytest.mark.parametrize("name", OURS)
def test_a_secret_has_no_default(name: str) -> None:
    """Nor is it written here: it is asked for, and where it may be absent it is empty."""
    written = OURS[name]["environment"]
    for setting in _secret_settings():
        value = written.get(f"{_of(name).upper()}_{setting}".upper())
        if value is None:
            continue
        asked = list(ASKED.finditer(value))
        assert len(asked) == 1, setting
        empty = setting == "body_key" and (asked[0]["kind"], asked[0]["rest"]) == ("-", "")
        assert asked[0]["kind"] == "?" or empty, setting
        around = ASKED.sub("", value)
        if around:  # an address, whose password is what is asked for
            assert urlsplit(filled(value, GIVEN)).password == GIVEN[asked[0]["name"]]


def test_a_password_of_the_database_has_no_default() -> None:
    written = COMPOSE["postgres"]["environment"]
    passwords = {key: value for key, value in written.items() if key.endswith("_PASSWORD")}
    assert len(passwords) == 1 + 3 * len(SERVICES)
    for key, value in passwords.items():
        found = ASKED.fullmatch(value)
        assert found is not None, key
        assert (found["name"], found["kind"]) == (key, "?")


def test_nothing_starts_without_its_secrets_and_the_example_lists_them_empty() -> None:
    for name in GIVEN:
        with pytest.raises(NotSet, match=name):
            filled(FILE.read_text(encoding="utf-8"), {**GIVEN, name: ""})
    example = (ROOT / "deploy" / "compose" / "example.env").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^(\w+)=(.*)$", example, re.M))
    assert GIVEN.keys() <= listed.keys()
    assert {value for name, value in listed.items() if name in GIVEN} == {"", "{}"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_health_check_asks_an_address_that_the_service_has(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(service, monkeypatch)
    assert settings.host == "0.0.0.0"  # noqa: S104 - within its container
    test = COMPOSE[service]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-c"]
    (found,) = re.findall(r"urlopen\('([^']+)'", test[3])
    address = urlsplit(found)
    assert (address.hostname, address.port) == ("127.0.0.1", settings.port)
    on_this_machine = settings.model_copy(update={"library": None})  # else a folder of the image
    app = importlib.import_module(f"services.{service}.main").create_app(on_this_machine)
    assert address.path in {route.path for route in app.routes if isinstance(route, Route)}
    (port,) = COMPOSE[service]["ports"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(f":{settings.port}")
    compile(test[3], "health check", "exec")


@pytest.mark.parametrize("name", OURS)
def test_what_is_written_outside_the_database_lies_in_a_volume(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(name, monkeypatch)
    mounted = [filled(one, GIVEN).split(":") for one in OURS[name].get("volumes", [])]
    if name in SERVICES:
        assert str(settings.anchor_file.parent) in {place[1] for place in mounted}
    for source, *_ in mounted:
        assert not source.startswith(".") or (ROOT / source).exists(), source
