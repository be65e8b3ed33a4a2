"""Everything heard again from offset 0, beside the live tables and without touching them.

The consumer's tables are copied into a schema of their own, inside one transaction that is
rolled back at the end, and the service's own inbox and handler hear the whole log there. First
with the inbox as it is: then nothing at all may change. Then from nothing, for the views that
the log alone makes: they must come out as they stand, but for what a replay makes itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from deploy.library import library_in_use
from deploy.topics import Topic
from deploy.verify.stores import Connection, Held, Stores
from services.audit.heard.claim import claim_handler
from services.settlement.heard import contribution, flag, person_state
from shared.plumbing.bus.record import Record
from shared.plumbing.clock import SystemClock
from shared.plumbing.inbox import Handle, Inbox

BATCH = 1000
SCHEMA = "verify_replay"
# Outbox and log are only written to: empty copies show what a second hearing would add.
_WRITTEN = ("outbox", "log")
_COPIED = {
    "settlement": ("inbox", "consumer_offset", "parked", "person_state", "posting", "deduction",
                   "claim", "settlement", "adjustment", "pregnancy", "closed_period",
                   "reconsideration_due"),
    "audit": ("inbox", "consumer_offset", "parked", "person", "claim", "judgement", "flag",
              "finding", "flag_step", "decision", "statement", "series_finding", "rule_snooze",
              "rule_record", "pick"),
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """What one consumer makes from its log alone: the tables, and what of them a replay repeats."""

    emptied: tuple[str, ...]
    compared: tuple[str, ...]


# A look-up may have confirmed a person's state later than its event did, so `as_of` is left out.
# In which month a contribution lies depends on what was closed when it was heard: R04 and M04 ask.
# What audit's flags are is also people's doing, and deductions depend on what stood at the time.
VIEWS = {
    "settlement-person-state": View(
        ("person_state",),
        ("select pool_code, person_ref, state_version, state::text from {schema}.person_state",),
    ),
    "settlement-contribution": View(
        ("posting",),
        (
            "select pool_code, settlement_id, account, amount_fen, posted_at"
            " from {schema}.posting where account in ('bank', 'income_contribution')",
        ),
    ),
    "audit-claim": View(
        ("claim", "judgement"),
        (
            "select * from {schema}.claim",
            "select pool_code, claim_id, rule_set, institution_code from {schema}.judgement",
        ),
    ),
}


# What a table makes by itself cannot be copied into it.
_GIVEN = """
select string_agg(quote_ident(column_name), ', ' order by ordinal_position)
from information_schema.columns
where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'
"""
# Rows that a statement is given whole have a type of their own, which lies beside the tables.
_TYPES = """
select format('create type %s.%I as (%s)', $1::text, c.relname, string_agg(
       format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum))
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind = 'c' group by c.relname
"""


class _FromTheStart:
    """A log as a source: batch by batch, then nothing."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._batches = [records[n : n + BATCH] for n in range(0, len(records), BATCH)][::-1]

    async def take(self) -> list[Record]:
        return list(self._batches.pop()) if self._batches else []

    async def done(self) -> None: ...

    async def again(self) -> None: ...

    async def close(self) -> None: ...


async def replay(stores: Stores, topic: Topic, group: str, connection: Connection) -> list[str]:
    """What hearing a topic again would change, or make otherwise, for one consumer."""
    service = group.partition("-")[0]
    records = await stores.log.records(topic)
    async with _scratch(connection, service):
        await _hear_all(connection, group, records)
        wrong = [
            f"{group} heard again changes {table}"
            for table in _COPIED[service]
            if table != "consumer_offset"
            and not await _alike(connection, f"select * from {{schema}}.{table}")
        ] + [
            f"{group} heard again adds to {table}"
            for table in _WRITTEN
            if await connection.fetchval(f"select exists (select from {SCHEMA}.{table})")
        ]
    view = VIEWS.get(group)
    if view is None:
        return wrong
    async with _scratch(connection, service):
        for table in ("inbox", "parked", *view.emptied):
            await connection.execute(f"truncate {SCHEMA}.{table}")
        await _hear_all(connection, group, records)
        wrong += [
            f"{group} heard from nothing makes another {statement.rpartition('.')[2].split()[0]}"
            for statement in view.compared
            if not await _alike(connection, statement)
        ]
        if await connection.fetchval(f"select exists (select from {SCHEMA}.parked)"):
            wrong.append(f"{group} cannot hear everything again")
    return wrong


@asynccontextmanager
async def _scratch(connection: Connection, service: str) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"create schema {SCHEMA}")
        for row in await connection.fetch(_TYPES, SCHEMA):
            await connection.execute(row[0])
        for table in (*_COPIED[service], *_WRITTEN):
            await connection.execute(
                f"create table {SCHEMA}.{table} (like public.{table} including all)"
            )
        for table in _COPIED[service]:
            columns = await connection.fetchval(_GIVEN, table)
            await connection.execute(
                f"insert into {SCHEMA}.{table} ({columns}) overriding system value"
                f" select {columns} from public.{table}"
            )
        # The live tables are not on the path: a handler cannot reach them by mistake.
        await connection.execute(f"set local search_path to {SCHEMA}")
        yield
    finally:
        await transaction.rollback()


async def _hear_all(connection: Connection, group: str, records: Sequence[Record]) -> None:
    await connection.execute("delete from consumer_offset where consumer = $1", group)
    pool = cast(Any, Held(connection))
    inbox = Inbox(group, pool, _FromTheStart(records), _handlers()[group], SystemClock())
    while await inbox.take_once():
        pass


def _handlers() -> dict[str, Handle]:
    clock = SystemClock()
    return {
        "settlement-person-state": person_state.handle,
        "settlement-contribution": contribution.handle,
        "settlement-flag": flag.handler(clock),
        "audit-claim": claim_handler(clock, library_in_use()),
    }


async def _alike(connection: Connection, statement: str) -> bool:
    """Whether a question has the same rows here and among the live tables, in whatever order."""
    live, here = [
        await connection.fetchrow(
            "select count(*), sum(('x' || left(md5(r::text), 15))::bit(60)::bigint)"
            f" from ({statement.format(schema=schema)}) r"
        )
        for schema in ("public", SCHEMA)
    ]
    return live == here
