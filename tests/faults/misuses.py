"""Plain calls that provoke planted faults, one after the other. A sound settlement bears them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from shared.contracts.flag import FlagDecided
from shared.contracts.person import ContributionPosted, PersonStateChanged
from shared.period import Month
from shared.plumbing.clock import TIME_ZONE, SystemClock
from tests.faults.scene import POOL, POOL_OF_HEADS, Scene, state_of
from tests.faults.tellings import (
    answered,
    contributed,
    decided,
    dismissed,
    heard,
    history_changed,
)

OTHER_BANDS = date(2024, 2, 20)  # another share of the member was in force than today


async def settle_and_reverse(scene: Scene) -> None:
    """The simplest life of a settlement."""
    _, settlement = await scene.settled()
    await scene.here.made(f"/settlements/{settlement}/reverse")


async def two_hospitals_choose_the_same_key(scene: Scene) -> None:
    """Each settles its own stay under a key that the other used as well."""
    key, (stay, total) = uuid4().hex, await scene.a_stay()
    person, pregnancy = await scene.pregnant()
    other, other_total = await scene.stay(scene.there, person, pregnancy)
    first = await scene.here.post(f"/stays/{stay}/settle", {"total": total}, key)
    assert first.status_code == 201
    second = await scene.there.post(f"/stays/{other}/settle", {"total": other_total}, key)
    scene.must("K01", second.status_code == 201 and second.json()["stay_id"] == other)


async def a_key_is_used_for_another_stay(scene: Scene) -> None:
    """A hospital's programme counts its keys anew."""
    key, (stay, total) = uuid4().hex, await scene.a_stay()
    other, other_total = await scene.a_stay()
    assert (
        await scene.here.post(f"/stays/{stay}/settle", {"total": total}, key)
    ).status_code == 201
    again = await scene.here.post(f"/stays/{other}/settle", {"total": other_total}, key)
    scene.must("K02", again.status_code == 422)


async def the_old_key_is_sent_after_a_reversal(scene: Scene) -> None:
    """A late copy of the first request arrives when its settlement is undone."""
    key, (stay, total) = uuid4().hex, await scene.a_stay()
    place = f"/stays/{stay}/settle"
    first = await scene.here.post(place, {"total": total}, key)
    await scene.here.made(f"/settlements/{first.json()['settlement_id']}/reverse")
    again = await scene.here.post(place, {"total": total}, key)
    scene.must("K03", again.content == first.content)


async def hospitals_call_by_turns(scene: Scene) -> None:
    """One after the other, over the same connections to the database."""
    for desk in (scene.here, scene.there, scene.here, scene.there):
        person, pregnancy = await scene.pregnant()
        stay, total = await scene.stay(desk, person, pregnancy)
        answer = await desk.post(f"/stays/{stay}/settle", {"total": total})
        scene.must("K04", answer.status_code == 201)


async def a_line_is_sent_after_settling(scene: Scene) -> None:
    """The ward finds another item when the mother has left."""
    stay, _ = await scene.settled()
    line = {"line_number": 2, "item_code": "bed-day", "charged_on": str(scene.today),
            "quantity": "1", "price": "65.00"}  # fmt: skip
    answer = await scene.here.post(f"/stays/{stay}/lines", {"lines": [line]})
    assert answer.status_code in (409, 422, 201)


async def half_a_fen(scene: Scene) -> None:
    """Half a unit at an odd price: 2.5 fen, on top of the bill's yuan."""
    person, pregnancy = await scene.pregnant()
    stay, total = await scene.stay(scene.here, person, pregnancy, quantity="0.5", price="3000.05")
    await scene.here.made(f"/stays/{stay}/settle", {"total": total})


async def a_birth_of_two_years_ago(scene: Scene) -> None:
    """A stay that is settled late: the rules of its day decide."""
    person, pregnancy = await scene.pregnant(OTHER_BANDS)
    stay, total = await scene.stay(scene.here, person, pregnancy, OTHER_BANDS)
    await scene.here.made(f"/stays/{stay}/settle", {"total": total})


async def a_claim_in_the_first_hours_of_a_month(scene: Scene) -> None:
    """At four in the morning of the first in Shanghai it is still the last of the month in UTC."""
    stay, total = await scene.a_stay()
    turn = Month.of(scene.today).plus(1).first_day()
    early = datetime.combine(turn, time(4), tzinfo=TIME_ZONE)
    await scene.owner.execute(
        "update person_state set as_of = $1 where person_ref ="
        " (select person_ref from stay where stay_id = $2)",
        early, UUID(stay),
    )  # fmt: skip
    scene.clock_off_by((early - SystemClock().now()).total_seconds())
    try:
        answer = await scene.here.post(f"/stays/{stay}/settle", {"total": total})
    finally:
        scene.clock_off_by(0)
    assert answer.status_code == 201
    assert answer.json()["settled_at"].startswith(str(turn - timedelta(days=1)))


async def a_clerk_approves_what_she_proposed(scene: Scene) -> None:
    """The second clerk is on leave."""
    proposed = await scene.clerk.made("/books")
    answer = await scene.clerk.post(f"/books/{proposed['proposal']}/approve")
    assert answer.status_code in (409, 422, 201)


