"""A running audit service on a database of its own, fed by a list instead of a bus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from services.audit.domain.library import read_library
from services.audit.heard.claim import claim_handler
from services.audit.main import create_app
from shared.ids import new_id
from shared.plumbing.auth import Caller
from shared.plumbing.bus.record import Record
from shared.plumbing.database import Pool, open_pool
from shared.plumbing.inbox import Inbox
from shared.plumbing.settings import Settings
from tests.audit.events import HOSPITAL, NOW, POOL
from tests.support.postgres import ServiceDatabases

CONSUMER = "audit-claim"
LIBRARY = read_library()
LOT = b"the key of a lot"
_TABLES = (
    "pick", "scoring_run", "rule_record",
    "posted_price", "indicator_limit", "indicator_month", "claim_score",
    "series_month", "money_at_risk", "finding", "series_finding", "statement", "flag_step",
    "decision", "flag", "judgement", "claim", "person", "inbox", "parked", "consumer_offset",
    "warning_answer", "rule_snooze", "idempotency", "outbox", "log", "sealed_block",
)  # fmt: skip


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass
class ListSource:
    """A source over a list; offsets are places in it, as in a partition."""

    log: list[Record] = field(default_factory=list)
    place: int = 0
    safe: int = 0

    async def take(self) -> list[Record]:
        found = [replace(r, offset=i) for i, r in enumerate(self.log)][self.place :]
        self.place = len(self.log)
        return found

    async def done(self) -> None:
        self.safe = self.place

    async def again(self) -> None:
        self.place = self.safe

    async def close(self) -> None: ...


@dataclass
class Audit:
    """The running service as its tests use it."""

    app: FastAPI
    owner: Pool
    pool: Pool
    source: ListSource
    inbox: Inbox

    async def hear(self, *records: Record) -> None:
        """Let one poll bring these events."""
        self.source.log += records
        await self.inbox.take_once()

    async def replay(self) -> None:
        """Begin at offset 0 again."""
        self.source.place = 0
        await self.inbox.take_once()

    def client(self, name: str, role: str = "reviewer", pool: str = POOL) -> httpx.AsyncClient:
        code = HOSPITAL if role == "hospital" else ""
        return self.as_caller(Caller(name, role, pool, code))

    def as_caller(self, caller: Caller) -> httpx.AsyncClient:
        token = self.app.state.desk.tokens.issue(caller)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False),
            base_url="http://audit/audit/v1",
            headers={"authorization": f"Bearer {token}"},
        )

    async def flags(self) -> list[dict[str, Any]]:
        """All flags of the pool, as the reviewers' list shows them."""
        answer = await self.client("r0").get("/flags")
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, Any]] = answer.json()["flags"]
        return listed

    async def flag(self, flag_id: str) -> dict[str, Any]:
        answer = await self.client("r0").get(f"/flags/{flag_id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def first(
        self, flag_id: str, by: str = "r1", result: str = "pursue", **more: Any
    ) -> httpx.Response:
        code = "duplicate-billing" if result == "pursue" else "medically-justified"
        return await self.step(
            flag_id, "first-review", by, **{"result": result, "reason_code": code} | more
        )

    async def statement(
        self, flag_id: str, by: str = "his", institution: str = "", **more: Any
    ) -> httpx.Response:
        """What the flag's own institution says, or another that may not."""
        owner = institution or (await self.flag(flag_id))["institution_code"]
        body = {"stance": "contests", "text": "两次入院均有记录"} | more
        if "version" not in body:
            body["version"] = (await self.flag(flag_id))["version"]
        client = self.as_caller(Caller(by, "hospital", POOL, owner))
        return await self._post(client, f"/flags/{flag_id}/statement", body)

    async def second(
        self, flag_id: str, by: str = "r2", result: str = "agree", **more: Any
    ) -> httpx.Response:
        return await self.step(flag_id, "second-review", by, result=result, **more)

    async def dispose(
        self, flag_id: str, by: str = "r1", amount: str = "7000.00", outcome: str = "deduct",
        **more: Any,
    ) -> httpx.Response:  # fmt: skip
        code = "medically-justified" if outcome == "dismiss" else "duplicate-billing"
        body = {"outcome": outcome, "amount": amount, "reason_code": code} | more
        return await self.step(flag_id, "disposal", by, **body)

    async def approve(
        self, flag_id: str, by: str = "r2", agree: bool = True, **more: Any
    ) -> httpx.Response:
        return await self.step(flag_id, "approval", by, agree=agree, **more)

    async def heard(self, flag_id: str) -> None:
        """Pursued, and its institution has stated its case."""
        for answer in (await self.first(flag_id), await self.statement(flag_id)):
            assert answer.status_code == 200, answer.text

    async def confirmed(self, flag_id: str) -> None:
        """Twice reviewed; a disposal is next."""
        await self.heard(flag_id)
        answer = await self.second(flag_id)
        assert answer.status_code == 200, answer.text

    async def decide(self, flag_id: str, amount: str = "7000.00", outcome: str = "deduct") -> None:
        """Decided with its money, by all the steps."""
        await self.confirmed(flag_id)
        proposed = await self.dispose(flag_id, amount=amount, outcome=outcome)
        for answer in (proposed, await self.approve(flag_id)):
            assert answer.status_code == 200, answer.text

    async def dismiss(self, flag_id: str) -> None:
        """Cleared by one, confirmed by another."""
        for answer in (await self.first(flag_id, result="clear"), await self.second(flag_id)):
            assert answer.status_code == 200, answer.text

    async def told(self, flag_id: str = "") -> list[tuple[str, int]]:
        """(type, sequence) of what was told of flags, in order."""
        rows = await self.owner.fetch(
            "select type, sequence from outbox where topic = 'maternity.audit.flag.v1'"
            " and ($1 = '' or aggregate_id = $1) order by aggregate_id, sequence",
            flag_id,
        )
        return [(row["type"].removeprefix("audit.flag."), row["sequence"]) for row in rows]

    async def contents(self) -> dict[str, str]:
        """A hash of each table that events change, less what a relay or sealer adds."""
        tables = ("person", "claim", "judgement", "flag", "finding", "flag_step", "decision",
                  "statement", "series_finding", "flag_count", "inbox", "log")  # fmt: skip
        hashes = {
            table: await self.owner.fetchval(
                f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t"  # noqa: S608
            )
            for table in tables
        }
        hashes["outbox"] = await self.owner.fetchval(
            "select md5(string_agg(concat_ws('|', id, key, sequence, headers, data), '|'"
            " order by id)) from outbox"
        )
        return hashes

    async def step(self, flag_id: str, step: str, by: str, **body: Any) -> httpx.Response:
        """One step of a review, of the flag as it is, for a reason that fits any step."""
        key = body.pop("key", "")
        body = {"reason_code": "duplicate-billing", "reason": "资料已核"} | body
        if "version" not in body:
            answer = await self.client("r0").get(f"/flags/{flag_id}")
            body["version"] = answer.json()["version"] if answer.status_code == 200 else 1
        return await self._post(self.client(by), f"/flags/{flag_id}/{step}", body, key=key)

    async def _post(
        self, client: httpx.AsyncClient, place: str, body: Any, *, key: str = ""
    ) -> httpx.Response:
        headers = {"idempotency-key": key or str(new_id())}
        return await client.post(place, json=body, headers=headers)


