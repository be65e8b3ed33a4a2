"""Makes a part of the demo: the plan's births go through the services' actions, each act at the
moment that the plan gives it.

Several acts share a transaction, and several transactions run at once. Nothing is written but by
an action; settling goes through its group, as a hospital's request does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import orjson

from deploy.local.demo.plan import Birth, Mother
from services.enrollment.actions.acting import Acting
from services.enrollment.actions.post_contributions import Booked, Payment, post_contributions
from services.enrollment.actions.register_person import (
    Registered,
    Registration,
    register_person,
)
from services.enrollment.store.sealed import Vault
from services.settlement.actions.add_lines import add_lines
from services.settlement.actions.discharge import discharge
from services.settlement.actions.open_stay import open_stay
from services.settlement.actions.register_pregnancy import register_pregnancy
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Settle, Settling
from services.settlement.api.render import settlement_bytes
from services.settlement.domain.delivery import Delivery
from services.settlement.domain.line import FeeLine
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.stay import Outcome, Stay
from services.settlement.store.settling import Entry, Facts
from shared.money import Money
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Connection, Pool, transaction
from shared.plumbing.group import Group, Said
from shared.plumbing.repeats import Answer, Ask, body_hash
from shared.policy.book import Book
from shared.policy.shapes import DeliveryMode, MemberKind

T = TypeVar("T")
Progress = Callable[[str, int], None]
"""Told what was made, and how many more of it."""

TASKS = 4
ACTS_A_TRANSACTION = 40
WAITING_MOST = 200


class NotMade(Exception):
    """An act of the demo was refused: the plan and the services do not agree."""


@dataclass
class Moment:
    """The injected clock: it stands where the plan's next act stands."""

    at: datetime

    def now(self) -> datetime:
        """The moment of the act."""
        return self.at


class Timely(Settling):
    """Settling in which each command is decided at its own moment."""

    def __init__(self, clock: Moment, book: Book) -> None:
        super().__init__(clock, lambda: book)
        self._hands = clock
        self.moments: dict[str, datetime] = {}

    def decide(self, command: Settle, facts: Facts) -> Entry | Said[Answer]:  # type: ignore[override]
        """Decide at the command's moment; deciding waits for nothing, so no other comes between."""
        self._hands.at = self.moments[command.ask.key]
        return super().decide(command, facts)  # type: ignore[return-value]


