"""docs/restore.md as it stands, block by block: a backup under load, all killed, restored, proved.

Its only changes are its places (`/mnt/other-disk`, `$PWD/.restored`), and that `make run`, which
stays in the foreground, is started beside the rest and waited for.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.keys import Keys
from deploy.local.ports import free_port
from deploy.local.site import SERVICES, Site
from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from tests.faults.chaos import Load
from tests.faults.desk import History
from tests.support.source import ROOT

PAGE = ROOT / "docs" / "restore.md"
BIRTHS_A_SECOND = 3
LOAD_SECONDS = 4
SECONDS_MAX = 120
SEED = 20261122
SALVAGE = "deploy/local/archive.sh $DATA_DIR $ARCHIVE\n"
ARCHIVED = """
last=$($PG/psql -At -h 127.0.0.1 -p $DB_PORT -U postgres -c \
  "select pg_walfile_name(pg_switch_wal())")
until test -f $ARCHIVE/$last; do sleep 0.1; done
"""


class Operator:
    """Somebody at one shell who pastes the page's blocks."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        self.folder = place / ".data"
        self._starts = 0
        self._shell = subprocess.Popen(
            ["bash", "-eu"], cwd=ROOT, text=True, stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=os.environ | {"DATA_DIR": str(self.folder), "PORT": str(self.port), "SEED": "none"},
        )  # fmt: skip

    def pastes(self, block: str) -> str:
        """Run a block to its end, or to where `make run` is ready; what was said. A line that fails
        ends the shell, and so this."""
        block = block.replace("/mnt/other-disk", str(self.place / "other")).replace(
            "$PWD/.restored", str(self.place / ".restored")
        )
        starts = "make run" in block
        if starts:
            self._starts += 1
            self._log.touch()
            if (self.folder / "run.json").exists():
                _end([self.pid()], signal.SIGTERM)
        # What make installs first is here already; and it must not change what the tests run in.
        beside = f"make -o install-run run </dev/null >{self._log} 2>&1 &"
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(block.replace("make run", beside) + "\necho done-$((40 + 2))\n")
        self._shell.stdin.flush()
        said = ""
        for line in self._shell.stdout:
            if line == "done-42\n":
                return self._until_ready() if starts else said
            said += line
        raise AssertionError(f"{block}\n{said}")

    def _until_ready(self) -> str:
        deadline = time.monotonic() + SECONDS_MAX
        while "Ctrl-C stops it" not in (said := self._log.read_text()):
            assert "Error" not in said, said
            assert time.monotonic() < deadline, said
            time.sleep(0.1)
        return said

    @property
    def _log(self) -> Path:
        return self.place / f"start-{self._starts}.log"

    @property
    def record(self) -> dict[str, Any]:
        """What runs in this folder."""
        read: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return read

    def pid(self) -> int:
        """The process that serves everything."""
        pid: int = self.record["services"]["settlement"]["pid"]
        return pid

    def site(self) -> Site:
        """What a caller needs."""
        addresses = dict.fromkeys(SERVICES, f"http://127.0.0.1:{self.port}")
        owners = {name: {"owner": dsn} for name, dsn in self.record["databases"].items()}
        return Site(self.folder, owners, addresses, Keys(self.folder / "keys.json"))

    def kill(self) -> None:
        """Kill -9 everything that runs here, PostgreSQL first, so that it ends nothing orderly."""
        if not (self.folder / "run.json").exists():
            return
        pid = self.pid()
        postmaster = int((self.folder / "postgres/pgdata/postmaster.pid").read_text().split()[0])
        _end([*_children(postmaster), postmaster, *_children(pid), pid], signal.SIGKILL)

    def leaves(self) -> None:
        """Stop what still runs, and close the shell."""
        self.kill()
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        self._shell.wait(30)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _end(pids: list[int], by: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, by)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.1)


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    own = Operator(tmp_path)
    try:
        yield own
    finally:
        own.leaves()


@pytest.mark.parametrize("disk", ["can be read", "is gone"])
async def test_the_page_restores_every_acknowledged_settlement(
    operator: Operator, tmp_path: Path, disk: str
) -> None:
    names, archive, again, backup, salvage, restore, prove = re.findall(
        r"^```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    assert salvage == SALVAGE

    async def pasted(block: str) -> str:
        return await asyncio.to_thread(operator.pastes, block)

    await pasted("make run")
    await pasted(names)
    await pasted(archive)
    await pasted(again)
    load = Load(operator.site(), History(tmp_path / "history.jsonl"), BIRTHS_A_SECOND, SEED)
    await load.open()

    async def backed_up_meanwhile() -> None:
        await asyncio.sleep(LOAD_SECONDS)
        await pasted(backup)
        await asyncio.sleep(LOAD_SECONDS)

    await load.run(backed_up_meanwhile())
    await _quiet(operator)
    if disk == "is gone":  # what is not in the archive by then is lost
        await pasted(ARCHIVED)
    operator.kill()
    if disk == "is gone":
        await asyncio.to_thread(shutil.rmtree, operator.folder)
    else:
        await pasted(salvage)
    operator.folder = tmp_path / ".restored"
    said = await pasted(restore)
    assert "PostgreSQL replays the archived log; waiting until that is over" in said
    proof = await pasted(prove)
    assert "S03 ok" in proof
    assert " FAIL:" not in proof
    told = {str(one.answer) for one in load.outcome.acknowledged}
    assert told == await _kept(operator)
    wrong, same = await load.asked_again()
    assert wrong == []
    assert same == len(load.outcome.acknowledged) > 0
    await load.close()


async def _quiet(operator: Operator) -> None:
    async with open_stores(operator.folder / "run.json") as stores:
        assert await wait_for_quiet(stores, SECONDS_MAX) == []


async def _kept(operator: Operator) -> set[str]:
    settlement = await asyncpg.connect(operator.record["databases"]["settlement"])
    answers = await settlement.fetch(
        "select answer from idempotency where operation in ('settle', 'reverse')"
    )
    await settlement.close()
    return {str(row["answer"]) for row in answers}
