"""`make run` on a new folder: the demo is made, also after an interruption, and all of it holds."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.demo import seeding
from deploy.local.demo.plan import plan
from deploy.local.demo.seeding import FULL_BIRTHS, wanted
from deploy.local.demo.town import read_town
from tests.demo.conftest import BIRTHS, House, Start
from tests.support.source import ROOT


async def test_an_interrupted_making_begins_anew_and_is_whole(house: House) -> None:
    assert "cleared away" not in house.said[0]
    assert "cleared away" in house.said[1]
    doubled = sum(1 for line in house.planted() if line["irregularity"].startswith("twice-"))
    assert doubled >= 1
    made_on = date.fromisoformat((house.folder / "demo").read_text().rpartition(" ")[2])
    cares = plan(read_town(), BIRTHS, made_on)
    again = sum(1 for care in cares if care.settled_again_at)
    claims = await house.column(
        "settlement",
        "select stay_number from settlement join stay using (pool_code, stay_id)"
        " where reverses is null",
    )
    planned = {care.stay_number for care in cares}
    # A HIS may have played its day on the same house.
    assert len([number for number in claims if number in planned]) == len(cares) + again
    births_of = "select 1 from settlement where benefit = 'delivery' and reverses is null"
    assert len(await house.column("settlement", births_of)) >= BIRTHS + doubled
    months = "select distinct account_month from settlement"
    assert len(await house.column("settlement", months)) >= 20


async def test_each_is_settled_at_its_own_moment(house: House) -> None:
    """Also those that share a transaction with others of their hospital."""
    made_on = date.fromisoformat((house.folder / "demo").read_text().rpartition(" ")[2])
    expected = {
        f"{care.hospital.institution_code} {care.stay_number} {moment.timestamp():.0f}"
        for care in plan(read_town(), BIRTHS, made_on)
        for moment in (care.settled_at, care.settled_again_at)
        if moment is not None
    }
    settled = await house.column(
        "settlement",
        "select s.institution_code || ' ' || stay_number || ' '"
        " || extract(epoch from settled_at)::bigint"
        " from settlement s join stay using (pool_code, stay_id) where reverses is null",
    )
    assert expected <= set(settled)


def test_a_further_start_finds_it_and_makes_nothing(house: House) -> None:
    assert "making the demo" in house.said[1]
    assert "making the demo" not in house.said[2]


async def test_history_lies_in_the_partitions_of_its_months(house: House) -> None:
    for service in ("enrollment", "settlement"):
        assert await house.column(service, "select id from log limit 1")
        for table in ("log_rest", "outbox_rest"):
            assert await house.column(service, f"select id from {table}") == []  # noqa: S608


async def test_audit_flags_births_claimed_twice_where_planted_alone(
    house: House,
) -> None:
    twice = {one.id for one in read_town().irregularities if one.kind == "duplicate-claim"}
    expected = {line["claim_id"] for line in house.planted() if line["irregularity"] in twice}
    flagged = await house.column(
        "audit",
        "select claim_id::text from flag where state = 'open' and rule_family = 'duplicate-claim'",
    )
    assert set(flagged) == expected


def test_the_commands_that_it_says_work_as_pasted(house: House) -> None:
    pasted = re.search(r"as others hear of it:\n(.*)all of this is in", house.said[2], re.S)
    assert pasted is not None
    done = subprocess.run(["bash", "-e"], input=pasted[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"ready"' in done.stdout
    assert "settlement.claim.settled" in done.stdout


def test_every_invariant_holds_on_it(house: House) -> None:
    verified = subprocess.run(
        [sys.executable, "-m", "deploy.verify", "--run", str(house.folder / "run.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout
    assert "M08 ok" in verified.stdout


def test_books_that_are_not_a_new_demo_are_never_touched(tmp_path: Path) -> None:
    """An interrupted demo is cleared once; what stands there afterwards is somebody's work."""
    folder = tmp_path / "data"
    said = []
    for number, (seed, pattern, ending) in enumerate(
        (
            ("2000", "months booked|stays made|settled", signal.SIGKILL),
            ("none", "Ctrl-C", signal.SIGTERM),
            ("5", "Ctrl-C", signal.SIGTERM),
        )
    ):
        start = Start(folder, number, seed)
        try:
            said.append(start.wait_until_said(pattern))
        finally:
            start.end(ending)
    assert "cleared away" in said[1]
    assert "cleared away" not in said[2]
    assert not any("making the demo" in later for later in said[1:])


def test_seed_says_how_many() -> None:
    assert wanted("none") == 0
    assert wanted("7") == 7
    assert wanted("") == FULL_BIRTHS
    with pytest.raises(ValueError, match="invalid literal"):
        wanted("some")


async def test_the_last_that_is_said_of_the_making_is_all_that_was_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where it was made between two words of how far it is."""

    async def nothing(*_: Any) -> None:
        return None

    async def make_part(_: Any, __: int, ___: date, part: int, made: Counter[str]) -> None:
        made["settled"] += 10 + part

    for act, stands_for in (
        ("_open_agency", nothing), ("_adjust", nothing), ("_make_part", make_part),
    ):  # fmt: skip
        monkeypatch.setattr(seeding, act, stands_for)
    await seeding.make_demo(SimpleNamespace(folder=tmp_path), 21)  # type: ignore[arg-type]
    *_, last, end = capsys.readouterr().out.splitlines()
    assert last == "  21 settled"
    assert end.startswith("the demo was made in")
