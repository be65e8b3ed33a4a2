"""Hospitals that settle complete cases by batches, each sent again whole until all of it is final."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import orjson

from services.settlement.api.batches import BatchBody, batch
from shared.plumbing.auth import Caller
from tests.faults.simulation.points import Schedule, StoppingPool
from tests.faults.simulation.town import Town
from tests.settlement.conftest import NANJING

BILL = "4650.00"


@dataclass
class CaseCall:
    """A birth that a hospital wants settled under a key, until it is told what became of it."""

    hospital: str
    person_ref: str
    pregnancy_id: UUID
    key: str = field(default_factory=lambda: uuid4().hex)
    answers: list[bytes] = field(default_factory=list)
    refused: bool = False
    operation: str = "case"

    @property
    def settled(self) -> str:
        """The settlement that it was told of; empty where it was refused."""
        return str(orjson.loads(self.answers[0])["settlement_id"]) if self.answers else ""

    @property
    def final(self) -> bool:
        """Whether it need not be sent again."""
        return bool(self.answers) or self.refused

    def hears(self, result: dict[str, Any]) -> None:
        """Take what the batch says of it; a refusal of what was settled is another answer."""
        if result["settlement"] is not None:
            self.answers.append(orjson.dumps(result["settlement"]))
        elif not result["problem"]["retryable"]:
            self.refused = True
            if self.answers:
                self.answers.append(orjson.dumps(result["problem"]["code"]))

    def body(self) -> dict[str, Any]:
        """The case as it is sent, the same each time; its stay's number is its key."""
        lines = [("delivery", "1", "4500.00"), ("bed", "3", "50.00")]
        return {
            "key": self.key, "stay_number": self.key, "person_ref": self.person_ref,
            "pregnancy_id": str(self.pregnancy_id), "admitted_on": "2024-03-20",
            "lines": [
                {"line_number": number, "item_code": item, "charged_on": "2024-03-21",
                 "quantity": quantity, "price": price}
                for number, (item, quantity, price) in enumerate(lines, 1)
            ],
            "outcome": {"discharged_on": "2024-03-24", "event_on": "2024-03-21",
                        "mode": "vaginal", "total": BILL},
        }  # fmt: skip


async def send(town: Town, schedule: Schedule, cases: Sequence[CaseCall]) -> None:
    """Send a batch once, through the route's own function; only its request is made up."""
    pool = StoppingPool(town.service, schedule)
    here = SimpleNamespace(
        pool=pool, clock=town.clock, hash_key=b"key", enrollment=None,
        book=lambda: town.book, measure=lambda *_: None, batches=asyncio.Semaphore(1),
    )  # fmt: skip
    request = SimpleNamespace(
        state=SimpleNamespace(trace_id="request"),
        app=SimpleNamespace(state=SimpleNamespace(desk=here, office=here)),
    )
    hospital = cases[0].hospital
    body = BatchBody.model_validate({"cases": [case.body() for case in cases]})
    who = Caller(hospital, "hospital", NANJING, hospital)
    await schedule.stop("before batches.batch.send")
    answer = await batch(cast(Any, request), body, who)
    await schedule.stop("after batches.batch.send")
    for case, result in zip(cases, orjson.loads(answer.body)["results"], strict=True):
        case.hears(result)
