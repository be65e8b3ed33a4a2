"""Hold a hospital's book of a period against ours, and keep what is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.settlement.actions.scene import Scene
from services.settlement.domain.reconciling import (
    BookRow,
    Difference,
    Held,
    Scope,
    Sums,
    by_claim,
    held_against,
    sums_of,
)
from services.settlement.domain.refusals import Refusal
from services.settlement.store import reconciliations
from services.settlement.store.reconciliations import Reconciliation
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log


class Reconciled(NamedTuple):
    """What was kept, the rows that are level as we have them, and the differences of the others."""

    kept: Reconciliation
    level: Sequence[BookRow]
    differences: Sequence[Difference]


async def reconcile(
    tx: Connection, scene: Scene, scope: Scope, told: Sums, rows: Sequence[BookRow] | None
) -> Reconciled | Refusal:
    """By totals alone, or with the hospital's `rows` row by row; they sum to the totals."""
    place = (scene.pool_code, scene.institution_code, scope)
    if rows is None:
        ours, held = await reconciliations.our_sums(tx, *place), Held([], [])
    else:
        if sums_of(rows) != told:
            return Refusal.ROWS_DO_NOT_SUM
        book = await reconciliations.our_book(tx, *place)
        ours, held = sums_of(book.rows), held_against(by_claim(rows, book.reversals), book.rows)
    kept = Reconciliation(
        pool_code=scene.pool_code,
        reconciliation_id=new_id(),
        institution_code=scene.institution_code,
        scope=scope,
        theirs=told,
        ours=ours,
        detailed=rows is not None,
        level_rows=len(held.level),
        differences=len(held.differences),
        made_at=scene.now,
    )
    await reconciliations.insert(tx, kept, scene.institution_code, held.differences)
    level = "level" if told == ours and not held.differences else "not level"
    subject = f"reconciliation:{kept.reconciliation_id}"
    await write_log(tx, [scene.deed("reconcile", subject, "", level)])
    return Reconciled(kept, held.level, held.differences)
