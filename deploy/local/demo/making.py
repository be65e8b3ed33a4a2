"""Makes a part of the demo: what the plan holds goes through the services' actions, each act at the
moment that the plan gives it.

Nothing is written but by an action: hospitals tell their cases whole, by the hundred, and what was
reversed is settled again through the group, as one request is.
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

from deploy.local.demo.care import Care, Carrying, at
from deploy.local.demo.late import Books
from deploy.local.demo.plan import Round
from deploy.local.demo.together import NotMade, Progress, batches, make_all
from services.settlement.actions.register_pregnancy import (
    Noting,
    register_pregnancies,
    transfer_pregnancy,
)
from services.settlement.actions.scene import Scene
from services.settlement.actions.settle import Settle, Settling
from services.settlement.actions.settle_cases import CaseRefused, CompleteCase, settle_cases
from services.settlement.api.render import settled_form
from services.settlement.domain.claimed import benefit_of
from services.settlement.domain.line import FeeLine
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.stay import Outcome
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

    async def make(self, those: Round) -> None:
        """From the registered pregnancy to the settlement: hospitals tell their cases whole. No two
        of a round are one person's, so that they may share a transaction."""
        told: dict[tuple[str, bool], list[Care]] = defaultdict(list)
        for care in those.cares:
            early = care.settled_at < self.books.changed_at
            told[care.hospital.institution_code, early].append(care)
        together = [batch for cares in told.values() for batch in batches(cares)]
        # By time, so that no hospital's two years are made before another's first day.
        together.sort(key=lambda batch: batch[0].settled_at)
        await make_all(self.progress, "settled", together, self._settle_whole)

    async def settle(self, moments: dict[str, tuple[Care, datetime]]) -> None:
        """Settle stays again, through the group: the idempotency key, the stay, and when."""
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

    async def _settle_whole(self, cares: Sequence[Care]) -> int:
        """What one hospital tells under one book, each case as at the moment of its discharge."""
        async with transaction(self.settlement, [cares[0].hospital.institution_code]) as tx:
            await self._register(tx, cares)
            for care in cares:
                await self._transfer(tx, care)
            try:
                entries = await settle_cases(
                    tx, [scene_of(care, care.settled_at) for care in cares],
                    [(self._ask_to_settle(care.key, care), self._case(care)) for care in cares],
                    self.books.at(cares[0].settled_at), settled_form,
                )  # fmt: skip
            except CaseRefused as refused:
                raise NotMade(f"settling one from {cares[0].key} on: {refused}") from None
        for care, entry in zip(cares, entries, strict=True):
            self.claims[care.key] = entry.settlement.settlement_id
            self.stays[care.key] = entry.settlement.stay_id
        return len(cares)

    def _case(self, care: Care) -> CompleteCase:
        outcome = Outcome(
            care.event_on, care.discharged_on, care.claimed, Money(care.bill_fen),
            diagnoses=care.diagnoses, procedures=care.procedures,
        )  # fmt: skip
        return CompleteCase(
            stay_number=care.stay_number,
            person_ref=self.refs[care.mother.id_number],
            pregnancy_id=self._pregnancy(care),
            admitted_on=care.admitted_on,
            benefit=benefit_of(care.claimed),
            lines=_lines(care),
            outcome=outcome,
        )

    async def _register(self, tx: Connection, cares: Sequence[Care]) -> None:
        """Register the pregnancies whose first stay or visit is among these."""
        told = {
            _carried(care, carrying): Noting(
                scene_of(care, carrying.noted_at), self.refs[care.mother.id_number],
                carrying.since, carrying.hospital.institution_code,
            )
            for care in cares
            if (carrying := care.carrying) and _carried(care, carrying) not in self.pregnancies
        }  # fmt: skip
        made = await register_pregnancies(tx, list(told.values())) if told else []
        if isinstance(made, Refusal):
            raise NotMade(f"registering pregnancies from {cares[0].key} on: {made}")
        for carried, pregnancy in zip(told, made, strict=True):
            self.pregnancies[carried] = pregnancy.pregnancy_id

    def _pregnancy(self, care: Care) -> UUID | None:
        return self.pregnancies[_carried(care, care.carrying)] if care.carrying else None

    async def _transfer(self, tx: Connection, care: Care) -> None:
        """Transfer a pregnancy before the first stay or visit after its transfer."""
        pregnancy, moves = self._pregnancy(care), care.carrying and care.carrying.transfer
        if pregnancy and moves and moves.on <= care.event_on and pregnancy not in self.transferred:
            moved = await transfer_pregnancy(
                tx, scene_of(care, at(moves.on, 10)), pregnancy, moves.hospital.institution_code,
                moves.on,
            )  # fmt: skip
            if not isinstance(moved, Pregnancy):
                raise NotMade(f"transferring the pregnancy of {care.key}: {moved}")
            self.transferred.add(pregnancy)
            self.progress("pregnancies transferred", 1)

    def ask(self, care: Care, operation: str, key: str, body: Any) -> Ask:
        """What a stay's hospital asks for under a key."""
        hospital, said = care.hospital, body_hash(body, self.hash_key)
        return Ask(hospital.pool_code, hospital.institution_code, operation, key, said)

    def _ask_to_settle(self, key: str, care: Care) -> Ask:
        return self.ask(care, "settle", key, [care.stay_number, care.bill_fen])

    def _command(self, key: str, care: Care, moment: datetime) -> Settle:
        return Settle(
            ask=self._ask_to_settle(key, care),
            stay_id=self.stays[care.key],
            bill=Money(care.bill_fen),
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


def _carried(care: Care, carrying: Carrying) -> tuple[str, date]:
    """What tells a pregnancy from all others."""
    return care.mother.id_number, carrying.since


def _lines(care: Care) -> list[FeeLine]:
    return [
        FeeLine(
            number, charge.item_code, charge.charged_on, Decimal(charge.quantity),
            Money(charge.price_fen),
        )
        for number, charge in enumerate(care.charges, 1)
    ]  # fmt: skip
