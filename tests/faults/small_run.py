"""A month of a small agency, with one of everything that verify looks at; then all is quiet."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.verify.quiet import wait_for_quiet
from deploy.verify.stores import open_stores
from services.enrollment.domain.id_number import check_character
from shared.money import Money
from shared.plumbing.database import AGENCY, transaction
from tests.support.agency import Agency, agency, made, run_file, until
from tests.support.care import Town
from tests.support.his import introduced
from tests.support.kafka import Kafka
from tests.support.late_document import (
    LATE,
    LATE_SUMS,
    LATE_WAIT,
    LOWER_UNITS,
    book_with,
    make_current,
)
from tests.support.late_document import POOL as LATE_POOL
from tests.support.postgres import ServiceDatabases
from tests.support.reviewing import AGREE, CLEAR, decided, raised_on
from tests.support.running import Client
from tests.support.trial_pools import HEADS, TRIAL_POOLS, UNITS, use_trial_book

NANJING, KIZILSU = "320100", "653000"
POOLS = {NANJING: {"HNJ3": 3, "HNJ2": 2}, KIZILSU: {"HKZ3": 3, "HKZ2": 2}}
QUIET_SECONDS_MAX = 60
_serial = itertools.count(100, 2)  # even: women


async def small_run(databases: ServiceDatabases, folder: Path, kafka: Kafka | None = None) -> Path:
    """Live through it and stop; returns the run file, as the launchers write it."""
    async with agency(databases, folder, kafka) as whole:
        use_trial_book(whole)
        await whole.open_for_business(POOLS | TRIAL_POOLS)
        callers = {pool: await _callers(whole, pool, "march") for pool in POOLS}
        for pool, those in callers.items():
            await _march(whole, pool, those)
        await cared_for(whole)
        await _kept_at_the_office(whole, callers[NANJING]["high"])
        whole.clock.move(days=5)
        await _books_held(whole, *TRIAL_POOLS[UNITS])
        for pool in POOLS:
            await _april(whole, pool, await _callers(whole, pool, "april"))
        await _heard_late(whole, callers)
        whole.clock.move(days=30)
        await _may(whole, folder)
        file = run_file(whole, folder, kafka)
        async with open_stores(file) as stores:
            assert await wait_for_quiet(stores, QUIET_SECONDS_MAX) == []
    return file


async def _callers(whole: Agency, pool: str, when: str) -> dict[str, Client]:
    high, low = POOLS[pool]
    wanted = {
        "clerk": ("enrollment", "clerk", ""), "finance": ("settlement", "finance", ""),
        "high": ("settlement", "hospital", high), "low": ("settlement", "hospital", low),
        "first": ("audit", "reviewer", ""), "second": ("audit", "reviewer", ""),
        "stating": ("audit", "hospital", low),
    }  # fmt: skip
    return {
        name: await whole.caller(service, f"{name}-{pool}-{when}", role, pool, code)
        for name, (service, role, code) in wanted.items()
    }


async def _march(whole: Agency, pool: str, those: dict[str, Client]) -> None:
    employer = {"employer_ref": f"E{pool}", "name": "示例单位", "pool": pool,
                "county_code": pool, "kind": "enterprise"}  # fmt: skip
    await made(those["clerk"].post("/employers", employer))
    await _birth(whole, pool, those["high"], await _insured(whole, pool, those["clerk"]))
    # Settled, undone, settled again.
    person = await _insured(whole, pool, those["clerk"])
    stay, total, settled = await _birth(whole, pool, those["high"], person)
    await made(those["high"].post(f"/settlements/{settled}/reverse"))
    await made(those["high"].post(f"/stays/{stay}/settle", {"total": total}))
    # One birth claimed twice, by two hospitals: one deduction stands, one is cancelled again.
    for undone in (False, True):
        person = await _insured(whole, pool, those["clerk"])
        await _birth(whole, pool, those["high"], person, born="2024-03-10")
        _, _, claim = await _birth(whole, pool, those["low"], person, since="2024-03-12")
        flag = await _deducted(those, claim)
        if undone:
            await made(those["low"].post(f"/settlements/{claim}/reverse"))
            await _cleared(those, flag)
    await _given_back(whole, pool, those)


async def _given_back(whole: Agency, pool: str, those: dict[str, Client]) -> None:
    """A deduction that was taken, whose ground went, and that two people gave back."""
    person = await _insured(whole, pool, those["clerk"])
    _, _, rival = await _birth(whole, pool, those["high"], person, born="2024-03-10")
    _, _, claim = await _birth(whole, pool, those["low"], person, since="2024-03-12")
    flag = await _deducted(those, claim)
    await made(those["high"].post(f"/settlements/{rival}/reverse"))
    await _cleared(those, flag)
    await until(lambda: _shows(those, flag, "deduction", "released"))


async def _cleared(those: dict[str, Client], flag: str) -> None:
    """A flag that opens again, which two people clear: no review is left for a later day."""
    shown = await until(lambda: _shows(those, flag, "state", "open"))
    cleared = CLEAR | {"version": shown["version"]}
    version = (await made(those["first"].post(f"/flags/{flag}/first-review", cleared)))["version"]
    agreed = AGREE | {"version": version}
    await made(those["second"].post(f"/flags/{flag}/second-review", agreed))


async def _shows(those: dict[str, Client], flag: str, name: str, value: str) -> Any:
    shown = await made(those["first"].get(f"/flags/{flag}"))
    return shown[name] == value and shown


async def cared_for(whole: Agency) -> None:
    """A pregnancy per unit and one per capita, each with a birth; a loss; a birth undone."""
    units, heads = Town(whole, UNITS), Town(whole, HEADS)
    for town in (units, heads):
        await town.move_in()
        mother = await town.mother()
        await town.visit(town.high, mother, "2023-09-25", "450.00", week=12)
        undone = await town.visit(town.high, mother, "2023-10-02", "50.00", week=13)
        await made(town.high.post(f"/settlements/{undone['settlement_id']}/reverse"))
        await town.transfer(mother, "2023-11-20")
        await town.visit(town.low, mother, "2024-02-12", "300.00", week=32)
        await town.birth(mother)
        await town.visit(town.low, mother, "2024-03-26", "60.00", postnatal=True)
        fixed = (await town.entitlements(mother))["allowance"]["entitlement_id"]
        base = {"entitlement_id": fixed, "base_monthly": "6000.00"}
        await made(town.clerk.post("/allowances", base))
    lost = await units.mother()
    await units.settled(units.low, "loss", lost, "2023-11-20", "1500.00", weeks=20)
    await units.paid_late()
    undone = await units.birth(await units.mother())
    await made(units.high.post(f"/settlements/{undone['settlement_id']}/reverse"))
    mistaken = (await units.mother()).pregnancy
    await made(units.high.post(f"/pregnancies/{mistaken}/correct", {"since": "2023-08-01"}))
    await made(units.high.post(f"/pregnancies/{mistaken}/cancel"))


async def _kept_at_the_office(whole: Agency, hospital: Client) -> None:
    """Profiles of hospitals' systems, of which one waits; an agreement that is ended twice, an item
    that is ended once; a hospital's own codes mapped, turned down and revoked."""
    one, other = [
        await whole.caller("settlement", f"clerk-{n}-office", "clerk", NANJING) for n in (1, 2)
    ]
    await introduced(one, other, "HNJ3")
    line = {"institution_code": "HNJ2", "scheme": "private_line", "networks": ["10.0.0.0/8"]}
    await made(one.post("/his-profiles", line))
    agreement = {"institution_code": "HNJ1", "level": 1, "start": "2020-01-01"}
    await made(one.post("/agreements", agreement))
    for end in ("2031-01-01", "2030-01-01"):
        await made(one.post("/agreements/HNJ1/end", {"end": end}))
    item = {"item_code": "cot", "name": "cot", "start": "2020-01-01", "item_class": "a"}
    await made(one.post("/catalogue-items", item))
    await made(one.post("/catalogue-items/cot/end", {"end": "2030-01-01"}))
    for own_code, *steps in (("1", "approve"), ("2", "reject"), ("3", "approve", "revoke"),
                             ("4", "revoke"), ("5",)):  # fmt: skip
        own = {"own_code": own_code, "own_name": "床位", "item_code": "bed"}
        mapping = (await made(hospital.post("/item-mappings", own)))["mapping_id"]
        for step in steps:
            by = hospital if step == "revoke" else one
            await made(by.post(f"/item-mappings/{mapping}/{step}"))


