"""What an institution's cases were, beside those of a year before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter

from services.audit.api.case_mix_shown import CaseMixShown
from services.audit.api.reviews import Reviewer
from services.audit.api.series import Month as WrittenMonth
from services.audit.domain.case_mix import case_mix, kind_names
from services.audit.domain.grouping import Grouping, read_groupings
from services.audit.domain.growth_split import GrowthSplit, Spent, split_growth
from services.audit.store.case_mix import alike
from shared.money import NOTHING
from shared.period import Month, Period
from shared.plumbing.clock import business_day
from shared.plumbing.database import AGENCY, transaction
from shared.plumbing.edge import Whole, among, desk
from shared.plumbing.problems import NOT_FOUND, Problem

router = APIRouter(prefix="/audit/v1", tags=["series"])

_CODE = r"^[A-Za-z0-9_.-]{1,64}$"
_YEAR = 12
_NONE = Spent(0, NOTHING)


@router.get("/institutions/{institution_code}/case-mix", response_model=CaseMixShown)
async def get_case_mix(
    request: Request,
    institution_code: Annotated[str, PathParameter(pattern=_CODE)],
    who: Reviewer,
    until: WrittenMonth | None = None,
    months: Annotated[Whole, Query(ge=1, le=_YEAR)] = _YEAR,
    grouping: str = among(read_groupings(), "chs_drg_11"),
) -> dict[str, Any]:
    """What was discharged in the `months` that end with `until` (by default this month), by
    adjacent obstetric group, beside the same months a year before."""
    here, version = desk(request), read_groupings()[grouping]
    last = Month.parse(until) if until else Month.of(business_day(here.clock.now()))
    first = last.plus(1 - months)
    async with transaction(here.pool, [AGENCY]) as tx:
        now, before = [
            case_mix(version, await alike(tx, who.pool_code, institution_code, period))
            for period in (_days(first, last), _days(first.plus(-_YEAR), last.plus(-_YEAR)))
        ]
    if not now and not before:
        raise Problem(NOT_FOUND)
    return {
        "institution_code": institution_code,
        "grouping": _grouping(version),
        "since": str(first),
        "until": str(last),
        "kinds": _kinds(version, before, now),
        "growth": _growth(split_growth(before, now)),
    }


def _days(first: Month, last: Month) -> Period:
    return Period(first.first_day(), last.plus(1).first_day())


def _grouping(version: Grouping) -> dict[str, str]:
    return {
        "id": version.id, "title": version.title.en, "title_zh": version.title.zh,
        "grade": version.grade, "source": version.source,
    }  # fmt: skip


def _kinds(
    version: Grouping, before: Mapping[str, Spent], now: Mapping[str, Spent]
) -> list[dict[str, Any]]:
    names = kind_names(version)
    both = {
        kind: (now.get(kind, _NONE), before.get(kind, _NONE)) for kind in before.keys() | now.keys()
    }
    return [
        {
            "kind": kind, "name": names[kind].en, "name_zh": names[kind].zh,
            "cases": new.cases, "total": new.amount.to_wire(),
            "cases_before": old.cases, "total_before": old.amount.to_wire(),
        }
        for kind, (new, old) in sorted(both.items(), key=lambda of: (-of[1][0].amount.fen, of[0]))
    ]  # fmt: skip


def _growth(split: GrowthSplit) -> dict[str, str]:
    return {
        "change": split.change.to_wire(), "price": split.price.to_wire(),
        "volume": split.volume.to_wire(), "mix": split.mix.to_wire(),
    }  # fmt: skip
