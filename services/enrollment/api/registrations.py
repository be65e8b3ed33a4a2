"""Registrations: of one person, or of a list, all of it or nobody."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.enrollment.actions.acting import Acting
from services.enrollment.actions.import_persons import import_persons
from services.enrollment.actions.register_person import Registered, Registration, register_person
from services.enrollment.api.office import Clerk, Made, create
from services.enrollment.api.wire import (
    Day,
    EmployerRef,
    IdNumberText,
    NameText,
    PoolCode,
    RegisteredKind,
    SpellShown,
    show_spell,
)
from services.enrollment.domain.refusals import Refusal, Refused
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.edge import Key, Wire
from shared.policy.shapes import MemberKind

router = APIRouter(prefix="/enrollment/v1", tags=["persons"])

_ITEMS_MOST = 500


class PersonBody(Wire):
    """A registration: by an employer for an employee, else without one."""

    id_number: IdNumberText
    name: NameText
    county_code: PoolCode
    kind: RegisteredKind
    employer_ref: EmployerRef | None = None
    start: Day


class ImportBody(Wire):
    """Several registrations, done together or not at all."""

    items: Annotated[list[PersonBody], Field(min_length=1, max_length=_ITEMS_MOST)]


class RegisteredShown(Wire):
    """The person of the number, and the spell that began."""

    person_ref: str
    id_number: str
    name: str
    state_version: int
    spell: SpellShown


class ImportShown(Wire):
    """The persons in the order of the items."""

    items: list[RegisteredShown]


@router.post("/persons", status_code=201, response_model=RegisteredShown)
async def post_person(request: Request, who: Clerk, body: PersonBody, _: Key = None) -> Response:
    """Register a person: both insurances in one act where the kind has both."""

    async def act(tx: Connection, acting: Acting) -> Made | Refusal:
        done = await register_person(tx, acting, _asked(body))
        if isinstance(done, Refusal):
            return done
        return Made(UUID(hex=done.person.person_ref), _show(done))

    return await create(request, who, "register-person", act)


@router.post("/imports", status_code=201, response_model=ImportShown)
async def post_import(request: Request, who: Clerk, body: ImportBody, _: Key = None) -> Response:
    """Register up to 500 persons of a list; the first that is refused refuses the list."""

    async def act(tx: Connection, acting: Acting) -> Made | Refused:
        done = await import_persons(tx, acting, [_asked(item) for item in body.items])
        if isinstance(done, Refused):
            return done
        return Made(new_id(), ImportShown(items=[_show(one) for one in done]))

    return await create(request, who, "import-persons", act)


def _asked(body: PersonBody) -> Registration:
    return Registration(
        body.id_number, body.name, body.county_code, MemberKind(body.kind), body.employer_ref,
        body.start,
    )  # fmt: skip


def _show(done: Registered) -> RegisteredShown:
    return RegisteredShown(
        person_ref=done.person.person_ref,
        id_number=done.person.id_number.masked(),
        name=done.person.name.masked(),
        state_version=done.person.version,
        spell=show_spell(done.spell),
    )
