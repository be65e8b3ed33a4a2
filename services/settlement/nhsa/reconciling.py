"""A hospital's book of a period held against ours: 3201 by totals, 3202 row by row."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from services.settlement.actions.reconcile import reconcile
from services.settlement.domain.reconciling import Scope, Sums, stands_for, sums_of
from services.settlement.nhsa import files
from services.settlement.nhsa.book_file import read_book, result_rows
from services.settlement.nhsa.counter import Call, Done
from services.settlement.nhsa.reading import Row
from services.settlement.nhsa.refusals import words
from services.settlement.nhsa.tables import cleared_under
from services.settlement.store import reconciliations
from shared.money import Money
from shared.plumbing.database import Connection
from shared.plumbing.zipped_rows import write_rows

_LEVEL, _NOT_LEVEL = "0", "1"
_DAYS_MOST, _COUNT_MOST = timedelta(days=366), 1_000_000  # as over REST
_REFUNDS = {"0": False, "1": True}


async def totals(call: Call) -> bytes:
    """3201: level or not, with our own totals."""
    row = call.input.one("data")
    scope = _scope(call, row)
    total, fund, account = (
        _amount(row, code) for code in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")
    )
    told = Sums(total, fund, account, _count(row))

    async def effect(tx: Connection) -> Done:
        kept = call.taken(await reconcile(tx, call.scene, scope, told, None)).kept
        level = kept.theirs == kept.ours
        shown = {
            "setl_optins": call.profile.pool_code,
            "stmt_rslt": _LEVEL if level else _NOT_LEVEL,
            "stmt_rslt_dscr": words()["reconciling"]["level"] if level else _ours_said(kept.ours),
        }
        return kept.reconciliation_id, {"stmtinfo": [shown]}

    return await call.once(effect)


async def details(call: Call) -> bytes:
    """3202: each row of an uploaded book against ours; what came of each is a file to fetch."""
    row = call.input.one("data")
    scope = _scope(call, row)
    total, fund = _amount(row, "medfee_sumamt"), _amount(row, "fund_pay_sumamt")
    count = _count(row)

    async def effect(tx: Connection) -> Done:
        sent = await files.find(tx, call, row)
        theirs = await asyncio.to_thread(read_book, sent.content)
        # The totals name cash where the file names accounts; the two and the funds' are the bill.
        account = (
            total - fund - _amount(row, "cash_payamt")
            if row.filled("cash_payamt")
            else sums_of(theirs).account
        )
        if abs(account.fen) > _SUM_FEN_MOST:
            raise row.wrong("cash_payamt", "number")
        told = Sums(total, fund, account, count)
        made = call.taken(await reconcile(tx, call.scene, scope, told, theirs))
        place = (call.profile.pool_code, call.profile.institution_code)
        written = await reconciliations.written(tx, *place, scope)
        result = write_rows("result.txt", result_rows(made, written))
        day = f"{scope.since:%Y%m%d}-{scope.until:%Y%m%d}"
        file = await files.keep(tx, call, f"3202-{day}.zip", result)
        return made.kept.reconciliation_id, {"fileinfo": files.shown(file)}

    return await call.once(effect)


_SUM_FEN_MOST = 10**16
"""As an amount of the interface: fourteen digits before the point."""


def _scope(call: Call, row: Row) -> Scope:
    """Which rows are meant; the days are those of setl_time. What is left empty asks for all."""
    since, until = _days(row)
    insutype = row.text("insutype")
    if insutype and insutype not in call.profile.insurance_types:
        raise row.wrong("insutype", "not_accepted")
    clr_type = row.text("clr_type")
    if clr_type and clr_type not in cleared_under():
        raise row.wrong("clr_type", "clearing")
    agency, pool, book = row.text("setl_optins"), call.profile.pool_code, call.counter.book()
    counties = book.counties(pool) if book is not None else {}
    if agency and not stands_for(agency, pool, counties):
        raise row.wrong("setl_optins", "agency")
    flag = row.text("refd_setl_flag") or row.text("fixmedins_refd_setl_flag")
    benefits = tuple(cleared_under()[clr_type]) if clr_type else None
    return Scope(since, until, insutype or None, _REFUNDS.get(flag), benefits)


def _days(row: Row) -> tuple[date, date]:
    since, until = row.day("stmt_begndate"), row.day("stmt_enddate")
    assert since is not None  # noqa: S101 - demanded
    assert until is not None  # noqa: S101 - demanded
    if until < since:
        raise row.wrong("stmt_enddate", "before_its_begin")
    if until - since > _DAYS_MOST:
        raise row.wrong("stmt_enddate", "a_year")
    return since, until


def _count(row: Row) -> int:
    count = int(row.number("fixmedins_setl_cnt") or 0)
    if not 0 <= count <= _COUNT_MOST:
        raise row.wrong("fixmedins_setl_cnt", "count")
    return count


def _amount(row: Row, code: str) -> Money:
    """An amount of totals, which refunds may take below nothing; none is nothing."""
    return Money(int((row.number(code) or 0) * 100))


def _ours_said(ours: Sums) -> Any:
    return words()["reconciling"]["ours"].format(
        rows=ours.rows, total=ours.total, fund=ours.fund, account=ours.account
    )
