"""A key that was parked goes through when its cause is mended: in order, once."""

from __future__ import annotations

import asyncio

from typer.testing import CliRunner

from deploy.verify.hearing import v07
from deploy.verify.stores import open_stores
from services.settlement.__main__ import commands
from tests.faults.scene import Scene
from tests.faults.tellings import answered, decided, dismissed, heard

NOT_RUNNING = "audit-claim"
FLAGS = "maternity.audit.flag.v1"
BROKEN = """
create function refuse() returns trigger language plpgsql as
    $$ begin raise 'not now'; end $$;
create trigger refuse before insert on deduction for each row
    when (new.settlement_id = '{claim}') execute function refuse();
"""
MENDED = "drop trigger refuse on deduction; drop function refuse"


async def retry(scene: Scene, *options: str) -> tuple[int, str]:
    """What an operator's command ends with, and what it says."""
    environment = scene.processes.site.environment("settlement")
    done = await asyncio.to_thread(
        CliRunner().invoke, commands, ["retry-parked", *options], env=environment
    )
    return done.exit_code, done.stdout


async def told_of(scene: Scene, claim: str) -> list[str]:
    rows = await scene.owner.fetch(
        "select type from outbox where aggregate_id = $1 order by sequence", claim
    )
    return [row["type"].rpartition(".")[2] for row in rows]


async def test_a_parked_key_goes_through_once_it_is_mended(sound: Scene) -> None:
    _, claim = await sound.settled()
    _, other = await sound.settled()
    await sound.owner.execute(BROKEN.format(claim=claim))
    flag = await decided(sound, claim)
    await dismissed(sound, claim, flag)
    await decided(sound, other)
    await heard(sound, FLAGS)
    await answered(sound, other)
    assert await told_of(sound, claim) == ["settled"]

    code, said = await retry(sound)
    assert (code, said) == (1, f"settlement-flag {flag}: still parked: RaiseError\n")

    await sound.owner.execute(MENDED)
    code, said = await retry(sound, "--key", "another")
    assert (code, said) == (0, "")
    code, said = await retry(sound)
    assert (code, said) == (0, f"settlement-flag {flag}: 2 events\n")
    taken = ["settled", "deduction-taken", "deduction-released"]
    assert await told_of(sound, claim) == taken
    assert await retry(sound) == (0, "")
    assert await told_of(sound, claim) == taken

    assert not await sound.red({"V06"})
    async with open_stores(sound.processes.run_file()) as stores:
        assert [line for line in await v07(stores) if not line.startswith(NOT_RUNNING)] == []