async def a_claim_with_a_deduction_is_reversed(scene: Scene) -> None:
    """Something waits to be deducted from it."""
    _, claim = await scene.settled()
    await decided(scene, claim)
    await answered(scene, claim)
    await scene.here.made(f"/settlements/{claim}/reverse")


async def a_deduction_is_dismissed_later(scene: Scene) -> None:
    """Its flag was opened again, and two people dismissed it."""
    _, claim = await scene.settled()
    await dismissed(scene, claim, await decided(scene, claim))
    await heard(scene, FlagDecided.topic)
    waits = await scene.owner.fetchval(
        "select count(*) from deduction where settlement_id::text = $1 and state = 'pending'", claim
    )
    scene.must("K07", waits == 0)


async def decisions_exceed_the_claim(scene: Scene) -> None:
    """Each of two is less than the fund paid, both together are more."""
    _, claim = await scene.settled()
    await decided(scene, claim, "2000.00")
    await decided(scene, claim, "2000.00")
    await answered(scene, claim, times=2)


async def contributions_are_heard_again(scene: Scene) -> None:
    """The consumer is set back to offset 0."""
    await contributed(scene, await scene.insured())
    await heard(scene, ContributionPosted.topic)
    await scene.owner.execute(
        "update consumer_offset set last_offset = 0 where topic = $1", ContributionPosted.topic
    )
    await heard(scene, ContributionPosted.topic)


async def an_old_history_comes_late(scene: Scene) -> None:
    """A look-up was faster than the event: version 2 is known, then version 1 is told."""
    person, last = uuid4().hex, Month.of(scene.today)
    first, second = [state_of(person, n, last.plus(-20), last) for n in (1, 2)]
    await scene.owner.execute(
        "insert into person_state values ($1, $2, 2, $3, $4)",
        POOL, person, second.to_bytes().decode(), SystemClock().now(),
    )  # fmt: skip
    await history_changed(scene, first)
    await heard(scene, PersonStateChanged.topic)
    known = await scene.owner.fetchval(
        "select state_version from person_state where person_ref = $1", person
    )
    scene.must("K06", known == 2)
    await history_changed(scene, second)
    await heard(scene, PersonStateChanged.topic)


async def a_birth_dearer_than_its_sum(scene: Scene) -> None:
    """Her pool pays a sum to her credit; what the bill has above it is hers."""
    desk, (person, pregnancy) = scene.of_heads, await _entrusted(scene)
    stay, total = await scene.stay(desk, person, pregnancy, price="30000.00")
    await desk.made(f"/stays/{stay}/settle", {"total": total})


async def _entrusted(scene: Scene) -> tuple[str, str]:
    """Somebody of the pool of heads, and her pregnancy."""
    desk, person = scene.of_heads, await scene.insured(POOL_OF_HEADS)
    since = str(scene.today - timedelta(days=270))
    body = {"person_ref": person, "since": since, "institution_code": desk.institution}
    return person, (await desk.made("/pregnancies", body))["pregnancy_id"]


async def a_last_check_is_claimed_twice(scene: Scene) -> None:
    """The check after the birth completes the head; then comes another one."""
    desk, (person, pregnancy) = scene.of_heads, await _entrusted(scene)
    for _ in range(2):
        stay, total = await scene.visit(desk, person, pregnancy, postnatal=True)
        await desk.made(f"/stays/{stay}/settle", {"total": total})


async def a_visit_on_the_day_of_the_birth(scene: Scene) -> None:
    """Another hospital claims a check of the day that the birth's stay holds."""
    person, pregnancy = await scene.pregnant()
    stay, total = await scene.stay(scene.here, person, pregnancy)
    visit, bill = await scene.visit(scene.there, person, pregnancy, week=38)
    await scene.here.made(f"/stays/{stay}/settle", {"total": total})
    await scene.there.post(f"/stays/{visit}/settle", {"total": bill})


async def a_birth_is_settled_again(scene: Scene) -> None:
    """A hospital corrects its settlement: reversed, and settled anew."""
    stay, settlement = await scene.settled()
    await scene.here.made(f"/settlements/{settlement}/reverse")
    total = (await scene.here.get(f"/stays/{stay}")).json()["total"]
    await scene.here.made(f"/stays/{stay}/settle", {"total": total})


async def a_book_has_what_was_settled_and_undone(scene: Scene) -> None:
    """A hospital holds a settlement and its reversal against ours, row by row."""
    _, settlement = await scene.settled()
    undone = await scene.here.made(f"/settlements/{settlement}/reverse")
    first = await scene.here.get(f"/settlements/{settlement}")
    rows = [
        {"settlement_id": one["settlement_id"], "refund": refund, "total": one["total"],
         "fund": one["desk"]["fund"], "account": one["member_account"]}
        for refund, one in ((False, first.json()), (True, undone))
    ]  # fmt: skip
    day = str(scene.today)
    totals = {"total": "0.00", "fund": "0.00", "account": "0.00", "rows": 2}
    body = {"since": day, "until": day, "totals": totals, "rows": rows}
    await scene.here.made("/reconciliations", body)
