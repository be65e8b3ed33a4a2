"""Persons: found, shown with their number and name masked; how they stand, how they leave."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from services.enrollment.actions import end_spell as ending
from services.enrollment.actions.acting import Acting
from services.enrollment.api.office import Asker, Clerk, Made, Reader, acting, create, show
from services.enrollment.api.refusals import problem_of
from services.enrollment.api.wire import Day, IdNumberText, NameText, SpellShown, show_spell
from services.enrollment.domain.id_number import read_id_number
from services.enrollment.domain.person_name import read_name
from services.enrollment.domain.refusals import Refusal
from services.enrollment.store.histories import read_histories, read_state
from services.enrollment.store.persons import Person, person_by_id_number, person_by_ref
from shared.contracts.person import PersonStateChanged
from shared.plumbing.clock import to_wire
from shared.plumbing.database import AGENCY, Connection, transaction
from shared.plumbing.edge import Key, Wire, desk

router = APIRouter(prefix="/enrollment/v1", tags=["persons"])

# Whatever is no reference of ours is not found, and not malformed: a peer that looks up what it
# was given by others must not take it for a failure of this service.
PersonInPath = Annotated[str, Path(description="person_ref")]


class PersonShown(Wire):
    """A person, the number and the name masked; the spells are those of the caller's pool."""

    person_ref: str
    id_number: str
    name: str
    state_version: int
    spells: list[SpellShown]


class EndBody(Wire):
    """`end` is the first day without insurance."""

    end: Day


class SpellEnded(Wire):
    """The spell as it ended."""

    person_ref: str
    state_version: int
    spell: SpellShown


class IdNumberBody(Wire):
    """An ID number stands in a body, never in an address; where a name is given, it must be the
    person's as it was registered."""

    id_number: IdNumberText
    name: NameText | None = None


class StateShown(Wire):
    """A person's whole history, as the event told it; `at` is now: it still stands."""

    state: PersonStateChanged
    at: str


@router.post("/persons/{person_ref}/spells:end", status_code=201, response_model=SpellEnded)
async def post_spell_end(
    request: Request, who: Clerk, person_ref: PersonInPath, body: EndBody, _: Key = None
) -> Response:
    """End the spell that runs in the caller's pool."""

    async def act(tx: Connection, acting: Acting) -> Made | Refusal:
        done = await ending.end_spell(tx, acting, person_ref, body.end)
        if isinstance(done, Refusal):
            return done
        shown = SpellEnded(
            person_ref=person_ref, state_version=done.version, spell=show_spell(done.spell)
        )
        return Made(UUID(hex=person_ref), shown)

    return await create(request, who, "end-spell", act)


@router.post("/persons:find", response_model=PersonShown)
async def find_person(request: Request, who: Asker, body: IdNumberBody) -> Response:
    """The person of an ID number, if of the caller's pool. Who asks under another name is told
    nothing but that there is no such person."""
    doing = acting(request, who)
    number = read_id_number(body.id_number, doing.today)
    if isinstance(number, Refusal):
        raise problem_of(number)
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        person = await person_by_id_number(tx, doing.vault, number)
        if person is not None and body.name is not None and read_name(body.name) != person.name:
            person = None
        return await _show_person(tx, doing, person)


@router.get("/persons/{person_ref}", response_model=PersonShown)
async def get_person(request: Request, who: Asker, person_ref: PersonInPath) -> Response:
    """A person of the caller's pool."""
    doing = acting(request, who)
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        person = await person_by_ref(tx, doing.vault, person_ref, doing.pool_code)
        return await _show_person(tx, doing, person)


@router.get("/persons/{person_ref}/state", response_model=StateShown)
async def get_state(request: Request, who: Reader, person_ref: PersonInPath) -> Response:
    """A person's whole history as it was told last, for whoever misses it or holds it too old."""
    doing = acting(request, who)
    async with transaction(desk(request).pool, [AGENCY]) as tx:
        state = await read_state(tx, person_ref, doing.pool_code)
    if state is None:
        raise problem_of(Refusal.PERSON_UNKNOWN)
    return show({"state": orjson.loads(state.data), "at": to_wire(doing.at)})


async def _show_person(tx: Connection, doing: Acting, person: Person | None) -> Response:
    refs = [person.person_ref] if person else []
    known = await read_histories(tx, refs, doing.pool_code)
    if person is None or person.person_ref not in known:
        raise problem_of(Refusal.PERSON_UNKNOWN)
    history = known[person.person_ref].history
    pool = doing.pool_code
    return show(
        PersonShown(
            person_ref=person.person_ref,
            id_number=person.id_number.masked(),
            name=person.name.masked(),
            state_version=known[person.person_ref].version,
            spells=[show_spell(s) for s in (history.of_pool(pool) if pool else history).spells],
        )
    )
