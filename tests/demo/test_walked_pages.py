"""What the pages tell to paste works as pasted, against a house with a demo."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.ports import free_port
from deploy.local.postgres import Postgres, find_binaries
from deploy.verify.invariants import INVARIANTS
from tests.demo.conftest import BIRTHS, House
from tests.support.source import ROOT

# A reader takes a moment from block to block; what was booked in one is heard of by the next.
A_MOMENT = "\nsleep 2\n"
# What a page starts in the background ends with it, also where the page breaks off.
LEAVING = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"
SECONDS_MAX = 500  # each line starts curl and python; on a machine with other work that adds up

SAID = {
    "his-guide.md": [
        "discharged", "the same bytes", "{'fund': '8014.00', 'member': '1606.00'}",
        "1008-stay-already-settled", "-4574.00",
    ],
    "his-gateway.md": ["7810.0", "same", "-7810.0"],
    "walk-through.md": [
        "4574.00", "discharged", "the same bytes", '{"fund": "8014.00", "member": "1606.00"}',
        "Nanjing, normal: desk {'fund': '3950.00', 'member': '50.00'} total 4000.00 fund 3050.00"
        " member 50.00 institution 900.00 other_fund 0.00",
        "Nanjing, flexible: desk {'fund': '8575.00', 'member': '425.00'} total 9000.00"
        " fund 4475.00 member 425.00 institution 4100.00 other_fund 0.00",
        "Kizilsu, normal: desk {'fund': '4000.00', 'member': '0.00'} total 4000.00 fund 4000.00"
        " member 0.00 institution 0.00 other_fund 0.00",
        "Kizilsu, caesarean: desk {'fund': '7500.00', 'member': '1500.00'} total 9000.00"
        " fund 7500.00 member 1500.00 institution 0.00 other_fund 0.00",
        "2001-interrupted", "1009-lines-do-not-sum", "2002-waiting-period-not-met",
        "1008-stay-already-settled", "8-key-used-with-another-body", "1001-stay-unknown",
        "1018-pregnancy-open-already",
        "-4574.00", "1024-already-reversed", "still the same bytes", "4574.00",
        "reversed, reversal, settled",
        "notified", "first_reviewed", "second_reviewed", "proposed", "decided",
    ],
}  # fmt: skip
"""What each page brings, in this order, whatever is printed between."""


def _blocks(page: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to paste in that leads to the clone's parts, so that a page leaves nothing in it."""
    folder = tmp_path_factory.mktemp("clone")
    for part in (".venv", "deploy", "docs", "services", "shared"):
        (folder / part).symlink_to(ROOT / part)
    return folder


def _pasted(page: str, clone: Path, **environment: str) -> list[str]:
    """What a page prints, pasted in order into one bash that stops at what fails."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail"], input=LEAVING + A_MOMENT.join(_blocks(page)), cwd=clone,
        env=os.environ | environment, capture_output=True, text=True,
        timeout=SECONDS_MAX, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("page", SAID)
def test_a_page_works_as_pasted(house: House, clone: Path, page: str) -> None:
    lines = _pasted(page, clone, DATA_DIR=str(house.folder))
    rest = iter(lines)
    for said in SAID[page]:
        assert said in rest, said  # each after the one before it
    if page == "walk-through.md":  # it ends with the line of every invariant
        proof = lines[-len(INVARIANTS) :]
        assert [line.split()[0] for line in proof] == [one.id for one in INVARIANTS]
        assert not [line for line in proof if " FAIL:" in line]


def test_a_service_on_its_own_is_started_as_pasted(clone: Path, tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres", buffers_mb=128) as cluster:
        superuser = urlsplit(cluster.dsn())
        lines = _pasted(
            "operations.md", clone, PGHOST="127.0.0.1", PGPORT=str(cluster.port),
            ENROLLMENT_PORT=str(free_port()),
            PGPASSWORD=superuser.password or "", PATH=f"{find_binaries()}:{os.environ['PATH']}",
        )  # fmt: skip
    assert '{"status":"ready"}' in lines
    (rates,) = (json.loads(line) for line in lines if '"rates"' in line)
    assert rates
    assert lines[-1] == "stopped"


@pytest.mark.parametrize("page", ["his-guide", "his-gateway"])
def test_a_twin_has_the_same_blocks(page: str) -> None:
    assert _blocks(f"{page}.md") == _blocks(f"{page}.zh.md")


async def test_the_page_of_events_shows_every_settlement_as_pasted(
    house: House, clone: Path
) -> None:
    """Its block for `make run`. The other needs a broker: of that one the follower is run by
    tests/contracts/test_followers.py. The follower never ends by itself, and a busy machine may
    need more than the page's five seconds, so it ends here when everything is shown."""
    told = await house.column(
        "settlement",
        "select id::text || ' ' || type || ' ' || sequence || ' ' || aggregate_id from outbox"
        " where topic = 'maternity.settlement.claim.v1' and position is not null order by position",
    )
    over_http, _ = _blocks("events.md")
    *before, follower = over_http.splitlines()
    assert follower.startswith("timeout 5 python3 ")
    pasted = "\n".join([*before, follower.replace("timeout 5", "exec")])
    bash = await asyncio.create_subprocess_exec(
        "bash", "-e", "-o", "pipefail", "-c", pasted, cwd=clone,
        env=os.environ | {"DATA_DIR": str(house.folder)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert bash.stdout is not None
    try:
        async with asyncio.timeout(SECONDS_MAX):
            shown = [(await bash.stdout.readline()).decode().rstrip() for _ in told]
    finally:
        if bash.returncode is None:
            bash.send_signal(signal.SIGKILL)
        await bash.wait()
    assert shown == told
    assert len(told) > BIRTHS
