"""Each planted fault turns its invariant red through the API; sound code bears the same green."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from tests.faults import provocations
from tests.faults.planting import PLANTED, Scene, planted_copy, settlement_of
from tests.faults.provocations import Provocation
from tests.support.postgres import ServiceDatabases


@dataclass(frozen=True)
class Fault:
    """A patch, what provokes it, and the invariants that must turn red."""

    patch: str
    provoke: Provocation
    red: set[str]


FAULTS = (
    Fault(
        "pregnancy-guard-not-unique", provocations.both_hospitals_settle_one_pregnancy, {"O03"}
    ),
    Fault(
        "no-version-check-in-write", provocations.the_record_changes_while_it_is_settled, {"M08"}
    ),
    Fault(
        "institution-missing-in-the-join", provocations.a_hospital_settles_anothers_stay, {"R03"}
    ),
    Fault("relay-by-id", provocations.an_earlier_id_commits_later, {"V02"}),
    Fault("relay-by-xid-and-id", provocations.a_deduction_overtakes_a_reversal, {"V04"}),
    Fault(
        "answer-kept-for-the-loser", provocations.both_hospitals_settle_one_pregnancy, {"O01"}
    ),
)  # fmt: skip

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
async def sound(
    postgres: Postgres,
    module_databases: ServiceDatabases,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Scene]:
    """The settlement as it is, run from a copy like the faulty ones."""
    folder = tmp_path_factory.mktemp("sound")
    code = planted_copy(folder, None)
    async with settlement_of(code, folder, postgres, module_databases) as scene:
        yield scene


def test_every_patch_is_provoked() -> None:
    assert {fault.patch for fault in FAULTS} == {file.stem for file in PLANTED.glob("*.patch")}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.patch)
async def test_sound_code_bears_the_provocation(fault: Fault, sound: Scene) -> None:
    await fault.provoke(sound)
    await sound.told()
    assert await sound.red(fault.red) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.patch)
async def test_a_planted_fault_turns_its_invariant_red(
    fault: Fault, postgres: Postgres, service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    code = planted_copy(tmp_path, PLANTED / f"{fault.patch}.patch")
    async with settlement_of(code, tmp_path, postgres, service_databases) as scene:
        assert await scene.red(fault.red) == set()
        await fault.provoke(scene)
        await scene.told()
        assert await scene.red(fault.red) == fault.red
