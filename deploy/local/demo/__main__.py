"""One process of the demo's making: `python -m deploy.local.demo`, started by `seeding.py`.

It finds the services' settings in its environment, prints what it made as JSON lines, and ends
with 1 where an act was refused.
"""

from __future__ import annotations

import gc
import json
import time
import warnings
from collections import Counter
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from deploy.local.demo.care import Care
from deploy.local.demo.ends import end
from deploy.local.demo.enrolling import Registry
from deploy.local.demo.late import books
from deploy.local.demo.making import Workshop
from deploy.local.demo.plan import epoch, plan, rounds, share
from deploy.local.demo.town import read_town
from deploy.local.quiet import wait_until_heard
from shared.contracts.person import PersonStateChanged
from shared.plumbing.database import Pool, open_pool
from shared.plumbing.field_keys import body_key
from shared.plumbing.sealed import Vault
from shared.plumbing.settings import Settings, read_settings, unmarked

STATEMENT_MS = 60_000
SAY_SECONDS = 0.5


def main(
    count: Annotated[int, typer.Option()],
    today: Annotated[str, typer.Option()],
    part: Annotated[int, typer.Option()],
    parts: Annotated[int, typer.Option()],
    planted: Annotated[Path, typer.Option()],
) -> None:
    """Make one part of the demo."""
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    cares = plan(read_town(), count, date.fromisoformat(today))
    mine = share(cares, part, parts)
    gc.disable()  # it lives for a minute, and what it makes it lets go of by itself
    uvloop.run(_make(mine, date.fromisoformat(today), planted))


async def _make(cares: list[Care], today: date, planted: Path) -> None:
    enrollment, settlement = read_settings("enrollment"), read_settings("settlement")
    tally = _Tally()
    async with AsyncExitStack() as held:

        async def pool_of(settings: Settings, role: str) -> Pool:
            dsn = getattr(settings, f"{role}_dsn").get_secret_value()
            # What a crash takes away is made anew, so no commit waits for the disk. Planned as the
            # group is: a plan made while a table is empty must not look through it for ever.
            address = f"{dsn}?synchronous_commit=off"
            return await held.enter_async_context(
                await open_pool(address, size=4, statement_timeout_ms=STATEMENT_MS, for_group=True)
            )

        known = books(today)
        registry = Registry(
            enrollment=await pool_of(enrollment, "service"),
            books=known,
            vault=Vault(unmarked(enrollment.field_key)),
            progress=tally,
        )
        workshop = Workshop(
            settlement=await pool_of(settlement, "service"),
            group=await pool_of(settlement, "group"),
            books=known,
            hash_key=body_key(settlement),
            epoch=epoch(today),
            progress=tally,
            refs=registry.refs,
        )
        await registry.enroll(list({care.mother.id_number: care.mother for care in cares}.values()))
        for those in rounds(cares):
            await registry.book(those.bookings)
            await _heard(enrollment, settlement)
            await workshop.make(those)
            await end(workshop, those)
    tally.say()
    with planted.open("a", encoding="utf-8") as file:
        for care in cares:
            for irregularity in care.planted:
                line = {
                    "irregularity": irregularity,
                    "pool": care.hospital.pool_code,
                    "institution_code": care.hospital.institution_code,
                    "stay_number": care.stay_number,
                    "claim_id": str(workshop.claims[care.key]),
                }
                file.write(json.dumps(line) + "\n")


async def _heard(enrollment: Settings, settlement: Settings) -> None:
    """Wait until settlement knows everybody whom enrollment told of."""
    await wait_until_heard(
        enrollment.service_dsn.get_secret_value(),
        settlement.service_dsn.get_secret_value(),
        PersonStateChanged.topic,
    )


class _Tally:
    """Counts what was made, and says it now and then."""

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()
        self._said_at = 0.0

    def __call__(self, what: str, more: int) -> None:
        self._made[what] += more
        if time.monotonic() - self._said_at > SAY_SECONDS:
            self.say()

    def say(self) -> None:
        """Say all of it."""
        self._said_at = time.monotonic()
        print(json.dumps(self._made), flush=True)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
