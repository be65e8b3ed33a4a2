"""Who may ask what of whom: every role, on every route, for its own, another's, another pool's.

The routes come from the services' descriptions; one without an entry here fails. What a caller may
not see is not found, and nothing changes; that the owner's same request is taken afterwards shows
that it was the caller who stood in the way.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

import services.audit.store.flags as audit_flags
import services.audit.store.queue as audit_queue
import services.audit.store.statements as audit_statements
from services.settlement.domain.disputed import Dispute
from services.settlement.domain.doubt import DoubtKind
from services.settlement.domain.his_profile import HisProfile, Scheme
from services.settlement.domain.reconciling import Scope
from services.settlement.store import (
    adjustments,
    agreements,
    books,
    care,
    catalogue,
    courses,
    disputed,
    doubts,
    encounters,
    entitlements,
    exchanged_files,
    his_profiles,
    history,
    ledger,
    lines,
    mappings,
    periods,
    person_states,
    pregnancies,
    reconciliations,
    settled,
    settlement_lists,
    settling,
    stay_items,
    stays,
    warnings,
)
from shared.ids import NO_ID
from shared.plumbing.clock import business_day
from shared.plumbing.database import AGENCY, Connection, open_pool, transaction
from shared.plumbing.sealed import Vault
from tests.contracts.described import routes
from tests.support.peopled import ELSEWHERE, SERVICES, A, Asked, B, Owner, Peopled

EVERY_ROLE = (
    "hospital", "clerk", "finance", "reviewer", "supervisor", "operator", "service",
)  # fmt: skip
CALLERS = [(role, owner) for owner in (A, B, ELSEWHERE) for role in EVERY_ROLE
           if role not in ("operator", "service") or owner is A]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """Who may ask (`roles`), and whose the object is: a hospital's, a pool's, or nobody's.

    `code` and `status` are what others hear: that there is no such object, or no hospital of theirs
    with which to do it; `every_pool` are roles without a pool.
    """

    roles: str
    whose: str
    code: str = "5-not-found"
    every_pool: str = ""
    status: int = 404


STAY, CLAIM, PERSON = "1001-stay-unknown", "1023-settlement-unknown", "3016-person-unknown"
IMPORT, MAPPING = "1066-import-unknown", "1070-mapping-unknown"
ADJUSTMENT, ENTITLEMENT = "1032-adjustment-unknown", "1045-entitlement-unknown"
REVIEWERS = "reviewer supervisor"
PREGNANCY, EMPLOYER = "1016-pregnancy-unknown", "3002-employer-unknown"
MATRIX = {
    "GET /enrollment/v1/events": Entry("operator service", "nobody"),
    "GET /settlement/v1/events": Entry("operator service", "nobody"),
    "GET /audit/v1/events": Entry("operator service", "nobody"),
    "POST /enrollment/v1/employers": Entry("clerk", "pool"),
    "POST /enrollment/v1/persons": Entry("clerk", "pool", EMPLOYER),
    "POST /enrollment/v1/imports": Entry("clerk", "pool", EMPLOYER),
    "POST /enrollment/v1/persons/{person_ref}/spells:end": Entry("clerk", "pool", PERSON),
    "POST /enrollment/v1/persons:find": Entry("clerk hospital service", "pool", PERSON, "service"),
    "GET /enrollment/v1/persons/{person_ref}": Entry(
        "clerk hospital service", "pool", PERSON, "service"
    ),
    "GET /enrollment/v1/persons/{person_ref}/state": Entry(
        "clerk finance service", "pool", PERSON, "service"
    ),
    "GET /enrollment/v1/persons/{person_ref}/entitlement": Entry(
        "clerk hospital service", "pool", PERSON, "service"
    ),
    "POST /enrollment/v1/contributions": Entry("clerk finance", "pool", PERSON),
    "GET /enrollment/v1/rates": Entry(" ".join(EVERY_ROLE), "nobody"),
    "POST /enrollment/v1/coverage-gaps": Entry("clerk", "nobody"),
    "POST /settlement/v1/stays": Entry("hospital", "pool", PREGNANCY),
    # Of a person who was in another hospital, there is nothing to see in this one.
    "GET /settlement/v1/stays": Entry("hospital", "list"),
    "GET /settlement/v1/stays/{stay_id}/lines": Entry("hospital", "hospital", STAY),
    "GET /settlement/v1/stays/{stay_id}/record": Entry("hospital", "hospital", STAY),
    "GET /settlement/v1/stays/{stay_id}": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/lines": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/lines:cancel": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/discharge": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/reopen": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/cancel": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/quote": Entry("hospital", "hospital", STAY),
    "POST /settlement/v1/stays/{stay_id}/settle": Entry("hospital", "hospital", STAY),
    # A status for each case: tests/settlement/test_batches.py asks for another pool's.
    "POST /settlement/v1/settlements:batch": Entry("hospital", "nobody"),
    "GET /settlement/v1/settlements": Entry("hospital clerk finance", "list"),
    "GET /settlement/v1/settlements/{settlement_id}": Entry(
        "hospital clerk finance", "hospital", CLAIM
    ),
    "GET /settlement/v1/settlements/{settlement_id}/explanation": Entry(
        "hospital clerk finance", "hospital", CLAIM
    ),
    "POST /settlement/v1/settlements/{settlement_id}/reverse": Entry("hospital", "hospital", CLAIM),
    "POST /settlement/v1/prices": Entry(
        "service reviewer clerk finance", "pool", every_pool="service"
    ),
    # With a hospital of the pool; whether the person is of it is asked when it is settled.
    "POST /settlement/v1/pregnancies": Entry(
        "hospital clerk", "pool", "1010-no-agreement", status=422
    ),
    # That she is registered is the pool's to know; with whom, that hospital's alone.
    "GET /settlement/v1/pregnancies": Entry("hospital clerk", "list"),
    "POST /settlement/v1/pregnancies/{pregnancy_id}/correct": Entry(
        "hospital clerk", "hospital", PREGNANCY
    ),
    "POST /settlement/v1/pregnancies/{pregnancy_id}/cancel": Entry(
        "hospital clerk", "hospital", PREGNANCY
    ),
    # A mother may go to another hospital of the pool: from A to A, the other is no party to it.
    "POST /settlement/v1/pregnancies/{pregnancy_id}/transfer": Entry(
        "hospital clerk", "hospital", PREGNANCY
    ),
    # What is left of a limit is for the next hospital to see.
    "GET /settlement/v1/pregnancies/{pregnancy_id}/units": Entry(
        "hospital clerk", "pool", PREGNANCY
    ),
    "POST /settlement/v1/allowances": Entry("clerk", "pool", ENTITLEMENT),
    "GET /settlement/v1/allowances": Entry("clerk finance", "nobody"),
    "POST /settlement/v1/agreements": Entry("clerk", "nobody"),
    "GET /settlement/v1/agreements": Entry("hospital clerk finance", "list"),
    "POST /settlement/v1/agreements/{institution_code}/end": Entry(
        "clerk", "pool", "1069-agreement-unknown"
    ),
    "POST /settlement/v1/catalogue-items": Entry("clerk", "nobody"),
    "GET /settlement/v1/catalogue-items": Entry("hospital clerk finance", "nobody"),
    "POST /settlement/v1/catalogue-items/{item_code}/end": Entry(
        "clerk", "pool", "1065-item-unknown"
    ),
    "GET /settlement/v1/catalogue-imports": Entry("clerk", "nobody"),
    "POST /settlement/v1/catalogue-imports/{import_id}/approve": Entry("clerk", "pool", IMPORT),
    "POST /settlement/v1/catalogue-imports/{import_id}/reject": Entry("clerk", "pool", IMPORT),
    "POST /settlement/v1/item-mappings": Entry("hospital", "nobody"),
    "GET /settlement/v1/item-mappings": Entry("hospital clerk", "list"),
    "POST /settlement/v1/item-mappings/{mapping_id}/approve": Entry("clerk", "pool", MAPPING),
    "POST /settlement/v1/item-mappings/{mapping_id}/reject": Entry("clerk", "pool", MAPPING),
    "POST /settlement/v1/item-mappings/{mapping_id}/revoke": Entry("hospital", "hospital", MAPPING),
    "GET /settlement/v1/doubts": Entry("hospital clerk reviewer", "list"),
    # Held against the caller's own book, whatever ids it names.
    "POST /settlement/v1/reconciliations": Entry("hospital", "nobody"),
    "GET /settlement/v1/reconciliations": Entry("hospital clerk finance", "list"),
    "GET /settlement/v1/reconciliations/{reconciliation_id}": Entry(
        "hospital clerk finance", "hospital", "1068-reconciliation-unknown"
    ),
    # The policy book is one for all pools; two clerks of any pool set it.
    "POST /settlement/v1/books": Entry("clerk", "nobody"),
    "POST /settlement/v1/books/{proposal}/approve": Entry("clerk", "nobody"),
    "POST /settlement/v1/his-profiles": Entry("clerk", "nobody"),
    "GET /settlement/v1/his-profiles": Entry("clerk", "list"),
    "POST /settlement/v1/his-profiles/{proposal}/approve": Entry(
        "clerk", "pool", "1073-profile-unknown"
    ),
    "POST /settlement/v1/periods": Entry("finance", "nobody"),
    "GET /settlement/v1/deductions": Entry("hospital clerk finance", "list"),
    "POST /settlement/v1/reconsiderations": Entry("clerk", "nobody"),
    "GET /settlement/v1/adjustments": Entry("hospital clerk finance", "list"),
    "POST /settlement/v1/adjustments/{adjustment_id}/release": Entry("clerk", "pool", ADJUSTMENT),
    "POST /settlement/v1/adjustments/{adjustment_id}/reject": Entry("clerk", "pool", ADJUSTMENT),
    "GET /audit/v1/flags": Entry("reviewer supervisor hospital", "list"),
    "GET /audit/v1/flags/{flag_id}": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/flag-counts": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/flags:next": Entry(REVIEWERS, "pool", "4022-no-flag-waits"),
    "POST /audit/v1/flags/{flag_id}/lease": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/release": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/first-review": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/second-review": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/investigation": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/disposal": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/flags/{flag_id}/approval": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/flags/{flag_id}/notice": Entry("hospital", "hospital"),
    "POST /audit/v1/flags/{flag_id}/statement": Entry("hospital", "hospital"),
    "GET /audit/v1/reviews": Entry(REVIEWERS, "list"),
    "GET /audit/v1/reasons": Entry("reviewer supervisor hospital operator", "nobody"),
    "GET /audit/v1/claims/{claim_id}": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/series": Entry(REVIEWERS, "nobody"),
    "GET /audit/v1/institutions/{institution_code}": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/institutions/{institution_code}/case-mix": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/claims/{claim_id}/peers": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/claims/{claim_id}/pick": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/scoring": Entry("reviewer supervisor operator", "nobody"),
    "GET /audit/v1/rules": Entry("reviewer supervisor operator", "nobody"),
    "GET /audit/v1/snoozes": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/snoozes": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/snoozes/{snooze_id}/approve": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/snoozes/{snooze_id}/end": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/claim-scores": Entry(REVIEWERS, "nobody"),
    "GET /audit/v1/price-notices": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/price-notices": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/price-notices/{id}/approve": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/price-notices/{id}/end": Entry(REVIEWERS, "pool"),
    "GET /audit/v1/indicator-limits": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/indicator-limits": Entry(REVIEWERS, "nobody"),
    "POST /audit/v1/indicator-limits/{id}/approve": Entry(REVIEWERS, "pool"),
    "POST /audit/v1/indicator-limits/{id}/end": Entry(REVIEWERS, "pool"),
    # A check is of the caller's own case, and its number the caller's own word.
    "POST /audit/v1/checks": Entry("hospital", "nobody"),
    "POST /audit/v1/checks/{check_id}/feedback": Entry("hospital", "nobody"),
    "POST /audit/v1/checks:for-hospital": Entry("service", "nobody"),
    "POST /audit/v1/checks/{check_id}/feedback:for-hospital": Entry("service", "nobody"),
}


def lacking(description: dict[str, Any]) -> list[str]:
    """Routes of a service of which the matrix says nothing."""
    return [r for r, _ in routes(description) if not r.endswith("/token") and r not in MATRIX]


def test_every_route_has_an_entry(here: Peopled) -> None:
    described = set()
    for service in here.whole.services.values():
        assert lacking(service.app.openapi()) == []
        described |= {route for route, _ in routes(service.app.openapi())}
    assert MATRIX.keys() <= described
    assert lacking({"paths": {"/audit/v1/new": {"get": {}}}}) == ["GET /audit/v1/new"]


def meant(entry: Entry, role: str, caller: Owner) -> tuple[int, str]:
    """What a caller hears who asks for something of A's: status class and code."""
    if role not in entry.roles.split():
        return 403, "4-forbidden"
    if entry.whose in ("nobody", "list") or role in entry.every_pool.split():
        return 200, ""
    same = caller.pool == A.pool and role not in ("operator", "service")
    if same and (entry.whose == "pool" or role != "hospital" or caller == A):
        return 200, ""
    return entry.status, entry.code


