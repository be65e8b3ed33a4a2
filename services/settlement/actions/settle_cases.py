"""Settle complete cases in one act: each stay is opened, billed, discharged and settled, or nothing
of any of them is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar
from uuid import UUID

from services.settlement.actions import add_lines, discharge, open_stay
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Form, Settle, decide
from services.settlement.domain.line import FeeLine
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.domain.stay import Outcome, Stay
from services.settlement.store import doubts, lines, pregnancies, settling, stay_items, stays
from services.settlement.store.settling import Entry
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.repeats import Ask, Overtaken
from shared.policy.book import Book
from shared.policy.shapes import Benefit

T = TypeVar("T")

_GROUP_MOST = 100


@dataclass(frozen=True, slots=True)
class CompleteCase:
    """What a desk tells of a stay or visit from its beginning to its bill."""

    stay_number: str
    person_ref: str
    pregnancy_id: UUID | None
    admitted_on: date
    benefit: Benefit
    lines: Sequence[FeeLine]
    outcome: Outcome


Told = tuple[Ask, CompleteCase]


class CaseRefused(Exception):
    """A case is refused: whatever was done in its transaction is to be rolled back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.refusal.value)
        self.refused = refused


class _Billed(NamedTuple):
    """A case with its bill: the stay as it was opened, with its lines, and as it was left."""

    scene: Scene
    case: CompleteCase
    opened: Stay
    bill: add_lines.Billed
    discharged: Stay


def apart(told: Sequence[Told]) -> Iterator[list[Told]]:
    """The cases in their order, in groups of which no two share a key, stay number, person or
    pregnancy: so none of a group is settled otherwise for being settled with the others."""
    group: list[Told] = []
    touched: set[object] = set()
    for ask, case in told:
        touches = {("key", ask.key), ("number", case.stay_number), ("person", case.person_ref),
                   case.pregnancy_id or ask}  # fmt: skip
        if len(group) == _GROUP_MOST or not touched.isdisjoint(touches):
            yield group
            group, touched = [], set()
        group.append((ask, case))
        touched |= touches
    yield group


async def settle_cases(
    tx: Connection, scenes: Sequence[Scene], told: Sequence[Told], book: Book | None, form: Form
) -> list[Entry]:
    """Settle cases that are told whole, of one group of `apart`, by the same few statements however
    many they are. What was written of each holds its answer, kept under its ask. The scenes are
    one of each case, all of one institution; each case is decided at its own scene's moment.

    Raises CaseRefused for the first that is refused, and Overtaken where one of them was settled
    meanwhile. The caller rolls back then, and settles each alone to learn which it was.
    """
    if book is None:
        raise CaseRefused(Refused(Refusal.BOOK_MISSING))
    cases = [case for _, case in told]
    of_cases = [case.pregnancy_id for case in cases if case.pregnancy_id is not None]
    registered = await pregnancies.keep_all(tx, scenes[0].pool_code, of_cases)
    named = [line for case in cases for line in case.lines]
    known = await add_lines.known_of(tx, scenes[0], named)
    billed = [
        _billed(scene, case, registered, known) for scene, case in zip(scenes, cases, strict=True)
    ]
    await _store(tx, billed, known)
    asked = [(ask, one.opened.stay_id, None) for (ask, _), one in zip(told, billed, strict=True)]
    found = await settling.read(tx, asked, in_transaction=True)
    entries = []
    for (ask, stay_id, _), one, facts in zip(asked, billed, found, strict=True):
        if facts.kept is not None:
            raise Overtaken
        scene, bill = one.scene, one.case.outcome.bill
        command = Settle(ask, stay_id, bill, scene.actor, scene.request_id, form)
        entries.append(_or_refuse(decide(command, facts, book, scene.now)))
    try:
        won = await settling.write(tx, entries)
    except settling.CLASHES as error:
        raise CaseRefused(Refused(settling.clash_of(error))) from None
    if not all(won):
        raise Overtaken
    return entries


def _billed(
    scene: Scene, case: CompleteCase, registered: Mapping[UUID, Pregnancy], known: add_lines.Known
) -> _Billed:
    pregnancy = registered.get(case.pregnancy_id) if case.pregnancy_id else None
    opened = _or_refuse(
        open_stay.opened(
            scene, pregnancy, stay_number=case.stay_number, person_ref=case.person_ref,
            pregnancy_id=case.pregnancy_id, admitted_on=case.admitted_on, benefit=case.benefit,
        )
    )  # fmt: skip
    bill = _or_refuse(add_lines.billed(scene, opened, case.lines, known, {}))
    discharged = _or_refuse(discharge.left(scene, bill.stay, case.outcome))
    return _Billed(scene, case, opened, bill, discharged)


async def _store(tx: Connection, billed: Sequence[_Billed], known: add_lines.Known) -> None:
    """What opening, billing and discharging each stay would store, one after the other."""
    left = [one.discharged for one in billed]
    if await stays.insert(tx, left) < len(left):
        raise CaseRefused(Refused(Refusal.STAY_NUMBER_USED))
    await lines.insert(tx, [(one.opened, one.bill.lines) for one in billed])
    of_lines = [add_lines.doubtful(o.scene, o.opened, o.case.lines, known.own) for o in billed]
    await doubts.note(tx, [doubt for some in of_lines for doubt in some])
    await stay_items.keep(tx, left)
    deeds = [
        (
            open_stay.logged(one.scene, one.opened),
            add_lines.logged(one.scene, one.opened),
            discharge.logged(one.scene, one.bill.stay),
        )
        for one in billed
    ]
    await write_log(tx, [deed for some in deeds for deed in some])


def _or_refuse(outcome: T | Refusal | Refused) -> T:
    if isinstance(outcome, Refusal):
        raise CaseRefused(Refused(outcome))
    if isinstance(outcome, Refused):
        raise CaseRefused(outcome)
    return outcome
