"""Quotes, settlements and their undoing: 2303 to 2305 of stays, 2206 to 2208 of visits, 2601."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.settlement.actions import discharge
from services.settlement.actions.quote import judge_now, quoted
from services.settlement.actions.reverse import reverse
from services.settlement.actions.settle import Outcome, Render, Settle, settle_stay
from services.settlement.actions.undo_by_message import made_by, undo_settlement
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import Judged
from services.settlement.domain.stay import StayState, unlike_lines
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.encounters import cancel_unless_cancelled, outcome_of, the_stay
from services.settlement.nhsa.maternity import is_visit
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.receipt import receipt
from services.settlement.nhsa.refusals import NOT_TO_BE_UNDONE, SETTLED_IN_THE_MIDST
from services.settlement.nhsa.tables import aliases
from services.settlement.store import ledger, settling
from services.settlement.store.encounters import Encounter
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.problems import Problem
from shared.plumbing.repeats import Answer, DifferentBody, kept_with

_UNDONE_BY_MESSAGE = frozenset({"2304", "2207"})
_ADMISSION = "2401"
_IN_THE_MIDST = "1"
"""mid_setl_flag"""


async def quote(call: Call) -> bytes:
    """2303, 2206: what settling would come to now; nothing is stored."""
    row = _at_the_end(call.input.one("data"))
    told = {"insutype": call.insured_under(row)}
    bill = call.money(row, "medfee_sumamt")

    async def judged_now() -> Judged | Refused:
        book = call.counter.book()
        if book is None:
            return Refused(Refusal.BOOK_MISSING)

        async def look(tx: Connection) -> Judged | Refused:
            encounter = await call.encounter(tx, row)
            told.update({**encounter.told, **told})
            stay = await the_stay(tx, call, encounter.stay_id)
            if stay.cost.total != bill:
                return unlike_lines(stay)
            day = None
            if is_visit(encounter.told):
                # As `settle_visit` will have it: on its day, and as it is told by now.
                day = stay.admitted_on if stay.state is not StayState.SETTLED else None
            elif stay.state is StayState.OPEN:
                day = row.day("dscgTime") or call.scene.today
            asked = [(call.ask(), stay.stay_id, day)]
            (facts,) = await settling.read(tx, asked, in_transaction=True)
            outcome = await outcome_of(tx, stay, encounter.told, day) if day else None
            if isinstance(outcome, Refusal):
                return Refused(outcome)
            return judge_now(facts, outcome, book, call.scene.now)

        return await call.seen(look)

    judged = await call.counter.with_state(await judged_now(), judged_now)
    found = call.taken(judged)
    settlement = quoted(found, call.scene.now)
    return call.named(call.done(_receipt(call, settlement, found, told)), row)


async def settle(call: Call) -> bytes:
    """2304: settle a discharged stay, once a message, for good."""
    row = _at_the_end(call.input.one("data"))
    return await _settled(call, row, call.insured_under(row))


def _at_the_end(row: Row) -> Row:
    """The case that is to be settled. Raises Problem where the stay goes on: settled as if it had
    ended, it could not be settled at its end."""
    if row.text("mid_setl_flag") == _IN_THE_MIDST:
        raise Problem(SETTLED_IN_THE_MIDST)
    return row


async def settle_visit(call: Call) -> bytes:
    """2207: a visit ends with its settlement; what was told of it by now is its outcome.

    The two are two transactions: a message that comes again after the first finds the visit ended,
    and settles it. One that was answered or withdrawn ends nothing.
    """
    row = call.input.one("data")
    insutype = call.insured_under(row)
    bill = call.money(row, "medfee_sumamt")

    async def end(tx: Connection) -> None:
        encounter = await call.encounter(tx, row, lock=True)
        stay = await the_stay(tx, call, encounter.stay_id)
        # A visit that was refused or undone after its end may have been corrected since.
        if await kept_with(tx, call.ask()) or stay.state is StayState.SETTLED:
            return
        if stay.cost.total != bill:
            raise call.counter.problem_of(unlike_lines(stay))
        outcome = call.taken(await outcome_of(tx, stay, encounter.told, stay.admitted_on))
        if outcome != stay.outcome:
            call.taken(await discharge.discharge(tx, call.scene, stay.stay_id, outcome))

    await call.within(end)
    return await _settled(call, row, insutype)


async def _settled(call: Call, row: Row, insutype: str) -> bytes:
    def form(encounter: Encounter | None) -> Render:
        told = {**call.known(encounter, row).told, "insutype": insutype}
        return lambda made, judged: call.done(_receipt(call, made, judged, told))

    command = Settle(
        ask=call.ask(),
        stay_id=call.id(row, "mdtrt_id"),
        bill=call.money(row, "medfee_sumamt"),
        actor=call.scene.actor,
        request_id=call.scene.request_id,
        form=form,
    )

    async def once() -> Outcome:
        return await settle_stay(call.counter.settlements, command)

    outcome: Outcome = await call.counter.with_state(await once(), once)
    if isinstance(outcome, DifferentBody):
        raise outcome
    answer: Answer = call.taken(outcome)
    return call.named(answer.body, row)


def _receipt(
    call: Call, settlement: Settlement, judged: Judged, told: Mapping[str, Any]
) -> dict[str, Any]:
    return receipt(settlement, judged.stay.cost, judged.person, told, call.envelope.msgid)


async def undo(call: Call) -> bytes:
    """2305, 2208: undo a settlement by exact negatives under an id of its own."""
    row = call.input.one("data")
    settlement_id = call.id(row, "setl_id")

    async def effect(tx: Connection) -> Done:
        encounter = await call.encounter(tx, row)
        stay = await the_stay(tx, call, encounter.stay_id)
        found = await ledger.find(tx, call.profile.pool_code, settlement_id)
        if found is None or found.stay_id != stay.stay_id:
            raise call.counter.problem_of(Refusal.SETTLEMENT_UNKNOWN)
        (facts,) = await settling.read(tx, [(call.ask(), stay.stay_id, None)], in_transaction=True)
        made = call.taken(await reverse(tx, call.scene, settlement_id))
        shown = receipt(made, stay.cost, facts.person, encounter.told, call.envelope.msgid)
        return made.settlement_id, shown

    return call.named(await call.once(effect), row)


async def undo_message(call: Call) -> bytes:
    """2601: undo what a message did; one that has not arrived is not worked on any more."""
    row = call.input.one("data")
    msgid, infno = row.text("omsgid"), row.text("oinfno")
    infno = aliases().get(infno, infno)
    if infno not in (*_UNDONE_BY_MESSAGE, _ADMISSION):
        raise Problem(NOT_TO_BE_UNDONE)

    async def effect(tx: Connection) -> Done:
        message = call.message(infno, msgid)
        if infno == _ADMISSION:
            stay_id = await made_by(tx, call.scene, message)
            if stay_id is not None:
                await cancel_unless_cancelled(tx, call, stay_id, call.person(row))
            return stay_id or new_id(), {}
        undone = await undo_settlement(tx, call.scene, message, call.person(row))
        return call.taken(undone), {}

    return await call.once(effect)