async def send(here: Peopled, route: str, asked: Asked, token: str) -> httpx.Response:
    """A request under a token."""
    method, address = route.split(" ")
    service = address.split("/")[1]
    head = {"idempotency-key": uuid4().hex}
    if token:
        head["authorization"] = f"Bearer {token}"
    content = None
    if method == "POST":
        head["content-type"] = "application/json"
        content = json.dumps(asked.body).encode() if asked.body is not None else b""
    return await here.whole.services[service].http.request(
        method, address.format(**asked.path), params=asked.query, content=content, headers=head
    )


@pytest.mark.parametrize("route", sorted(r for r, e in MATRIX.items() if e.whose != "list"))
async def test_each_role_asks_for_what_is_of_hospital_a(here: Peopled, route: str) -> None:
    entry, service = MATRIX[route], route.split("/")[1]
    asked = await here.valid(route, A)
    own = {*asked.path.values(), *asked.query.values()} - {A.pool}
    other = SERVICES[(SERVICES.index(service) + 1) % 3]
    stranger = await here.caller(other, "clerk", A)
    for token in ("", stranger.token):
        answer = await send(here, route, asked, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "3-unauthenticated")
    taken = []
    for role, owner in CALLERS:
        status, code = meant(entry, role, owner)
        caller = await here.caller(service, role, owner)
        if status == 200:
            taken.append(caller)
            continue
        answer = await send(here, route, asked, caller.token)
        about = (route, role, owner, answer.text)
        assert answer.json()["code"] == code, about
        # An employer that a body names is no address: the rule that misses it answers.
        assert answer.status_code == (422 if code == EMPLOYER else status), about
        assert not [name for name in own if len(name) > 6 and name in answer.text], about
    assert taken
    for caller in taken:
        answer = await send(here, route, await _again(here, route, asked), caller.token)
        assert answer.status_code in (200, 201), (route, caller.token[-8:], answer.text)


