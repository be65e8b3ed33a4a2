"""What settlement's routes need beside the common desk; and how they run an action."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from services.settlement.actions.look_up_person import look_up_person
from services.settlement.actions.note_person_states import note_person_states
from services.settlement.actions.price_again import Shelf
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Settlements
from services.settlement.api.refusals import problem_of
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.store.settling import Entry
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection, Pool, transaction
from shared.plumbing.edge import desk, once_per_key
from shared.plumbing.peer import Peer
from shared.plumbing.repeats import Answer
from shared.policy.book import Book

T = TypeVar("T")

HOSPITAL = "hospital"
CLERK = "clerk"
FINANCE = "finance"
REVIEWER = "reviewer"
SERVICE = "service"

_BATCHES = 2
"""Batches under way at once: they have a lane of their own, and leave connections to the desks."""


class Office:
    """Opened by the lifespan: the group writer, the book, the way to ask enrollment."""

    def __init__(
        self,
        pool: Pool,
        settlements: Settlements,
        book: Callable[[], Book | None],
        enrollment: Peer | None,
        compile_built_in: Callable[[], Book],
        hash_key: bytes,
        archived: Shelf,
        measure: Callable[[Entry, float], None],
    ) -> None:
        """`measure` is told of each settlement that was committed, and how many seconds it took."""
        self.pool = pool
        self.settlements = settlements
        self.book = book
        self.enrollment = enrollment
        self.compile_built_in = compile_built_in
        self.hash_key = hash_key
        self.archived = archived
        self.measure = measure
        self.batches = asyncio.Semaphore(_BATCHES)


def office(request: Request) -> Office:
    """The office of the running service."""
    found: Office = request.app.state.office
    return found


def scene_of(request: Request, who: Caller) -> Scene:
    """Who acts now, by the credential."""
    return Scene(
        pool_code=who.pool_code,
        institution_code=who.institution_code,
        actor=who.client_id,
        request_id=request.state.trace_id,
        now=desk(request).clock.now(),
    )


def callers_of(who: Caller) -> list[str]:
    """Whose rows the caller may see: a hospital its own, the agency's staff all."""
    return [who.institution_code] if who.role == HOSPITAL else [AGENCY]


async def keyed(
    request: Request,
    who: Caller,
    operation: str,
    act: Callable[[Connection, Scene], Awaitable[T | Refusal | Refused]],
    render: Callable[[T], tuple[UUID, bytes]],
) -> Response:
    """Run an action that creates something, once per Idempotency-Key."""
    scene = scene_of(request, who)

    async def effect(tx: Connection) -> tuple[UUID, Answer]:
        outcome = await act(tx, scene)
        if isinstance(outcome, Refusal | Refused):
            raise problem_of(outcome)
        object_id, body = render(outcome)
        return object_id, Answer(201, body)

    return await once_per_key(request, who, operation, callers_of(who), effect)


async def seen(
    request: Request, who: Caller, look: Callable[[Connection, Scene], Awaitable[T]]
) -> T:
    """Look at something in a transaction behind the caller's wall."""
    async with transaction(desk(request).pool, callers_of(who)) as tx:
        return await look(tx, scene_of(request, who))


async def fetch_state(here: Office, person_ref: str) -> Refusal | None:
    """Ask enrollment for a person and keep the state as if it had been told; None if it worked."""
    found = await look_up_person(here.enrollment, person_ref)
    if isinstance(found, Refusal):
        return found
    async with transaction(here.pool, [AGENCY]) as tx:
        await note_person_states(tx, [found])
    return None


_ASK_FOR_STATE = frozenset({Refusal.PERSON_UNKNOWN, Refusal.PERSON_STATE_TOO_OLD})


async def with_state(
    here: Office, refused: T | Refused, again: Callable[[], Awaitable[T | Refused]]
) -> T | Refused:
    """Ask enrollment for the state that a judgement lacked, and have it judged again.

    Where nobody could be asked that is what is said: an outage is no unknown person.
    """
    if not isinstance(refused, Refused) or refused.refusal not in _ASK_FOR_STATE:
        return refused
    failed = await fetch_state(here, str(dict(refused.values)["person_ref"]))
    if failed is None:
        return await again()
    return refused if refused.refusal is Refusal.PERSON_STATE_TOO_OLD else Refused(failed)