async def _books_held(whole: Agency, high: str, low: str) -> None:
    """Each hospital's book of March against ours: one level, by insurance and by totals alone too;
    one with an amount of its own, a row that nobody else has, and without a refund."""
    for institution, spoilt in ((low, False), (high, True)):
        hospital = await whole.caller("settlement", f"books-{institution}", "hospital", UNITS,
                                      institution)  # fmt: skip
        rows = await _book_of(whole, institution)
        if spoilt:
            refund = next(row for row in rows if row["refund"])
            rows = [row for row in rows if row is not refund]
            rows[0] = rows[0] | {"fund": "1.00"}
            rows.append(rows[1] | {"settlement_id": str(uuid4())})
        for asked in ({"rows": rows}, {"insurance_type": "510"}, {"refunds": "only"}):
            body = {"since": "2024-03-01", "until": "2024-03-31", "totals": _sums(rows)} | asked
            made_of = await made(hospital.post("/reconciliations", body))
            assert made_of["detailed"] == ("rows" in asked)
            assert "rows" not in asked or made_of["level"] != spoilt


async def _book_of(whole: Agency, institution: str) -> list[dict[str, Any]]:
    """What a hospital's receipts said, row by row."""
    async with transaction(whole.services["settlement"].app.state.office.pool, [AGENCY]) as tx:
        kept = await tx.fetch(
            "select settlement_id::text, reverses is not null as refund, total_fen as total,"
            " desk_fund_fen + other_fund_fen as fund, member_account_fen as account"
            " from settlement where institution_code = $1 order by settlement_id",
            institution,
        )
    parts = ("total", "fund", "account")
    return [dict(row) | {name: Money(row[name]).to_wire() for name in parts} for row in kept]


