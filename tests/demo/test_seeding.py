"""`make run` on a new folder: the demo is made, also after an interruption, and all of it holds."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.demo.seeding import wanted
from deploy.local.demo.town import read_town
from deploy.local.postgres import free_port
from tests.support.source import ROOT

BIRTHS = 120
START_SECONDS_MAX = 240


class House:
    """`deploy.local run` in a folder, as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "run"],
                cwd=ROOT,
                env=os.environ
                | {"DATA_DIR": str(folder), "PORT": str(free_port()), "SEED": str(BIRTHS)},
                stdout=log,
                stderr=log,
            )

    def wait_until_said(self, pattern: str) -> str:
        """Wait until the log says something; returns the whole log."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not re.search(pattern, said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        return said

    def run_record(self) -> dict[str, dict[str, str]]:
        """run.json."""
        record: dict[str, dict[str, str]] = json.loads((self.folder / "run.json").read_text())
        return record

    def end(self, number: signal.Signals) -> None:
        """Send a signal, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose first start was killed while the demo was being made, and its second one."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    first = House(folder)
    try:
        first.wait_until_said("months booked|stays made|settled")
    finally:
        first.end(signal.SIGKILL)
    assert (folder / "demo").read_text() == "begun"
    second = House(folder)
    try:
        second.wait_until_said("Ctrl-C")
        yield second
    finally:
        second.end(signal.SIGTERM)


async def count(house: House, service: str, statement: str) -> int:
    connection = await asyncpg.connect(house.run_record()["databases"][service])
    try:
        counted: int = await connection.fetchval(statement)
        return counted
    finally:
        await connection.close()


async def test_an_interrupted_making_begins_anew_and_is_whole(house: House) -> None:
    assert "made anew" in house.log.read_text()
    doubled = sum(1 for line in planted(house) if line["irregularity"].startswith("twice-"))
    assert doubled >= 1
    assert await count(house, "settlement", "select count(*) from settlement") == BIRTHS + doubled
    months = "select count(distinct account_month) from settlement"
    assert await count(house, "settlement", months) >= 20


async def test_history_lies_in_the_partitions_of_its_months(house: House) -> None:
    for service in ("enrollment", "settlement"):
        for table in ("log_rest", "outbox_rest"):
            assert await count(house, service, f"select count(*) from {table}") == 0  # noqa: S608


async def test_audit_flags_what_is_planted_for_its_rule_and_nothing_else(house: House) -> None:
    twice = {one.id for one in read_town().irregularities if one.kind == "duplicate-claim"}
    expected = {line["claim_id"] for line in planted(house) if line["irregularity"] in twice}
    connection = await asyncpg.connect(house.run_record()["databases"]["audit"])
    try:
        rows = await connection.fetch("select claim_id::text from flag where state = 'open'")
    finally:
        await connection.close()
    assert {row["claim_id"] for row in rows} == expected


def test_every_invariant_holds_on_it(house: House) -> None:
    verified = subprocess.run(
        [sys.executable, "-m", "deploy.verify", "--run", str(house.folder / "run.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout
    assert "M08 ok" in verified.stdout


async def test_a_second_start_finds_it_and_makes_nothing(house: House) -> None:
    before = await count(house, "settlement", "select count(*) from settlement")
    house.end(signal.SIGTERM)
    again = House(house.folder)
    try:
        said = again.wait_until_said("Ctrl-C")
        assert "making the demo" not in said
        assert await count(again, "settlement", "select count(*) from settlement") == before
    finally:
        again.end(signal.SIGTERM)


def planted(house: House) -> list[dict[str, str]]:
    """What the making says it planted."""
    return [json.loads(line) for line in (house.folder / "planted.jsonl").read_text().splitlines()]


def test_seed_says_how_many() -> None:
    assert wanted("none") == 0
    assert wanted("7") == 7
    assert wanted("") == 20_000
    with pytest.raises(ValueError, match="invalid literal"):
        wanted("some")
