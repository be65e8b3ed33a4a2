"""`make his-demo` on what `make run` started: a day is played, and the books agree or do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from deploy.his import __main__ as his_demo
from deploy.his.day import Day
from tests.demo.conftest import House
from tests.support.source import ROOT


def test_a_days_books_agree_and_another_days_after_it(house: House) -> None:
    carried = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "deploy.his"], cwd=ROOT, capture_output=True, text=True,
            env=os.environ | {"DATA_DIR": str(house.folder), "BASE": ""}, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.strip().splitlines()
        opened = re.fullmatch(r"day opened; (\d+) rows of today carried forward", lines[0])
        assert opened, lines[0]
        carried.append(int(opened[1]))
        assert lines[-1].startswith("outcome: level")
        for said in ("undone", "taken back by 2601", "prenatal visit", "both books"):
            assert said in done.stdout
    assert carried[1] == carried[0] + 6


class Forgetful(Day):
    """A hospital that loses a receipt."""

    async def play(self) -> None:
        await super().play()
        del self.book[-2]


class Miscounting(Day):
    """A hospital that notes a fen too much of the fund's."""

    async def play(self) -> None:
        await super().play()
        self.book[-1] = replace(self.book[-1], fund=self.book[-1].fund + Decimal("0.01"))


@pytest.mark.parametrize(("day", "why"), [(Forgetful, "missing_there"), (Miscounting, "amount")])
async def test_books_that_differ_end_it_with_one(
    house: House, monkeypatch: pytest.MonkeyPatch, day: type[Day], why: str
) -> None:
    monkeypatch.setattr(his_demo, "Day", day)
    console = Console(record=True, width=200)
    record = house.record
    assert await his_demo.played(record["url"], record, console) == 1
    said = console.export_text()
    assert why in said
    assert said.strip().splitlines()[-1].startswith("outcome: the books differ in 1 rows")


def test_without_a_running_agency_it_says_so(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.his"], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"DATA_DIR": str(tmp_path), "BASE": ""}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "make run" in done.stderr
