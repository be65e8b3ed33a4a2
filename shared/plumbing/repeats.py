"""Answers kept by key, so that asking again gives the same bytes and does nothing twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.plumbing.database import Connection

ONE_KEY = "idempotency_pkey"
"""The constraint that a second answer under a key breaks."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request under its idempotency key: who asks for what, and a hash of the parsed body."""

    pool_code: str
    caller: str
    operation: str
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What an edge sent, or sends: the status and the very bytes."""

    status: int
    body: bytes


class Overtaken(Exception):
    """Somebody else changed what an act had read: the whole act is done again, on fresh facts."""


class DifferentBody(Exception):
    """The key was used before with another body."""


def body_hash(body: Any, key: bytes) -> bytes:
    """The keyed hash of a parsed body: white space and the order of names do not count.

    Without a key, whoever reads the table could try out the few ID numbers that a body may hold.
    """
    content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(content, key=key, digest_size=32).digest()


async def recall(tx: Connection, ask: Ask) -> Answer | None:
    """The answer that was given under this key, None for a new key.

    Raises DifferentBody when the key was used with another body.
    """
    row = await tx.fetchrow(
        "select body_hash, status, answer from idempotency"
        " where pool_code = $1 and caller = $2 and operation = $3 and key = $4",
        ask.pool_code, ask.caller, ask.operation, ask.key,
    )  # fmt: skip
    if row is None:
        return None
    if row["body_hash"] != ask.body_hash:
        raise DifferentBody
    return Answer(row["status"], row["answer"])


async def kept_with(tx: Connection, ask: Ask) -> tuple[bytes, UUID] | None:
    """What is kept under a key, whatever its body: the body's hash, and the object it made."""
    row = await tx.fetchrow(
        "select body_hash, object_id from idempotency"
        " where pool_code = $1 and caller = $2 and operation = $3 and key = $4",
        ask.pool_code, ask.caller, ask.operation, ask.key,
    )  # fmt: skip
    return (row["body_hash"], row["object_id"]) if row else None


async def keep(tx: Connection, ask: Ask, answer: Answer, object_id: UUID, at: datetime) -> None:
    """Keep an answer under its key, in the transaction of the effect.

    A twin that came first makes this raise asyncpg.UniqueViolationError: nothing of this
    transaction stays, and the edge asks again to find the twin's answer.
    """
    await tx.execute(
        "insert into idempotency values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        ask.pool_code, ask.caller, ask.operation, ask.key, ask.body_hash, answer.status,
        answer.body, object_id, at,
    )  # fmt: skip