@dataclass
class Workshop:
    """What making needs: the databases' pools, the book, the keys."""

    enrollment: Pool
    settlement: Pool
    group: Pool
    book: Book
    vault: Vault
    hash_key: bytes
    epoch: datetime
    progress: Progress
    refs: dict[str, str] = field(default_factory=dict)

    async def enroll(self, mothers: Sequence[Mother]) -> None:
        """Register mothers and book their months."""
        await self._all(
            "people registered",
            list(_batches(sorted(mothers, key=lambda m: m.registered_at))),
            self._register,
        )
        by_pool_and_month: dict[tuple[str, datetime], list[Mother]] = defaultdict(list)
        for mother in mothers:
            by_pool_and_month[mother.pool_code, mother.paid_at].append(mother)
        booked = [
            batch
            for _, those in sorted(by_pool_and_month.items(), key=lambda entry: entry[0])
            for batch in _batches(those)
        ]
        await self._all("people's months booked", booked, self._pay)

    async def admit(self, births: Sequence[Birth]) -> list[tuple[Birth, UUID]]:
        """From the registered pregnancy to the discharge; returns each birth's stay."""
        of_hospital: dict[str, list[Birth]] = defaultdict(list)
        for birth in births:
            of_hospital[birth.hospital.institution_code].append(birth)
        batches = [batch for those in of_hospital.values() for batch in _batches(those)]
        # By time, so that no hospital's two years are made before another's first day.
        batches.sort(key=lambda batch: batch[0].settled_at)
        made: dict[str, UUID] = {}
        await self._all("stays made", batches, lambda batch: self._stay(batch, made))
        return [(birth, made[key_of(birth)]) for birth in births]

    async def settle(self, stays: Sequence[tuple[Birth, UUID]]) -> dict[str, UUID]:
        """Settle discharged stays, through the group; claims by `key_of`."""
        act = Timely(Moment(self.epoch), self.book)
        act.moments = {key_of(birth): birth.settled_at for birth, _ in stays}
        group: Group[Settle, Facts, Entry, Answer] = Group(self.group, act, flushers=2)  # type: ignore[arg-type]
        group.start()
        claims: dict[str, UUID] = {}
        room = asyncio.Semaphore(WAITING_MOST)

        async def one(birth: Birth, stay_id: UUID) -> None:
            async with room:
                answer = await group.submit(self._command(birth, stay_id))
                if not isinstance(answer, Answer):
                    raise NotMade(f"settling {key_of(birth)}: {answer}")
                claims[key_of(birth)] = UUID(orjson.loads(answer.body)["settlement_id"])
                self.progress("settled", 1)

        try:
            async with asyncio.TaskGroup() as tasks:
                for birth, stay_id in stays:
                    tasks.create_task(one(birth, stay_id))
        finally:
            await group.close()
        return claims

    async def _register(self, mothers: Sequence[Mother]) -> int:
        async with transaction(self.enrollment, [AGENCY]) as tx:
            for mother in mothers:
                acting = self._acting(mother.pool_code, mother.registered_at)
                kind = MemberKind.EMPLOYEE if mother.employer else MemberKind.FLEXIBLE
                registered = await register_person(
                    tx,
                    acting,
                    Registration(
                        mother.id_number, mother.name, mother.county_code, kind,
                        mother.employer, mother.insured_since,
                    ),
                )  # fmt: skip
                if not isinstance(registered, Registered):
                    raise NotMade(f"registering somebody: {registered}")
                self.refs[mother.id_number] = registered.person.person_ref
        return len(mothers)

    async def _pay(self, mothers: Sequence[Mother]) -> int:
        acting = self._acting(mothers[0].pool_code, mothers[0].paid_at)
        payments = [
            Payment(self.refs[mother.id_number], month, Money(mother.base_fen))
            for mother in mothers
            for month in mother.months_paid
        ]
        async with transaction(self.enrollment, [AGENCY]) as tx:
            booked = await post_contributions(tx, acting, payments)
        if not isinstance(booked, Booked):
            raise NotMade(f"booking months: {booked}")
        return len(mothers)

    async def _stay(self, births: Sequence[Birth], made: dict[str, UUID]) -> int:
        code = births[0].hospital.institution_code
        async with transaction(self.settlement, [code]) as tx:
            for birth in births:
                made[key_of(birth)] = await self._from_note_to_discharge(tx, birth)
        return len(births)

    async def _from_note_to_discharge(self, tx: Connection, birth: Birth) -> UUID:
        person_ref = self.refs[birth.mother.id_number]
        code = birth.hospital.institution_code
        pregnancy = await register_pregnancy(
            tx, _scene(birth, birth.noted_at),
            person_ref=person_ref, since=birth.since, institution_code=code,
        )  # fmt: skip
        if not isinstance(pregnancy, Pregnancy):
            raise NotMade(f"registering the pregnancy of {key_of(birth)}: {pregnancy}")
        left = _scene(birth, birth.settled_at)
        stay = await open_stay(
            tx, _scene(birth, birth.admitted_at),
            stay_number=birth.stay_number, person_ref=person_ref,
            pregnancy_id=pregnancy.pregnancy_id, admitted_on=birth.admitted_on,
        )  # fmt: skip
        if not isinstance(stay, Stay):
            raise NotMade(f"opening {key_of(birth)}: {stay}")
        lined = await add_lines(tx, left, stay.stay_id, _lines(birth))
        outcome = Outcome(
            birth.event_on,
            birth.discharged_on,
            Delivery(DeliveryMode(birth.mode), birth.infants, birth.weeks),
            Money(birth.bill_fen),
        )
        ended = await discharge(tx, left, stay.stay_id, outcome)
        if not isinstance(ended, Stay):
            raise NotMade(f"discharging {key_of(birth)}: {lined}, {ended}")
        return stay.stay_id

    def _acting(self, pool_code: str, at: datetime) -> Acting:
        caller = Caller(f"clerk-{pool_code}-a", "clerk", pool_code, "")
        return Acting(caller, f"demo-{at:%Y%m%d}", at, self.book, self.vault)

    def _command(self, birth: Birth, stay_id: UUID) -> Settle:
        hospital, bill = birth.hospital, Money(birth.bill_fen)
        said = body_hash([str(stay_id), bill.to_wire()], self.hash_key)
        key = key_of(birth)
        return Settle(
            ask=Ask(hospital.pool_code, hospital.institution_code, "settle", key, said),
            stay_id=stay_id,
            bill=bill,
            actor=hospital.client_id,
            request_id=f"demo-{birth.settled_at:%Y%m%d}",
            render=settlement_bytes,
        )

    async def _all(
        self, what: str, batches: Iterable[T], make: Callable[[T], Awaitable[int]]
    ) -> None:
        """Make all batches, some at a time, in their order."""
        waiting = iter(batches)

        async def work() -> None:
            for batch in waiting:
                self.progress(what, await make(batch))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(TASKS):
                tasks.create_task(work())


def _scene(birth: Birth, at: datetime) -> Scene:
    hospital = birth.hospital
    return Scene(
        pool_code=hospital.pool_code,
        institution_code=hospital.institution_code,
        actor=hospital.client_id,
        request_id=f"demo-{at:%Y%m%d}",
        now=at,
    )


def _lines(birth: Birth) -> list[FeeLine]:
    return [
        FeeLine(
            number, charge.item_code, charge.charged_on, Decimal(charge.quantity),
            Money(charge.price_fen),
        )
        for number, charge in enumerate(birth.charges, 1)
    ]  # fmt: skip


def key_of(birth: Birth) -> str:
    """A birth's stay, over all hospitals; also its idempotency key."""
    return f"demo-{birth.hospital.institution_code}-{birth.stay_number}"


def _batches(things: Sequence[T]) -> Iterable[Sequence[T]]:
    return (
        things[start : start + ACTS_A_TRANSACTION]
        for start in range(0, len(things), ACTS_A_TRANSACTION)
    )