async def _again(here: Peopled, route: str, asked: Asked) -> Asked:
    """What can be asked once only is made anew for each who may ask; all of it is A's."""
    return await here.valid(route, A) if route.startswith("POST") else asked


LISTS: dict[str, Callable[[dict[str, str]], tuple[dict[str, str], str]]] = {
    "GET /settlement/v1/settlements": lambda made: (
        {"stay": made["stay"], "institution": A.hospital}, made["claim"]
    ),
    "GET /settlement/v1/item-mappings": lambda made: (
        {"state": "proposed", "limit": "1000"}, made["mapping"]
    ),
    "GET /settlement/v1/doubts": lambda made: ({"limit": "1000"}, made["doubt"]),
    "GET /settlement/v1/stays": lambda made: ({"person_ref": made["person"]}, made["stay"]),
    "GET /settlement/v1/pregnancies": lambda made: (
        {"person_ref": made["person"]}, f'"{A.hospital}"'
    ),
    "GET /settlement/v1/his-profiles": lambda made: ({}, f'"proposal":{made["profile"]},'),
    "GET /settlement/v1/agreements": lambda _: ({}, f'"{A.hospital}"'),
    "GET /settlement/v1/deductions": lambda made: ({}, made["claim"]),
    "GET /settlement/v1/adjustments": lambda made: ({"limit": "1000"}, made["claim"]),
    "GET /settlement/v1/reconciliations": lambda made: ({"limit": "1000"}, made["reconciliation"]),
    "GET /audit/v1/flags": lambda made: ({"state": "decided"}, made["flag"]),
    "GET /audit/v1/reviews": lambda made: ({"since": "2024-01-01"}, made["flag"]),
}  # fmt: skip
"""For each list what is asked, and what of A's must stand in it for A alone."""