def _sums(rows: list[dict[str, Any]]) -> dict[str, Any]:
    parts = ("total", "fund", "account")
    sums = {name: Money.total(Money.from_wire(row[name]) for row in rows) for name in parts}
    return {name: value.to_wire() for name, value in sums.items()} | {"rows": len(rows)}


async def _april(whole: Agency, pool: str, those: dict[str, Client]) -> None:
    await _birth(whole, pool, those["high"], await _insured(whole, pool, those["clerk"]))
    await made(those["finance"].post("/periods", {"month": "2024-03"}))


async def _heard_late(whole: Agency, callers: dict[str, dict[str, Client]]) -> None:
    """Contributions of March that are heard of when March is closed: income of April's account."""
    whole.clock.move(days=-5)
    for pool, those in callers.items():
        await _insured(whole, pool, those["clerk"])
        await until(partial(_posted_late, whole, pool))
    whole.clock.move(days=5)


async def _posted_late(whole: Agency, pool: str) -> Any:
    async with transaction(whole.services["settlement"].app.state.office.pool, [AGENCY]) as tx:
        return await tx.fetchval(
            "select exists (select from posting where pool_code = $1 and month = '2024-04-01'"
            " and posted_at < '2024-03-31 16:00Z')",
            pool,
        )


async def _may(whole: Agency, folder: Path) -> None:
    """A document comes late. Of March's claims that it changes two are adjusted, one of them is
    reversed then, one adjustment is rejected, and one waits; April's waits too."""
    clerks = [
        await whole.caller("settlement", f"clerk-{n}-may", "clerk", LATE_POOL) for n in (1, 2)
    ]
    await make_current(whole, *clerks, book_with(folder, LATE, LOWER_UNITS, LATE_SUMS, LATE_WAIT))
    both = {"since": "2024-03-01", "until": "2024-04-30"}
    proposed = (await made(clerks[0].post("/reconsiderations", both)))["proposed"]
    first, undone, rejected, *_ = proposed
    for adjustment in (first, undone):
        await made(clerks[1].post(f"/adjustments/{adjustment}/release"))
    await made(clerks[1].post(f"/adjustments/{rejected}/reject"))
    (claim,) = [
        item["settlement_id"]
        for item in (await made(clerks[0].get("/adjustments", state="released")))["items"]
        if item["adjustment_id"] == undone
    ]
    high = await whole.caller(
        "settlement", "high-may", "hospital", LATE_POOL, next(iter(POOLS[LATE_POOL]))
    )
    await made(high.post(f"/settlements/{claim}/reverse"))
    await _visits_again(whole)


