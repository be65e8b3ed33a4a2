"""Makes a part of the demo: what the plan holds goes through the services' actions, each act at the
moment that the plan gives it.

Nothing is written but by an action; settling goes through its group, as a hospital's request does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from deploy.local.demo.care import Care, at
from deploy.local.demo.late import Books
from deploy.local.demo.plan import Round
from deploy.local.demo.together import NotMade, Progress, batches, make_all
from services.settlement.actions.add_lines import add_lines
from services.settlement.actions.discharge import discharge
from services.settlement.actions.open_stay import open_stay
from services.settlement.actions.register_pregnancy import register_pregnancy, transfer_pregnancy
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Settle, Settling
from services.settlement.api.render import settled_form
from services.settlement.domain.claimed import benefit_of
from services.settlement.domain.line import FeeLine
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.stay import Outcome, Stay
from services.settlement.store.settling import Entry, Facts
from shared.money import Money
from shared.plumbing.database import Connection, Pool, transaction
from shared.plumbing.group import Group, Said
from shared.plumbing.repeats import Answer, Ask, body_hash

WAITING_MOST = 200


@dataclass
class Moment:
    """The injected clock: it stands where the plan's next act stands."""

    at: datetime

    def now(self) -> datetime:
        """The moment of the act."""
        return self.at


class Timely(Settling):
    """Settling in which each command is decided at its own moment, by the book of that moment."""

    def __init__(self, clock: Moment, books: Books) -> None:
        super().__init__(clock, lambda: books.at(clock.at))
        self._hands = clock
        self.moments: dict[str, datetime] = {}

    def decide(self, command: Settle, facts: Facts) -> Entry | Said[Answer]:  # type: ignore[override]
        """Decide at the command's moment; deciding waits for nothing, so no other comes between."""
        self._hands.at = self.moments[command.ask.key]
        return super().decide(command, facts)  # type: ignore[return-value]