async def test_lists_show_each_caller_its_own(here: Peopled) -> None:
    made = await here.deducted(A, before=B)
    await here.proposed(made["claim"])
    made["stay"] = await here.owners["settlement"].fetchval(
        "select stay_id::text from settlement where settlement_id::text = $1", made["claim"]
    )
    asked = await here.valid("GET /settlement/v1/reconciliations/{reconciliation_id}", A)
    asked_too = await here.valid("POST /settlement/v1/item-mappings/{mapping_id}/revoke", A)
    asked_profile = await here.valid("POST /settlement/v1/his-profiles/{proposal}/approve", A)
    made["profile"] = asked_profile.path["proposal"]
    made["doubt"] = await here.owners["settlement"].fetchval(
        "insert into doubt values ($1, gen_random_uuid(), $2, $3::text::uuid, 'mapped_otherwise',"
        " '{\"lines\": []}', now()) returning doubt_id::text",
        A.pool, A.hospital, made["stay"],
    )  # fmt: skip
    made["mapping"] = asked_too.path["mapping_id"]
    made["reconciliation"] = asked.path["reconciliation_id"]
    made["person"] = await here.owners["settlement"].fetchval(
        "select person_ref from stay where stay_id::text = $1", made["stay"]
    )
    assert LISTS.keys() == {route for route, entry in MATRIX.items() if entry.whose == "list"}
    for route, of in LISTS.items():
        query, mark = of(made)
        for role, owner in CALLERS:
            caller = await here.caller(route.split("/")[1], role, owner)
            answer = await send(here, route, Asked("", query=query), caller.token)
            about = (route, role, owner, answer.text)
            if role not in MATRIX[route].roles.split():
                assert answer.status_code == 403, about
                continue
            assert answer.status_code == 200, about
            mine = owner == A or (owner.pool == A.pool and role != "hospital")
            assert (mark in answer.text) == mine, about


