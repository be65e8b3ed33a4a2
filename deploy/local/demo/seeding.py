"""Makes the demo at the first start: the agency's own acts here, the rest in two processes.

`demo` in the data folder says how far it came: `begun`, or what was made. A start that finds it
begun was interrupted, and begins anew with empty databases.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import typer

from deploy.local import databases
from deploy.local.demo.late import Books, NotDecided, adjust, books
from deploy.local.demo.plan import MONTHS, MONTHS_BEFORE, epoch
from deploy.local.demo.town import Town, read_town
from deploy.local.postgres import Postgres
from deploy.local.site import SERVICES, Site
from services.enrollment.actions.acting import Acting
from services.enrollment.actions.add_employer import add_employer
from services.enrollment.domain.employer import Employer, EmployerKind
from services.settlement.actions.appoint_book import approve_book, propose_book
from services.settlement.actions.make_agreement import make_agreement
from services.settlement.actions.scene import Scene
from services.settlement.domain.agreement import Agreement
from shared.plumbing.auth import Caller
from shared.plumbing.clock import SystemClock, business_day
from shared.plumbing.database import AGENCY, open_pool, transaction
from shared.plumbing.sealed import Vault
from shared.plumbing.settings import read_settings, unmarked

PROCESSES = 2
SAY_SECONDS = 2
MONTHS_BACK = MONTHS + MONTHS_BEFORE
PLANTED = "planted.jsonl"
_MARK = "demo"
_BEGUN = "begun"
_NOTICE = timedelta(seconds=2)
"""Between approval of a book and its effect."""
FULL_BIRTHS = 15_500
"""With all that is beside them 20,000 settlements: what two cores make in less than a minute."""


class SeedingFailed(RuntimeError):
    """A process of the demo's making ended before its end."""


def wanted(seed: str) -> int:
    """How many births `SEED` asks for: all by default, `none`, or a number.

    Raises ValueError for anything else.
    """
    return 0 if seed == "none" else int(seed) if seed else FULL_BIRTHS


def holds_demo(folder: Path) -> bool:
    """Whether all that a folder holds began as a demo, of people who are made up."""
    return (folder / _MARK).exists()


def note_begun(folder: Path) -> None:
    """Remember that a demo is being made here."""
    (folder / _MARK).write_text(_BEGUN)


def clear_interrupted(folder: Path, cluster: Postgres) -> bool:
    """Empty the databases of a making that was begun and not ended; whether there was one.

    The mark goes last: from then on the folder is as new, and what is made in it is not touched.
    """
    mark = folder / _MARK
    if not mark.exists() or mark.read_text() != _BEGUN:
        return False
    typer.echo("the demo was interrupted; it is cleared away")
    for service in SERVICES:
        databases.drop(cluster.dsn(), service)
        (folder / f"{service}.anchors").unlink(missing_ok=True)
    for left in ("opened", PLANTED, "run.verify-snapshot", _MARK):
        (folder / left).unlink(missing_ok=True)
    return True


async def make_demo(site: Site, count: int) -> None:
    """Make the demo of `count` births, saying how far it is. Raises SeedingFailed."""
    today, began = business_day(SystemClock().now()), time.monotonic()
    planted = site.folder / PLANTED
    planted.unlink(missing_ok=True)
    typer.echo(f"making the demo: {count} births over {MONTHS} months, and what is beside them")
    town, known = read_town(), books(today)
    await _open_agency(site, town, epoch(today), known)
    made: list[Counter[str]] = [Counter() for _ in range(PROCESSES)]
    saying = asyncio.create_task(_say(made))
    try:
        async with asyncio.TaskGroup() as parts:
            for part in range(PROCESSES):
                parts.create_task(_make_part(site, count, today, part, made[part]))
    except* SeedingFailed as failed:
        raise failed.exceptions[0] from None
    finally:
        saying.cancel()
    _say_total(made)
    await _adjust(site, known, today)
    (site.folder / _MARK).write_text(f"{count} made on {today}")
    typer.echo(f"the demo was made in {time.monotonic() - began:.0f} s; planted: {planted}")


async def _open_agency(site: Site, town: Town, at: datetime, known: Books) -> None:
    """What stood before the first birth: a book by two people, agreements, employers. And the
    book that came later."""
    settings = read_settings("enrollment")
    vault = Vault(unmarked(settings.field_key))
    settlement = await open_pool(site.databases["settlement"]["service"], size=1)
    enrollment = await open_pool(site.databases["enrollment"]["service"], size=1)
    agreed = {client.institution_code for client in site.clients if client.institution_code}
    try:
        async with transaction(settlement, [AGENCY]) as tx:
            for book, moment in ((known.first, at), (known.second, known.changed_at - _NOTICE)):
                first, second = (_scene(f.pool_code, moment) for f in town.funds[:2])
                number = await propose_book(tx, first, book)
                _done(await approve_book(tx, second, number), str)
            for hospital in town.hospitals:
                if hospital.institution_code not in agreed:
                    agreement = Agreement(hospital.institution_code, hospital.level)
                    scene = _scene(hospital.pool_code, at)
                    made = await make_agreement(tx, scene, agreement, at.date(), None)
                    _done(made, Agreement)
        async with transaction(enrollment, [AGENCY]) as tx:
            for fund in town.funds:
                clerk = Caller(f"clerk-{fund.pool_code}-a", "clerk", fund.pool_code, "")
                for one in fund.employers:
                    acting = Acting(clerk, f"demo-{at:%Y%m%d}", at, known.first, vault)
                    employer = Employer(
                        fund.pool_code, one.ref, one.name, one.county_code, EmployerKind(one.kind)
                    )
                    _done(await add_employer(tx, acting, employer), Employer)
    finally:
        await settlement.close()
        await enrollment.close()


async def _adjust(site: Site, known: Books, today: date) -> None:
    settlement = await open_pool(site.databases["settlement"]["service"], size=1)
    try:
        await adjust(settlement, known, today)
    except NotDecided as problem:
        raise SeedingFailed(str(problem)) from None
    finally:
        await settlement.close()


def _scene(pool_code: str, at: datetime) -> Scene:
    return Scene(pool_code, "", f"clerk-{pool_code}-a", f"demo-{at:%Y%m%d}", at)


def _done(made: object, kind: type) -> None:
    if type(made) is not kind:
        raise SeedingFailed(f"refused: {made}")


async def _make_part(site: Site, count: int, today: date, part: int, made: Counter[str]) -> None:
    """One process of the making; it ends with this one, whatever ends this one."""
    bound = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    settings = site.environment("enrollment") | site.environment("settlement")
    process = await asyncio.create_subprocess_exec(
        *bound, sys.executable, "-m", "deploy.local.demo",
        f"--count={count}", f"--today={today}", f"--part={part}", f"--parts={PROCESSES}",
        f"--planted={site.folder / PLANTED}",
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        async for line in process.stdout:
            made.update(Counter(json.loads(line)) - made)
        if await process.wait():
            raise SeedingFailed(f"part {part} of the demo ended with {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _say(made: list[Counter[str]]) -> None:
    """Say every two seconds what was made so far."""
    while True:
        await asyncio.sleep(SAY_SECONDS)
        _say_total(made)


def _say_total(made: list[Counter[str]]) -> None:
    total: Counter[str] = sum(made, Counter())
    typer.echo("  " + (", ".join(f"{n} {what}" for what, n in total.items()) or "starting"))