@pytest.fixture(scope="module")
def settings(
    module_databases: ServiceDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The service's settings, with a database of the file's own."""
    addresses = module_databases("audit")
    key = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return Settings(
        mode="demo",
        owner_dsn=addresses["owner"],
        service_dsn=addresses["service"],
        group_dsn=addresses["group"],
        bus="local",
        feeds={"settlement": addresses["service"]},
        signing_key=key.decode(),
        field_key="0" * 32,
        anchor_file=tmp_path_factory.mktemp("audit") / "anchor",
    )


@pytest.fixture(scope="module")
async def running(settings: Settings) -> AsyncIterator[tuple[FastAPI, Pool]]:
    """The service's app with its workers, and a pool of the schema's owner; one a file."""
    app = create_app(settings, FixedClock())
    owner = await open_pool(
        settings.owner_dsn.get_secret_value(), size=2, statement_timeout_ms=60_000
    )
    async with app.router.lifespan_context(app):
        yield app, owner
    await owner.close()


@pytest.fixture
async def audit(running: tuple[FastAPI, Pool]) -> Audit:
    """The running service, its tables empty."""
    app, owner = running
    # Deleted, not truncated: a truncate waits for relay and sealer, and they for it.
    for table in _TABLES:
        await owner.execute(f"delete from {table}")  # noqa: S608
    pool, clock, source = app.state.desk.pool, FixedClock(), ListSource()
    inbox = Inbox(CONSUMER, pool, source, claim_handler(clock, LIBRARY), clock)
    return Audit(app, owner, pool, source, inbox)


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that fails is tried again at once."""
    monkeypatch.setattr("shared.plumbing.inbox._BACK_OFF_SECONDS", 0.001)