_VAULT = Vault("00112233445566778899aabbccddeeff")


def _stay(row: Any) -> Any:
    return SimpleNamespace(
        pool_code=A.pool, institution_code=A.hospital, stay_id=row["stay_id"],
        admitted_on=row["admitted_on"],
    )  # fmt: skip


async def _by_the_gateway(tx: Connection, row: Any) -> dict[str, int]:
    """What A's system would have told of the stay; returns the numbers of its profile and of one
    that waits."""
    profile = HisProfile(
        A.pool, A.hospital, Scheme.PRIVATE_LINE, "", "", ("10.0.0.0/8",), False, -1, {},
        frozenset(), {},
    )  # fmt: skip
    number = await his_profiles.propose(tx, profile, _VAULT, "first", row["settled_at"])
    assert number is not None
    await his_profiles.approve(tx, number, "second", row["settled_at"])
    waiting = await his_profiles.propose(tx, profile, _VAULT, "first", row["settled_at"])
    assert waiting is not None
    told = encounters.Encounter(row["stay_id"], row["person_ref"], {})
    await encounters.note(tx, A.pool, A.hospital, told, row["settled_at"])
    assert await encounters.number_lines(tx, _stay(row), [("1", "1")], 1)
    return {"profile": number, "waiting": waiting}


