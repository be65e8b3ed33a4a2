"""Each planted fault turns its invariant red through the API; sound code bears the same green."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from tests.faults import misuses, provocations
from tests.faults.planting import PLANTED, Ground, planted_copy, settlement_of
from tests.faults.provocations import Provocation
from tests.faults.scene import Scene
from tests.faults.test_planted_reviews import FAULTS as REVIEWS
from tests.faults.test_simulation import FAULTS as PLUMBING
from tests.support.postgres import ServiceDatabases


@dataclass(frozen=True)
class Fault:
    """A patch, what provokes it, and the invariants or clauses that must turn red."""

    patch: str
    provoke: Provocation
    red: set[str]

    @property
    def file(self) -> Path:
        """Where the patch lies."""
        return PLANTED / f"{self.patch}.patch"


FAULTS = (
    Fault("pregnancy-guard-not-unique", provocations.both_hospitals_settle_one_pregnancy, {"O03", "O07"}),
    Fault("no-version-check-in-write", provocations.the_record_changes_while_it_is_settled, {"M08"}),
    Fault("reopened-behind-a-settlement", provocations.a_stay_is_reopened_while_it_settles, {"M08", "S01"}),
    Fault("institution-missing-in-the-join", provocations.a_hospital_settles_anothers_stay, {"O10", "R03"}),
    Fault("relay-by-id", provocations.an_earlier_id_commits_later, {"V02"}),
    Fault("relay-by-xid-and-id", provocations.a_deduction_overtakes_a_reversal, {"V04"}),
    Fault("answer-kept-for-the-loser", provocations.both_hospitals_settle_one_pregnancy, {"O01"}),
    Fault("answered-before-the-commit", provocations.its_connection_is_cut_before_the_commit, {"K05"}),
    Fault("reversed-twice", provocations.one_settlement_is_reversed_twice_at_once, {"O08"}),
    Fault("pregnancies-may-overlap", provocations.two_hospitals_register_one_pregnancy, {"O09"}),
    Fault("seal-up-to-now", provocations.an_earlier_transaction_ends_later, {"S03"}),
    Fault("reversal-posts-the-same-again", misuses.settle_and_reverse, {"O08", "M05"}),
    Fault("reversal-leaves-no-log", misuses.settle_and_reverse, {"S01"}),
    Fault("told-after-the-commit", misuses.settle_and_reverse, {"V01"}),
    Fault("clearing-left-out", misuses.settle_and_reverse, {"M03"}),
    Fault("key-of-anybody", misuses.two_hospitals_choose_the_same_key, {"K01"}),
    Fault("body-not-compared", misuses.a_key_is_used_for_another_stay, {"K02"}),
    Fault("old-key-settles-anew", misuses.the_old_key_is_sent_after_a_reversal, {"K03", "O01"}),
    Fault("wall-set-once", misuses.hospitals_call_by_turns, {"K04"}),
    Fault("lines-after-the-bill", misuses.a_line_is_sent_after_settling, {"M02"}),
    Fault("float-rounds-a-line", misuses.half_a_fen, {"M02"}),
    Fault("rate-of-today", misuses.a_birth_of_two_years_ago, {"M08"}),
    Fault("paid-above-the-sum", misuses.a_birth_dearer_than_its_sum, {"M07", "M08"}),
    Fault("one-clerk-appoints-a-book", misuses.a_clerk_approves_what_she_proposed, {"S04"}),
    Fault("deduction-outlives-its-claim", misuses.a_claim_with_a_deduction_is_reversed, {"S01"}),
    Fault("deducted-above-what-is-left", misuses.decisions_exceed_the_claim, {"M05"}),
    Fault("dismissal-keeps-the-deduction", misuses.a_deduction_is_dismissed_later, {"K07"}),
    Fault("inbox-forgets", misuses.contributions_are_heard_again, {"V06"}),
    Fault("units-not-chained", provocations.two_hospitals_see_one_pregnancy_at_once, {"O06"}),
    Fault("head-paid-anew", misuses.a_last_check_is_claimed_twice, {"O04"}),
    Fault("days-covered-twice", misuses.a_visit_on_the_day_of_the_birth, {"O05"}),
    Fault("subsidy-outlives-its-birth", misuses.a_birth_is_settled_again, {"O07"}),
    Fault("reversed-pairs-left-out", misuses.a_book_has_what_was_settled_and_undone, {"R02"}),
    Fault("month-of-utc", misuses.a_claim_in_the_first_hours_of_a_month, {"R04"}),
    Fault("older-state-overwrites", misuses.an_old_history_comes_late, {"K06"}),
)  # fmt: skip

AT_ONCE = 2
_NUMBERS = itertools.count(200_000)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.patch)
async def test_sound_code_bears_the_provocation(fault: Fault, sound: Scene) -> None:
    await fault.provoke(sound)
    await sound.told()
    assert await sound.red(fault.red) == set()


Shown = dict[str, asyncio.Task[set[str]]]


@pytest.fixture(scope="module")
async def shown(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    ground: Ground,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Shown]:
    """What each chosen fault turns red; two at a time, because each waits for a start of its own."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def show(fault: Fault) -> set[str]:
        async with turn:
            folder = tmp_path_factory.mktemp("planted")
            code = await asyncio.to_thread(planted_copy, folder, fault.file)
            databases = ServiceDatabases(postgres, _NUMBERS)
            own_schema = ".sql" in fault.file.read_text()
            async with settlement_of(
                code, folder, postgres, databases, ground, own_schema=own_schema, planted=True
            ) as scene:
                await scene.told()
                assert await scene.red(fault.red) == set(), "red before anything happened"
                await fault.provoke(scene)
                red = await scene.turned_red(fault.red)
            await asyncio.to_thread(databases.drop)
            return red

    chosen = {
        item.callspec.params["fault"].patch
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == "test_a_planted_fault_turns_its_invariant_red"
    }
    tasks = {f.patch: asyncio.create_task(show(f)) for f in FAULTS if f.patch in chosen}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.patch)
async def test_a_planted_fault_turns_its_invariant_red(fault: Fault, shown: Shown) -> None:
    assert await shown[fault.patch] == fault.red


def test_every_patch_is_provoked(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, and at the end of the run the list of what each turns red."""
    reds = {fault.patch: " ".join(sorted(fault.red)) for fault in (*FAULTS, *REVIEWS)} | PLUMBING
    assert reds.keys() == {file.stem for file in PLANTED.glob("*.patch")}
    assert len(reds) >= 20
    with capsys.disabled():
        print(f"\n{len(reds)} planted faults, and what each turns red:")  # noqa: T201
        for patch, red in sorted(reds.items()):
            print(f"  {patch}: {red}")  # noqa: T201
