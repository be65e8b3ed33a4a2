"""Register a person: one act, one person, both insurances where the kind has both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.record_state import record_states
from services.enrollment.domain.id_number import IdNumber, read_id_number
from services.enrollment.domain.membership import History, Spell, join, start_fits
from services.enrollment.domain.person_name import PersonName, read_name
from services.enrollment.domain.refusals import Refusal
from services.enrollment.domain.registration import employer_fits, insurances
from services.enrollment.store.employers import employer_exists
from services.enrollment.store.histories import Known, end_spell, insert_spell, read_histories
from services.enrollment.store.persons import Person, insert_person, person_by_id_number
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
    number = read_id_number(asked.id_number, acting.today)
    name = read_name(asked.name)
    if isinstance(number, Refusal):
        return number
    if isinstance(name, Refusal):
        return name
    spell = await _spell(tx, acting, asked, number)
    if isinstance(spell, Refusal):
        return spell
    person = await person_by_id_number(tx, acting.vault, number)
    if person is not None and person.name != name:
        return Refusal.NAME_DIFFERS
    known = _NOBODY_YET
    if person is not None:
        known = (await read_histories(tx, [person.person_ref], ""))[person.person_ref]
    moved = join(known.history, spell)
    if isinstance(moved, Refusal):
        return moved
    person_ref = person.person_ref if person else await _add(tx, acting, number, name)
    # The version is claimed before any spell is touched: who comes second fails here.
    versions = await record_states(
        tx, acting, "register-person", {person_ref: (known, moved.history)}, {person_ref: number}
    )
    if moved.ended is not None:
        await end_spell(tx, person_ref, moved.ended)
    await insert_spell(tx, person_ref, spell)
    return Registered(Person(person_ref, number, name, versions[person_ref]), spell)


async def _spell(
    tx: Connection, acting: Acting, asked: Registration, number: IdNumber
) -> Spell | Refusal:
    if not start_fits(asked.start, number.born_on, acting.today):
        return Refusal.START_OUT_OF_RANGE
    if not employer_fits(asked.kind, asked.employer_ref):
        return Refusal.EMPLOYER_AND_KIND
    if asked.employer_ref is not None and not await employer_exists(
        tx, acting.pool_code, asked.employer_ref
    ):
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


async def _add(tx: Connection, acting: Acting, number: IdNumber, name: PersonName) -> str:
    person_ref = uuid4().hex
    await insert_person(tx, acting.vault, Person(person_ref, number, name, 1), acting.at)
    return person_ref