Read = Callable[[Connection, Any], Awaitable[Any]]
READS: dict[Any, Read] = {
    stays.find: lambda tx, s: stays.find(tx, A.pool, A.hospital, s["stay_id"]),
    lines.kept: lambda tx, s: _of_bill(lines.kept, tx, s),
    lines.left: lambda tx, s: _of_bill(lambda tx, stay: lines.left(tx, stay, [1]), tx, s),
    ledger.find: lambda tx, s: ledger.find(tx, A.pool, s["settlement_id"]),
    stays.of_person: lambda tx, s: stays.of_person(
        tx, A.pool, A.hospital, s["person_ref"], since=None, until=None, after=NO_ID, limit=9
    ),
    lines.modes_charged: lambda tx, s: _of_bill(lines.modes_charged, tx, s),
    lines.page: lambda tx, s: _of_bill(lambda tx, stay: lines.page(tx, stay, 0, 9), tx, s),
    ledger.of_person: lambda tx, s: ledger.of_person(
        tx, A.pool, A.hospital, s["person_ref"], NO_ID, 9
    ),
    ledger.of_stay: lambda tx, s: ledger.of_stay(tx, A.pool, A.hospital, s["stay_id"]),
    ledger.legs_of: lambda tx, s: ledger.legs_of(tx, s["account_month"], s["settlement_id"]),
    ledger.deducted_so_far: lambda tx, s: _fen(ledger.deducted_so_far, tx, s),
    ledger.deductions: lambda tx, s: _of(ledger.deductions(tx, A.pool, "pending", None, 1000), s),
    adjustments.find: lambda tx, s: adjustments.find(tx, A.pool, s["adjustment_id"]),
    adjustments.in_state: lambda tx, s: _of(
        adjustments.in_state(tx, A.pool, "proposed", NO_ID, 1000), s
    ),
    adjustments.of_claims: lambda tx, s: adjustments.of_claims(tx, A.pool, [s["settlement_id"]]),
    reconciliations.our_sums: lambda tx, s: _sums(tx, s),
    reconciliations.our_book: lambda tx, s: _book(tx, s),
    reconciliations.find: lambda tx, s: reconciliations.find(tx, A.pool, s["reconciliation_id"]),
    reconciliations.page: lambda tx, s: _kept(tx, s),
    reconciliations.differences: lambda tx, s: reconciliations.differences(
        tx, A.pool, s["reconciliation_id"], 0, 10
    ),
    mappings.find: lambda tx, s: mappings.find(tx, A.pool, s["mapping_id"]),
    mappings.page: lambda tx, s: _mapped(tx, s),
    reconciliations.written: lambda tx, s: reconciliations.written(
        tx, A.pool, A.hospital, _scope(s)
    ),
    mappings.standing: lambda tx, s: mappings.standing(tx, A.pool, A.hospital, s["own_code"]),
    mappings.in_force: lambda tx, s: mappings.in_force(
        tx, A.pool, A.hospital, [(s["own_code"], s["own_on"])]
    ),
    doubts.page: lambda tx, s: _doubted(tx, s),
    doubts.of_stay: lambda tx, s: doubts.of_stay(
        tx, A.pool, s["stay_id"], DoubtKind.MAPPED_OTHERWISE
    ),
    agreements.own_level: lambda tx, s: agreements.own_level(
        tx, A.pool, A.hospital, s["admitted_on"]
    ),
    encounters.of_stays: lambda tx, s: encounters.of_stays(tx, A.pool, A.hospital, [s["stay_id"]]),
    encounters.serials: lambda tx, s: encounters.serials(tx, _stay(s)),
    exchanged_files.find: lambda tx, s: exchanged_files.find(
        tx, A.pool, s["file_id"], s["settled_at"]
    ),
    warnings.find: lambda tx, s: warnings.find(tx, A.pool, s["file_id"]),
    exchanged_files.count: lambda tx, _: exchanged_files.count(tx, A.pool, A.hospital),
    settled.live: lambda tx, s: _live(tx, s),
    agreements.agreements: lambda tx, _: _agreed(tx),
    settling.read: lambda tx, s: _stay_read(tx, s),
    history.standing_claims: lambda tx, s: _standing(tx, s),
    disputed.claims: lambda tx, s: disputed.claims(tx, A.pool, [s["settlement_id"]]),
    encounters.find: lambda tx, s: encounters.find(tx, A.pool, A.hospital, s["stay_id"]),
    encounters.last_line: lambda tx, s: encounters.last_line(tx, A.pool, s["stay_id"]),
    encounters.numbered: lambda tx, s: encounters.numbered(tx, _stay(s), "", ["1"]),
    his_profiles.current: lambda tx, s: his_profiles.current(
        tx, A.hospital, s["settled_at"], _VAULT
    ),
    his_profiles.waiting: lambda tx, s: his_profiles.waiting(tx, A.pool, s["waiting"] - 1, 1),
    his_profiles.other_lines: lambda tx, s: his_profiles.other_lines(tx, "H9"),
    his_profiles.proposal: lambda tx, s: his_profiles.proposal(tx, A.pool, s["profile"]),
    disputed.lines: lambda tx, s: disputed.lines(
        tx, A.pool, [(s["settlement_id"], Dispute(lines=frozenset({1})))]
    ),
}
"""The store's reads of rows that have an owner, each asked for A's: where a statement names the
institution it is given A's own, so that nothing but the wall can hide the row."""

