"""The institution states its case on a flag of its own."""

from __future__ import annotations

from collections.abc import Sequence

from services.audit.actions.review_step import Word, record_step
from services.audit.domain.flag import Flag
from services.audit.domain.refusals import Refusal
from services.audit.domain.review import state_case
from services.audit.domain.statement import LineWord, Stance, Statement
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import flags, statements
from shared.plumbing.clock import Clock
from shared.plumbing.database import Connection


async def make_statement(
    tx: Connection,
    clock: Clock,
    time_limits: TimeLimits,
    word: Word,
    stance: Stance,
    text: str,
    lines: Sequence[LineWord],
) -> Flag | Refusal | None:
    """Record a statement; None if the caller was told of no such flag.

    A reviewer's lease does not keep the institution from speaking. Its text stays in the
    statement; the flag's history has the word's reason, which is a code.
    """
    found = await flags.lock(tx, [(word.pool_code, word.flag_id)])
    if not found or not found[0].shown_to_institution:
        return None
    if found[0].version != word.version:
        return Refusal.CHANGED_MEANWHILE
    after = state_case(found[0])
    if isinstance(after, Refusal):
        return after
    at = clock.now()
    recorded = await record_step(tx, time_limits, word, found[0], after, "statement-made", at)
    said = Statement(recorded.round, word.by, at, stance, text, tuple(lines))
    await statements.insert(tx, recorded, said)
    return recorded
