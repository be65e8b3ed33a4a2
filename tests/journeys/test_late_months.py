"""Her employer pays a year of contributions late: the allowance that had to wait is due now."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.test_late_document import _verified
from tests.support.agency import agency, made, until
from tests.support.care import Town
from tests.support.late_document import LOWER_UNITS, book_with
from tests.support.postgres import ServiceDatabases
from tests.support.trial_pools import TRIAL_POOLS, UNITS, use_trial_book


async def test_months_paid_late_make_the_allowance_due_and_visits_follow_their_document(
    service_databases: ServiceDatabases, tmp_path: Path
) -> None:
    async with agency(service_databases, tmp_path, None) as whole:
        use_trial_book(whole)
        await whole.open_for_business(TRIAL_POOLS)
        town = Town(whole, UNITS)
        await town.move_in()
        mother = await town.paid_late()
        due = await town.entitlements(mother)
        assert {(e["state"], e["until"]) for e in due.values()} == {("opened", None)}
        allowance = due["allowance"]["entitlement_id"]
        base = {"entitlement_id": allowance, "base_monthly": "6000.00"}
        assert (await made(town.clerk.post("/allowances", base)))["amount"] == "19600.00"

        # Two visits, then a document that lowers what both of them used up.
        other = await town.mother()
        await town.visit(town.high, other, "2023-09-25", "450.00", week=12)
        await town.visit(town.low, other, "2023-10-02", "300.00", week=13)
        assert await town.units(town.low, other) == {"U1": ("600.00", "0.00")}
        second = await whole.caller("settlement", "clerk-2", "clerk", UNITS)
        office = whole.services["settlement"].app.state.office
        book = book_with(tmp_path, LOWER_UNITS)
        office.compile_built_in = lambda: book
        proposal = (await made(town.clerk.post("/books")))["proposal"]
        await made(second.post(f"/books/{proposal}/approve"))
        whole.clock.move(seconds=3)

        async def current() -> bool:
            return bool(office.book().hash == book.hash)

        await until(current)
        care = {"since": "2023-07-01", "until": "2023-12-31"}
        proposed = (await made(town.clerk.post("/reconsiderations", care)))["proposed"]
        await made(second.post(f"/adjustments/{proposed[0]}/release"))
        assert await town.units(town.high, other) == {"U1": ("400.00", "0.00")}
        shown = (await made(town.low.get("/adjustments", state="released")))["items"]
        assert [a["parts"]["fund"] for a in shown] == ["-150.00"]  # the other hospital's stays hers
        await _verified(whole, tmp_path)
