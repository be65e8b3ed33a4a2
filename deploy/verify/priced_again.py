"""Settlements and adjustments held against their own archived book: rates, items, and the whole
price again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import asyncpg

from deploy.verify.courses import cares_of, visit_of
from deploy.verify.rates import archived_books
from deploy.verify.stores import Stores
from services.settlement.actions.settle import settlement_of
from services.settlement.domain.adjustment import (
    Adjustment,
    Standing,
    case_again,
    judge_again,
    standing,
)
from services.settlement.domain.allowance import Base
from services.settlement.domain.care import Care
from services.settlement.domain.course import EMPTY, Course
from services.settlement.domain.entitled import EntitlementKind, EntitlementState
from services.settlement.domain.person import PersonState
from services.settlement.domain.pregnancy import Pregnancy
from services.settlement.domain.pricing import ENGINE
from services.settlement.domain.refusals import Refused
from services.settlement.domain.revision import now_of
from services.settlement.domain.settlement import Settlement
from services.settlement.domain.settling import Judged
from services.settlement.domain.stay import Stay
from services.settlement.domain.taking_back import taken_back
from services.settlement.store.adjustments import adjustment_from_row
from services.settlement.store.entitlements import entitlement_from_row
from services.settlement.store.ledger import settlement_from_row
from services.settlement.store.person_states import person_from_json
from services.settlement.store.pregnancies import pregnancy_from_row
from services.settlement.store.stays import stay_from_row
from shared.plumbing.clock import business_day
from shared.policy.book import Book

BATCH = 1000

# A stay may state another outcome once its settlement is reversed, so only live ones are priced
# again; their steps are the stored JSON, to the byte.
_LIVE = """
select s.*, s.steps::text as steps_json from settlement s
where s.reverses is null
  and not exists (select from settlement r where r.reverses = s.settlement_id)
  and s.settlement_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
order by s.settlement_id limit $2
"""
_BESIDE = """
select a.*, s.person_ref from adjustment a join settlement s using (pool_code, settlement_id)
where a.settlement_id = any($1) and a.state in ('released', 'proposed')
order by a.decided_at nulls last, a.adjustment_id
"""
_OPENED = "select * from entitlement where settlement_id = any($1)"
_STAYS = "select * from stay where stay_id = any($1)"
_PREGNANCIES = """
select pool_code, pregnancy_id, institution_code as pregnancy_institution,
       person_ref as pregnancy_person, lower(period) as period_start, upper(period) as period_end,
       delivered_on, ended_by, version as pregnancy_version