async def _visits_again(whole: Agency) -> None:
    """The same book lowers two units, and raises what births entitle to: two visits are adjusted,
    together, what two births entitle to is revised, and a loss is taken back."""
    one, other = [
        await whole.caller("settlement", f"clerk-{n}-units-may", "clerk", UNITS) for n in (1, 2)
    ]
    all_visits = {"since": "2023-07-01", "until": "2024-04-30"}
    proposed = (await made(one.post("/reconsiderations", all_visits)))["proposed"]
    assert len(proposed) == 5
    for adjustment in proposed[1:]:
        await made(other.post(f"/adjustments/{adjustment}/release"))


async def _insured(whole: Agency, pool: str, clerk: Client) -> str:
    first_17 = f"{pool}19900315{next(_serial):03d}"
    person = await made(
        clerk.post(
            "/persons",
            {"id_number": first_17 + check_character(first_17), "name": "例某",
             "county_code": pool, "kind": "employee", "start": "2022-01-01",
             "employer_ref": f"E{pool}"},
        )
    )  # fmt: skip
    ref = str(person["person_ref"])
    months = [f"{n // 12}-{n % 12 + 1:02d}" for n in range(2022 * 12, 2024 * 12 + 3)]
    items = [{"person_ref": ref, "month": month, "base": "6000.00"} for month in months]
    await made(clerk.post("/contributions", {"items": items}))
    pool_of = whole.services["settlement"].app.state.office.pool

    async def heard() -> Any:
        return await pool_of.fetchval(
            "select true from person_state where person_ref = $1 and state_version = 2", ref
        )

    await until(heard)
    return ref


async def _birth(
    whole: Agency, pool: str, hospital: Client, person: str, *, born: str = "2024-03-21",
    since: str = "2023-07-01",
) -> tuple[str, str, str]:  # fmt: skip
    """A stay from admission to settlement: stay, its bill's total, settlement."""
    registered = {"person_ref": person, "since": since, "institution_code": hospital.institution}
    pregnancy = (await made(hospital.post("/pregnancies", registered)))["pregnancy_id"]
    admitted = {"stay_number": uuid4().hex, "person_ref": person, "pregnancy_id": pregnancy,
                "admitted_on": born}  # fmt: skip
    stay = (await made(hospital.post("/stays", admitted)))["stay_id"]
    lines = [
        {"line_number": n, "item_code": item, "charged_on": born, "quantity": quantity,
         "price": price}
        for n, (item, quantity, price) in enumerate(
            [("delivery", "1", "4500.00"), ("bed", "3", "50.00"), ("photo", "1.5", "8.33")], 1
        )
    ]  # fmt: skip
    total = (await made(hospital.post(f"/stays/{stay}/lines", {"lines": lines})))["total"]
    outcome = {"discharged_on": born, "event_on": born, "mode": "vaginal", "total": total}
    await made(hospital.post(f"/stays/{stay}/discharge", outcome))
    settled = await made(hospital.post(f"/stays/{stay}/settle", {"total": total}))
    return stay, total, settled["settlement_id"]


async def _deducted(those: dict[str, Client], claim: str) -> str:
    """Two reviewers decide on a claim's flag, and settlement's answer has come back; the flag."""
    flag = await raised_on(those["first"], claim)
    await decided(those["first"], those["second"], those["stating"], flag)

    async def taken() -> Any:
        steps = (await made(those["first"].get(f"/flags/{flag}")))["history"]
        return any(step["step"] == "deduction-taken" for step in steps)

    await until(taken)
    return str(flag)