NOT_WALLED = {
    # The pool's own, or one for all pools.
    pregnancies.of_person, pregnancies.all_of_person, pregnancies.keep_all, pregnancies.hold,
    agreements.agreed, agreements.all_agreed, catalogue.items, catalogue.named,
    catalogue.in_force, mappings.listed,
    catalogue.page, catalogue.imports,
    catalogue.find_import, pregnancies.find, pregnancies.have_open,
    books.content,
    pregnancies.designations, courses.entries, courses.entries_of, entitlements.find,
    entitlements.page, entitlements.of_settlement, person_states.find,
    books.current_hash, books.coming_hashes, books.proposal,
    care.cares, care.of_pregnancies, entitlements.of_settlements,
    person_states.known, person_states.next_due, books.appointment,
    # Of an adjustment that was found behind the wall, for who decides on all of a pregnancy's.
    adjustments.waiting_with,
    # A number only, or yes and no.
    periods.is_closed, periods.is_open_before, periods.hold_open,
    history.left_out, person_states.count_failing,
    # Whether there is one only; checks count over all hospitals.
    courses.visited,
    # For the worker that tells audit, which asks for every hospital's.
    warnings.unsent,
    # By the name of who asks, as every answer that is kept.
    encounters.receipt_kept,
    # Ids and a state only; hospitals meet there (see the decision on claim guards).
    ledger.claim_head, settled.hold,
}  # fmt: skip
WRITES = {
    "endorse", "insert_corrections", "insert_revision", "move_due", "note_due", "put_off",
    "insert_entries", "lock_course", "free_days", "change",
    "insert", "cancel", "forget", "keep", "lock", "insert_listing", "end_listing", "propose_rows",
    "decide_import", "take_import", "end_agreement",
    "insert_reversal", "insert_deduction", "insert_agreement",
    "update", "upsert", "transfer", "correct", "move_claim", "cancel_deductions",
    "release_deductions",
    "note", "tell", "number_lines", "forget_lines", "use_nonce",
    "reply", "mark_sent",
    "post_income", "close", "put", "decide", "post", "archive", "propose", "approve",
    "write",
}  # fmt: skip


async def _fen(read: Any, tx: Connection, s: Any) -> int:
    return int((await read(tx, A.pool, s["settlement_id"])).fen)


async def _of(read: Awaitable[list[Any]], s: Any) -> list[Any]:
    return [row for row in await read if row.settlement_id == s["settlement_id"]]


async def _agreed(tx: Connection) -> list[Any]:
    found = await agreements.agreements(tx, A.pool, ("", date.min), 1000)
    return [row for row in found if row[0] == A.hospital]


async def _live(tx: Connection, s: Any) -> list[Any]:
    found = await settled.live(tx, A.pool, s["rule_on"], s["rule_on"], limit=1000)
    return [one for one in found if one.settlement.settlement_id == s["settlement_id"]]


async def _standing(tx: Connection, s: Any) -> list[Any]:
    """Of all pools: so those of A's stays."""
    batches = history.standing_claims(tx, s["rule_on"], s["rule_on"])
    return [one async for batch in batches for one in batch if one.stay.stay_id == s["stay_id"]]


async def _stay_read(tx: Connection, s: Any) -> Any:
    """READ sets its wall itself, to who asks: so without the line that names the institution."""
    line = "and s.institution_code = asked.caller"
    assert settling.READ.count(line) == 1
    wall = await tx.fetchval("select current_setting('app.callers')")
    asked = [(A.pool, wall, "settle", uuid4().hex, s["stay_id"], None)]
    row = await tx.fetchrow(settling.READ.replace(line, ""), wall, asked, True)
    return row and row["stay_id"]


def _scope(s: Any) -> Scope:
    day = business_day(s["settled_at"])
    return Scope(day, day, None, None)


async def _sums(tx: Connection, s: Any) -> int:
    return (await reconciliations.our_sums(tx, A.pool, A.hospital, _scope(s))).rows


async def _book(tx: Connection, s: Any) -> Any:
    return (await reconciliations.our_book(tx, A.pool, A.hospital, _scope(s))).rows


async def _mapped(tx: Connection, s: Any) -> Any:
    found = await mappings.page(tx, A.pool, "approved", NO_ID, 1000)
    return [one for one in found if one.mapping_id == s["mapping_id"]]


async def _doubted(tx: Connection, s: Any) -> Any:
    found = await doubts.page(tx, A.pool, NO_ID, 1000)
    return [one for one in found if one.doubt_id == s["doubt_id"]]


async def _kept(tx: Connection, s: Any) -> Any:
    found = await reconciliations.page(tx, A.pool, None, 1000)
    return [one for one in found if one.reconciliation_id == s["reconciliation_id"]]