from pregnancy where pregnancy_id = any($1)
"""
_STATES = """
select v.person_ref, v.version, v.state, v.at
from person_version v
join unnest($1::text[], $2::bigint[]) asked(person_ref, version) using (person_ref, version)
"""


async def price_again(stores: Stores) -> list[str]:
    """Live settlements, and their adjustments that stand or wait, that their facts and their book
    do not give again, column by column."""
    books, different = await archived_books(stores), []
    async for row, facts, beside in facts_of_live(stores):
        settlement = replace(settlement_from_row(row), steps=row["steps_json"])
        again = _again(settlement, facts, books.get(settlement.book), settlement.state_version,
                       business_day(settlement.settled_at))  # fmt: skip
        if settlement.engine != ENGINE or again != settlement:
            different.append(str(settlement.settlement_id))
        stands = standing(settlement, ())
        for adjustment in beside:
            if facts.care is not None:
                course = facts.care.course_of(visit_of(row), adjustment.met)
                facts = replace(facts, course=course)
            book, known_on = books.get(adjustment.book), business_day(adjustment.proposed_at)
            again = _again(settlement, facts, book, adjustment.state_version, known_on)
            stands = stands.with_(adjustment)
            if (
                again is None
                or adjustment.engine != ENGINE
                or not _rests_on(adjustment, stands, again)
                or not _entitles(adjustment, settlement, facts, book, known_on)
            ):
                different.append(f"adjustment {adjustment.adjustment_id}")
    return different


def _entitles(
    adjustment: Adjustment, settlement: Settlement, facts: Facts, book: Book | None, known_on: date
) -> bool:
    """Whether what an adjustment changes of entitlements is what the law as known then gives."""
    if not adjustment.revisions:
        return True
    person = facts.persons.get((settlement.person_ref, adjustment.state_version))
    if book is None or facts.stay is None:
        return False
    case = case_again(
        facts.stay, settlement.institution_level, person, book, known_on,
        business_day(settlement.settled_at),
    )  # fmt: skip
    if case is None:
        return False
    for one in adjustment.revisions:
        fixed = one.after.state is EntitlementState.FIXED
        now = now_of(one.kind, case, book, fixed=fixed, base=facts.bases.get(one.kind))
        if isinstance(now, Refused) or now[1:] != (one.after, one.steps, one.rates):
            return False
    return True


def _rests_on(adjustment: Adjustment, stands: Standing, again: Settlement) -> bool:
    """Whether an adjustment brings its claim to what pricing gives, by the steps that it names."""
    kept = (adjustment.steps, adjustment.rates, adjustment.rule_on)
    return stands == standing(again, ()) and kept == (again.steps, again.rates, again.rule_on)


def _again(
    settlement: Settlement, facts: Facts, book: Book | None, state_version: int, known_on: date
) -> Settlement | None:
    judged = _judged(settlement, facts, book, state_version, known_on)
    if judged is None or book is None or facts.stay is None:
        return None
    if isinstance(judged, Refused):
        person = facts.persons.get((settlement.person_ref, state_version))
        return taken_back(settlement, judged, person, facts.stay.cost.total, book)
    return settlement_of(judged, settlement.settlement_id, settlement.actor, settlement.settled_at)


def _judged(
    settlement: Settlement, facts: Facts, book: Book | None, state_version: int, known_on: date
) -> Judged | Refused | None:
    person = facts.persons.get((settlement.person_ref, state_version))
    if book is None or facts.stay is None or person is None:
        return None
    at = settlement.settled_at
    judged = judge_again(
        replace(facts.stay, version=settlement.stay_version), settlement.institution_level,
        facts.pregnancy,
        replace(person, as_of=at),  # how old it was then is E03's question
        book, known_on, at, business_day(at), facts.course,
    )  # fmt: skip
    return judged


@dataclass(frozen=True)
class Facts:
    """What a price rests on; `persons` are states by person and version, `course` is what a visit
    met when it was settled, of the `care` that it belongs to; `bases` what allowances were fixed
    from."""

    stay: Stay | None
    pregnancy: Pregnancy | None
    persons: Mapping[tuple[str, int], PersonState]
    course: Course = EMPTY
    care: Care | None = None
    bases: Mapping[EntitlementKind, Base | None] = field(default_factory=dict)


async def facts_of_live(
    stores: Stores,
) -> AsyncIterator[tuple[asyncpg.Record, Facts, list[Adjustment]]]:
    """Each live settlement's row, what its price rests on, and the adjustments beside it."""
    after = None
    while rows := await stores.settlement.fetch(_LIVE, after, BATCH):
        after = rows[-1]["settlement_id"]
        stays = {
            r["stay_id"]: stay_from_row(r)
            for r in await stores.settlement.fetch(_STAYS, [row["stay_id"] for row in rows])
        }
        pregnancies = {
            r["pregnancy_id"]: pregnancy_from_row(r)
            for r in await stores.settlement.fetch(
                _PREGNANCIES, [row["pregnancy_id"] for row in rows]
            )
        }
        adjusted = await stores.settlement.fetch(_BESIDE, [row["settlement_id"] for row in rows])
        states = await states_named(stores, [*rows, *adjusted])
        beside: dict[Any, list[Adjustment]] = defaultdict(list)
        for row in adjusted:
            beside[row["settlement_id"]].append(adjustment_from_row(row))
        bases: dict[Any, dict[EntitlementKind, Base | None]] = defaultdict(dict)
        for opened in await stores.settlement.fetch(
            _OPENED, [row["settlement_id"] for row in rows]
        ):
            one = entitlement_from_row(opened)
            bases[one.settlement_id][one.kind] = one.base
        care_of = await cares_of(stores, rows)
        for row in rows:
            pregnancy, course, care = pregnancies.get(row["pregnancy_id"]), EMPTY, None
            if pregnancy is not None and row["benefit"] == "prenatal":
                care = care_of[row["pregnancy_id"]]
                pregnancy, course = care.met_by(visit_of(row), pregnancy)
            facts = Facts(
                stays.get(row["stay_id"]), pregnancy, states, course, care,
                bases[row["settlement_id"]],
            )  # fmt: skip
            yield row, facts, beside[row["settlement_id"]]


async def states_named(
    stores: Stores, rows: list[asyncpg.Record]
) -> dict[tuple[str, int], PersonState]:
    """The persons' states that settlements name, as enrollment keeps them, by person and version."""
    kept = await stores.enrollment.fetch(
        _STATES, [row["person_ref"] for row in rows], [row["state_version"] for row in rows]
    )
    states = {}
    for row in kept:
        try:
            state = person_from_json(row["state"], row["at"])
        except (KeyError, TypeError, ValueError):
            continue
        states[row["person_ref"], row["version"]] = state
    return states
