"""What every transaction needs at hand, and how one runs an action: once a message, or only to
look."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Settlements
from services.settlement.domain.his_profile import HisProfile
from services.settlement.domain.refusals import Refusal, Refused
from services.settlement.nhsa import ids
from services.settlement.nhsa.envelope import Envelope, hashable
from services.settlement.nhsa.maternity import is_visit
from services.settlement.nhsa.reading import Input, Row
from services.settlement.nhsa.refusals import ENCOUNTER_UNKNOWN, OTHER_ENCOUNTER, OTHER_PERSON
from services.settlement.nhsa.replies import NAMED, reply_bytes, with_names
from services.settlement.store import encounters
from services.settlement.store.encounters import Encounter
from shared.money import Money
from shared.plumbing.database import Connection, transaction
from shared.plumbing.edge import Desk, done_once
from shared.plumbing.peer import Peer
from shared.plumbing.problems import Problem
from shared.plumbing.repeats import Answer, Ask, body_hash
from shared.policy.book import Book

T = TypeVar("T")

CANCELLED = "cancelled"
"""What is told of a stay or visit that was cancelled: nothing more may be."""

_OF_STAYS = frozenset(
    {"2301", "2302", "2303", "2304", "2305", "2402", "2403", "2404", "2405"}
)  # fmt: skip
_OF_VISITS = frozenset({"2202", "2203", "2204", "2205", "2206", "2207", "2208"})
_PERSON_REF = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)


class WithState(Protocol):
    """Asks enrollment for the state that a judgement lacked, and has it judged again."""

    async def __call__(
        self, refused: T | Refused, again: Callable[[], Awaitable[T | Refused]]
    ) -> T | Refused:
        """What is judged in the end."""


@dataclass(frozen=True)
class Counter:
    """Opened by the lifespan. `problem_of` says of a refusal what every edge says of it, and
    `with_state` asks enrollment as every edge does."""

    desk: Desk
    settlements: Settlements
    book: Callable[[], Book | None]
    enrollment: Peer | None
    audit: Peer | None
    profile_of: Callable[[str], Awaitable[HisProfile | None]]
    problem_of: Callable[[Refusal | Refused], Problem]
    with_state: WithState


Done = tuple[UUID, Any]
"""The object that an answer is kept with, and its output."""


@dataclass(frozen=True)
class Call:
    """One call, understood: who calls, what was sent, and when it came."""

    counter: Counter
    envelope: Envelope
    profile: HisProfile
    input: Input
    scene: Scene

    def ask(self) -> Ask:
        """The call under its message id. The hash is of the parsed input and of the file beside it:
        not of the signature, the times, or how it is written."""
        said: Any = hashable(self.envelope.input)
        if self.envelope.file is not None:
            said = [said, hashlib.sha256(self.envelope.file).hexdigest()]
        said = body_hash(said, self.counter.desk.hash_key)
        return self.message(self.envelope.infno, self.envelope.msgid, said)

    def message(self, infno: str, msgid: str, said: bytes = b"") -> Ask:
        """A message of this institution."""
        return Ask(self.profile.pool_code, self.profile.institution_code, infno, msgid, said)

    def done(self, output: Any) -> bytes:
        """The answer of what was done."""
        now = self.counter.desk.clock.now()
        return reply_bytes(output, self.profile, self.envelope.area, self.scene.now, now)

    async def once(self, effect: Callable[[Connection], Awaitable[Done]]) -> bytes:
        """Do something once a message; asked again, the same answer comes."""

        async def kept(tx: Connection) -> tuple[UUID, Answer]:
            object_id, output = await effect(tx)
            return object_id, Answer(200, self.done(output))

        walls = [self.profile.institution_code]
        return (await done_once(self.counter.desk, self.ask(), walls, kept)).body

    async def seen(self, look: Callable[[Connection], Awaitable[T]]) -> T:
        """Look at something behind the institution's wall, and leave it as it is."""
        return await self.within(look)

    async def within(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something behind the institution's wall, in a transaction that keeps no answer: done
        again it must come to the same."""
        async with transaction(self.counter.desk.pool, [self.profile.institution_code]) as tx:
            return await act(tx)

    def taken(self, outcome: T | Refusal | Refused) -> T:
        """What an action made. Raises Problem where it refused."""
        if isinstance(outcome, Refusal | Refused):
            raise self.counter.problem_of(outcome)
        return outcome

    def id(self, row: Row, code: str) -> UUID:
        """An id of ours that a field names. Raises Wrong."""
        try:
            return ids.from_wire(row.text(code))
        except ValueError:
            raise row.wrong(code, "identifier") from None

    def person(self, row: Row) -> str:
        """The person that a row names. Raises Wrong."""
        person_ref = ids.person_from_wire(row.text("psn_no"))
        if not _PERSON_REF.fullmatch(person_ref) or ids.is_citizen_number(person_ref):
            raise row.wrong("psn_no", "identifier")
        return person_ref

    def money(self, row: Row, code: str) -> Money:
        """An amount above zero. Raises Wrong."""
        value = row.number(code)
        if value is None or value <= 0:
            raise row.wrong(code, "number")
        return Money(int(value * 100))

    async def encounter(self, tx: Connection, row: Row, *, lock: bool = False) -> Encounter:
        """What was told of the stay that a row names, if it is this person's. Raises Problem."""
        stay_id = self.id(row, "mdtrt_id")
        pool, institution = self.profile.pool_code, self.profile.institution_code
        found = await encounters.find(tx, pool, institution, stay_id, lock=lock)
        return self.known(found, row)

    def known(self, found: Encounter | None, row: Row) -> Encounter:
        """What was told of a stay, where it is the one that a row names. Raises Problem."""
        if found is None or CANCELLED in found.told:
            raise Problem(ENCOUNTER_UNKNOWN)
        if found.person_ref != self.person(row):
            raise Problem(OTHER_PERSON)
        if self.envelope.infno in (_OF_STAYS if is_visit(found.told) else _OF_VISITS):
            raise Problem(OTHER_ENCOUNTER)
        return found

    def insured_under(self, row: Row) -> str:
        """The insurance type of a row, if the profile accepts it. Raises Wrong."""
        insutype = row.text("insutype")
        if insutype not in self.profile.insurance_types:
            raise row.wrong("insutype", "not_accepted")
        return insutype

    def named(self, body: bytes, row: Row) -> bytes:
        """An answer with the name and number that the caller gave."""
        return with_names(body, {key: row.text(key) for key in NAMED})