@dataclass
class Workshop:
    """What making needs: settlement's pools, the books, whose reference is whose, by ID number.

    It remembers what was made: pregnancies by person and first day, stays by `Care.key`, claims by
    idempotency key.
    """

    settlement: Pool
    group: Pool
    books: Books
    hash_key: bytes
    epoch: datetime
    progress: Progress
    refs: Mapping[str, str]
    pregnancies: dict[tuple[str, date], UUID] = field(default_factory=dict)
    transferred: set[UUID] = field(default_factory=set)
    stays: dict[str, UUID] = field(default_factory=dict)
    claims: dict[str, UUID] = field(default_factory=dict)

    async def admit(self, those: Round) -> None:
        """From the registered pregnancy to the discharge."""
        of_hospital: dict[str, list[Care]] = defaultdict(list)
        for care in those.cares:
            of_hospital[care.hospital.institution_code].append(care)
        together = [batch for cares in of_hospital.values() for batch in batches(cares)]
        # By time, so that no hospital's two years are made before another's first day.
        together.sort(key=lambda batch: batch[0].settled_at)
        await make_all(self.progress, "stays made", together, self._stay)

    async def settle(self, moments: dict[str, tuple[Care, datetime]]) -> None:
        """Settle discharged stays, through the group: the idempotency key, the stay, and when."""
        act = Timely(Moment(self.epoch), self.books)
        act.moments = {key: moment for key, (_, moment) in moments.items()}
        group: Group[Settle, Facts, Entry, Answer] = Group(self.group, act, flushers=2)  # type: ignore[arg-type]
        group.start()
        room = asyncio.Semaphore(WAITING_MOST)

        async def one(key: str, care: Care, moment: datetime) -> None:
            async with room:
                answer = await group.submit(self._command(key, care, moment))
                if not isinstance(answer, Answer):
                    raise NotMade(f"settling {care.key}: {answer}")
                self.claims[key] = UUID(orjson.loads(answer.body)["settlement_id"])
                self.progress("settled", 1)

        try:
            async with asyncio.TaskGroup() as tasks:
                for key, (care, moment) in moments.items():
                    tasks.create_task(one(key, care, moment))
        finally:
            await group.close()

    async def _stay(self, cares: Sequence[Care]) -> int:
        code = cares[0].hospital.institution_code
        async with transaction(self.settlement, [code]) as tx:
            for care in cares:
                self.stays[care.key] = await self._from_note_to_discharge(tx, care)
        return len(cares)

    async def _from_note_to_discharge(self, tx: Connection, care: Care) -> UUID:
        left = scene_of(care, care.settled_at)
        stay = await open_stay(
            tx, scene_of(care, care.admitted_at),
            stay_number=care.stay_number, person_ref=self.refs[care.mother.id_number],
            pregnancy_id=await self._pregnancy(tx, care), admitted_on=care.admitted_on,
            benefit=benefit_of(care.claimed),
        )  # fmt: skip
        if not isinstance(stay, Stay):
            raise NotMade(f"opening {care.key}: {stay}")
        lined = await add_lines(tx, left, stay.stay_id, _lines(care))
        bill = Money(care.bill_fen)
        outcome = Outcome(
            care.event_on, care.discharged_on, care.claimed, bill,
            diagnoses=care.diagnoses, procedures=care.procedures,
        )  # fmt: skip
        ended = await discharge(tx, left, stay.stay_id, outcome)
        if not isinstance(ended, Stay):
            raise NotMade(f"discharging {care.key}: {lined}, {ended}")
        return stay.stay_id

    async def _pregnancy(self, tx: Connection, care: Care) -> UUID | None:
        """The pregnancy of a stay, registered when its first one is opened, and transferred when
        the first one after the transfer is."""
        carrying = care.carrying
        if carrying is None:
            return None
        person, moves = care.mother.id_number, carrying.transfer
        if (person, carrying.since) not in self.pregnancies:
            made = await register_pregnancy(
                tx, scene_of(care, carrying.noted_at), person_ref=self.refs[person],
                since=carrying.since, institution_code=carrying.hospital.institution_code,
            )  # fmt: skip
            if not isinstance(made, Pregnancy):
                raise NotMade(f"registering the pregnancy of {care.key}: {made}")
            self.pregnancies[person, carrying.since] = made.pregnancy_id
        pregnancy = self.pregnancies[person, carrying.since]
        if moves is not None and moves.on <= care.event_on and pregnancy not in self.transferred:
            moved = await transfer_pregnancy(
                tx, scene_of(care, at(moves.on, 10)), pregnancy, moves.hospital.institution_code,
                moves.on,
            )  # fmt: skip
            if not isinstance(moved, Pregnancy):
                raise NotMade(f"transferring the pregnancy of {care.key}: {moved}")
            self.transferred.add(pregnancy)
            self.progress("pregnancies transferred", 1)
        return pregnancy

    def ask(self, care: Care, operation: str, key: str, body: Any) -> Ask:
        """What a stay's hospital asks for under a key."""
        hospital, said = care.hospital, body_hash(body, self.hash_key)
        return Ask(hospital.pool_code, hospital.institution_code, operation, key, said)

    def _command(self, key: str, care: Care, moment: datetime) -> Settle:
        bill, stay_id = Money(care.bill_fen), self.stays[care.key]
        return Settle(
            ask=self.ask(care, "settle", key, [str(stay_id), bill.to_wire()]),
            stay_id=stay_id,
            bill=bill,
            actor=care.hospital.client_id,
            request_id=f"demo-{moment:%Y%m%d}",
            form=settled_form,
        )


def scene_of(care: Care, moment: datetime) -> Scene:
    """What the hospital of a stay does at a moment."""
    hospital = care.hospital
    return Scene(
        pool_code=hospital.pool_code,
        institution_code=hospital.institution_code,
        actor=hospital.client_id,
        request_id=f"demo-{moment:%Y%m%d}",
        now=moment,
    )


def _lines(care: Care) -> list[FeeLine]:
    return [
        FeeLine(
            number, charge.item_code, charge.charged_on, Decimal(charge.quantity),
            Money(charge.price_fen),
        )
        for number, charge in enumerate(care.charges, 1)
    ]  # fmt: skip