async def _of_bill(read: Any, tx: Connection, s: Any) -> Any:
    """The bill of A's stay, whoever asks: what the statement names is A's own."""
    owner = await tx.fetchval("select current_setting('app.callers')")
    async with tx.transaction():
        await tx.execute("select set_config('app.callers', $1, true)", A.hospital)
        stay = await stays.find(tx, A.pool, A.hospital, s["stay_id"])
        await tx.execute("select set_config('app.callers', $1, true)", owner)
        return await read(tx, stay)


def _waits(found: object) -> bool:
    return inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found)


def test_every_read_of_the_store_is_tried_or_named() -> None:
    for module in (
        stays, ledger, agreements, settling, settled, adjustments, pregnancies, books, care,
        catalogue, courses, disputed, doubts, encounters, entitlements, exchanged_files,
        his_profiles, history, lines, mappings, periods, person_states, reconciliations,
        settlement_lists, stay_items, warnings,
    ):  # fmt: skip
        for name, found in inspect.getmembers(module, _waits):
            if found.__module__ == module.__name__ and not name.startswith("_"):
                assert name in WRITES or found in READS or found in NOT_WALLED, found


async def test_the_wall_alone_hides_what_is_anothers(here: Peopled) -> None:
    made = await here.deducted(A, before=B)
    row = await here.owners["settlement"].fetchrow(
        "select * from settlement where settlement_id::text = $1", made["claim"]
    )
    asked = await here.valid("GET /settlement/v1/reconciliations/{reconciliation_id}", A)
    mapped = await here.valid("POST /settlement/v1/item-mappings/{mapping_id}/revoke", A)
    of_a = dict(row) | {
        "adjustment_id": await here.proposed(made["claim"]),
        "reconciliation_id": UUID(asked.path["reconciliation_id"]),
        "file_id": uuid4(),
        "mapping_id": UUID(mapped.path["mapping_id"]),
        "doubt_id": uuid4(),
    }
    await here.owners["settlement"].execute(
        "insert into told_warning values ($1, $2, $3, $2, 'case', 'rule', $4)",
        A.pool, of_a["file_id"], A.hospital, row["settled_at"],
    )  # fmt: skip
    of_a |= dict(await here.owners["settlement"].fetchrow(
        "update item_mapping set state = 'approved', valid = daterange(starts, null)"
        " where mapping_id = $1 returning own_code, starts as own_on", of_a["mapping_id"],
    ))  # fmt: skip
    await here.owners["settlement"].execute(
        "insert into doubt values ($1, $2, $3, $4, 'mapped_otherwise', '{}', now())",
        A.pool, of_a["doubt_id"], A.hospital, row["stay_id"],
    )  # fmt: skip
    await here.owners["settlement"].execute(
        "insert into exchanged_file"
            " select $1, $2, $3, 'a', 'x', at, at + interval '1 day'"
            " from (select $4::timestamptz as at) now",
        A.pool, of_a["file_id"], A.hospital, row["settled_at"],
    )  # fmt: skip
    # Else no item of A's bill would say anything of a birth.
    await here.owners["settlement"].execute(
        "update catalogue_item set delivery_mode = 'vaginal' where item_code = 'delivery'"
    )
    settings = here.whole.services["settlement"].settings
    pool = await open_pool(settings.service_dsn.get_secret_value(), size=1)
    async with transaction(pool, [AGENCY]) as tx:
        of_a |= await _by_the_gateway(tx, row)
    for read, asked in READS.items():
        for wall, seen in ((A.hospital, True), (AGENCY, True), (B.hospital, False), ("", False)):
            async with transaction(pool, [wall]) as tx:
                assert bool(await asked(tx, of_a)) == seen, (read, wall)
    await pool.close()


async def test_the_wall_alone_hides_anothers_flags(here: Peopled) -> None:
    made = await here.deducted(A, before=B)
    flag = UUID(made["flag"])
    settings = here.whole.services["audit"].settings
    pool = await open_pool(settings.service_dsn.get_secret_value(), size=1)
    for wall, seen in ((A.hospital, True), (AGENCY, True), (B.hospital, False), ("", False)):
        async with transaction(pool, [wall]) as tx:
            page = await audit_queue.as_raised(tx, audit_queue.Asked(A.pool, None, None, 1000))
            assert (flag in {found.flag_id for found in page}) == seen, wall
            assert bool(await audit_flags.find(tx, A.pool, flag)) == seen, wall
            said = await audit_statements.of_flag(tx, A.pool, flag)
            assert bool(said) == seen, wall
    await pool.close()
