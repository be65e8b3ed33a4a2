"""Register persons: one act, one person, both insurances where the kind has both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import uuid4

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.record_state import record_states
from services.enrollment.domain.id_number import IdNumber, read_id_number
from services.enrollment.domain.membership import History, Moved, Spell, join, start_fits
from services.enrollment.domain.person_name import PersonName, read_name
from services.enrollment.domain.refusals import Refusal, Refused
from services.enrollment.domain.registration import employer_fits, insurances
from services.enrollment.store.employers import employers_known
from services.enrollment.store.histories import Known, end_spell, insert_spells, read_histories
from services.enrollment.store.persons import Person, insert_persons, persons_by_id_numbers
from shared.period import Period
from shared.plumbing.database import Connection
from shared.policy.shapes import MemberKind

_NOBODY_YET = Known(0, History())


@dataclass(frozen=True, slots=True)
class Registration:
    """What is asked: who, as what, from which day on."""

    id_number: str
    name: str
    county_code: str
    kind: MemberKind
    employer_ref: str | None
    start: date


@dataclass(frozen=True, slots=True)
class Registered:
    """The person, new or known, and the spell that began."""

    person: Person
    spell: Spell


async def register_person(
    tx: Connection, acting: Acting, asked: Registration
) -> Registered | Refusal:
    """Register by ID number: the same number is the same person, with a new spell."""
    done = await register_persons(tx, acting, [asked])
    return done.refusal if isinstance(done, Refused) else done[0]


async def register_persons(
    tx: Connection, acting: Acting, listed: Sequence[Registration]
) -> list[Registered] | Refused:
    """Register those of a list, all of them or nobody, by as many statements however many they
    are. No ID number is in it twice: what is read of all of them is read before any is written."""
    found = await _found(tx, acting, listed)
    joining: list[_Joining] = []
    for item, asked in enumerate(listed):
        one = _joining(acting, asked, found)
        if isinstance(one, Refusal):
            return Refused(one, item)
        joining.append(one)
    new = [one for one in joining if not one.known.version]
    await insert_persons(
        tx,
        acting.vault,
        [Person(one.person_ref, one.number, one.name, 1) for one in new],
        acting.at,
    )
    # The version is claimed before any spell is touched: who comes second fails here.
    versions = await record_states(
        tx, acting, "register-person",
        {one.person_ref: (one.known, one.moved.history) for one in joining},
        {one.person_ref: one.number for one in joining},
    )  # fmt: skip
    for one in joining:
        if one.moved.ended is not None:
            await end_spell(tx, one.person_ref, one.moved.ended)
    await insert_spells(tx, [(one.person_ref, one.spell) for one in joining])
    return [
        Registered(Person(o.person_ref, o.number, o.name, versions[o.person_ref]), o.spell)
        for o in joining
    ]


class _Found(NamedTuple):
    """What is known of a list's numbers and employers before any of it is registered."""

    employers: set[str]
    persons: dict[IdNumber, Person]
    histories: dict[str, Known]


async def _found(tx: Connection, acting: Acting, listed: Sequence[Registration]) -> _Found:
    named = {asked.employer_ref for asked in listed if asked.employer_ref is not None}
    employers = await employers_known(tx, acting.pool_code, sorted(named)) if named else set()
    read = [read_id_number(asked.id_number, acting.today) for asked in listed]
    numbers = [number for number in read if isinstance(number, IdNumber)]
    persons = await persons_by_id_numbers(tx, acting.vault, numbers)
    refs = [person.person_ref for person in persons.values()]
    histories = await read_histories(tx, refs, "") if refs else {}
    return _Found(employers, persons, histories)


class _Joining(NamedTuple):
    """Somebody who joins: who it is, as known before, the history with the spell that begins."""

    person_ref: str
    number: IdNumber
    name: PersonName
    known: Known
    moved: Moved
    spell: Spell


def _joining(acting: Acting, asked: Registration, found: _Found) -> _Joining | Refusal:
    number = read_id_number(asked.id_number, acting.today)
    name = read_name(asked.name)
    if isinstance(number, Refusal):
        return number
    if isinstance(name, Refusal):
        return name
    spell = _spell(acting, asked, number, found.employers)
    if isinstance(spell, Refusal):
        return spell
    person = found.persons.get(number)
    if person is not None and person.name != name:
        return Refusal.NAME_DIFFERS
    known = found.histories[person.person_ref] if person else _NOBODY_YET
    moved = join(known.history, spell)
    if isinstance(moved, Refusal):
        return moved
    person_ref = person.person_ref if person else uuid4().hex
    return _Joining(person_ref, number, name, known, moved, spell)


def _spell(
    acting: Acting, asked: Registration, number: IdNumber, employers: set[str]
) -> Spell | Refusal:
    if not start_fits(asked.start, number.born_on, acting.today):
        return Refusal.START_OUT_OF_RANGE
    if not employer_fits(asked.kind, asked.employer_ref):
        return Refusal.EMPLOYER_AND_KIND
    if asked.employer_ref is not None and asked.employer_ref not in employers:
        return Refusal.EMPLOYER_UNKNOWN
    # The registration is an act of today, or of the day on which it takes effect.
    on = max(asked.start, acting.today)
    started = insurances(acting.book, acting.pool_code, asked.kind, on, acting.today)
    if isinstance(started, Refusal):
        return started
    return Spell(
        acting.pool_code, asked.county_code, asked.kind, started, asked.employer_ref,
        Period(asked.start),
    )  # fmt: skip
