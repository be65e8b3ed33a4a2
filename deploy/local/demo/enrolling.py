"""What clerks do for the demo's persons: register them, book their months, move them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from deploy.local.demo.care import Mother, at
from deploy.local.demo.late import Books
from deploy.local.demo.plan import Booking
from deploy.local.demo.together import NotMade, Progress, batches, make_all
from services.enrollment.actions.acting import Acting
from services.enrollment.actions.end_spell import Ended, end_spell
from services.enrollment.actions.import_persons import import_persons
from services.enrollment.actions.post_contributions import Booked, Payment, post_contributions
from services.enrollment.actions.register_person import (
    Registered,
    Registration,
    register_person,
)
from services.enrollment.domain.refusals import Refused
from shared.money import Money
from shared.plumbing.auth import Caller
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.sealed import Vault
from shared.policy.shapes import MemberKind


@dataclass
class Registry:
    """What it needs: enrollment's pool, the books, its vault. `refs`: the persons by ID number."""

    enrollment: Pool
    books: Books
    vault: Vault
    progress: Progress
    refs: dict[str, str] = field(default_factory=dict)

    async def enroll(self, mothers: Sequence[Mother]) -> None:
        """Register persons: clerks import those of a pool and a day together."""
        of_day: dict[tuple[datetime, str], list[Mother]] = defaultdict(list)
        for mother in mothers:
            of_day[mother.registered_at, mother.pool_code].append(mother)
        lists = [those for _, those in sorted(of_day.items(), key=lambda entry: entry[0])]
        await make_all(self.progress, "people registered", lists, self._register)

    async def book(self, bookings: Sequence[Booking]) -> None:
        """Book months; then whoever moves to another pool moves there."""
        together: dict[tuple[str, datetime], list[Booking]] = defaultdict(list)
        for booking in bookings:
            together[booking.mother.pool_code, booking.at].append(booking)
        those = [
            batch
            for _, booked in sorted(together.items(), key=lambda entry: entry[0])
            for batch in batches(booked)
        ]
        await make_all(self.progress, "people's months booked", those, self._pay)
        moving = [booking.mother for booking in bookings if booking.mother.moves]
        await make_all(self.progress, "people moved", list(batches(moving)), self._move)

    async def _register(self, mothers: Sequence[Mother]) -> int:
        acting = self._acting(mothers[0].pool_code, mothers[0].registered_at)
        asked = [
            Registration(
                mother.id_number, mother.name, mother.county_code,
                MemberKind.EMPLOYEE if mother.employer else MemberKind.FLEXIBLE,
                mother.employer, mother.insured_since,
            )
            for mother in mothers
        ]  # fmt: skip
        async with transaction(self.enrollment, [AGENCY]) as tx:
            registered = await import_persons(tx, acting, asked)
        if isinstance(registered, Refused):
            raise NotMade(f"registering somebody: {registered}")
        for mother, one in zip(mothers, registered, strict=True):
            self.refs[mother.id_number] = one.person.person_ref
        return len(mothers)

    async def _pay(self, bookings: Sequence[Booking]) -> int:
        acting = self._acting(bookings[0].mother.pool_code, bookings[0].at)
        payments = [
            Payment(self.refs[booking.mother.id_number], month, Money(booking.mother.base_fen))
            for booking in bookings
            for month in booking.months
        ]
        async with transaction(self.enrollment, [AGENCY]) as tx:
            booked = await post_contributions(tx, acting, payments)
        if not isinstance(booked, Booked):
            raise NotMade(f"booking months: {booked}")
        return len(bookings)

    async def _move(self, mothers: Sequence[Mother]) -> int:
        async with transaction(self.enrollment, [AGENCY]) as tx:
            for mother in mothers:
                move = mother.moves
                assert move is not None  # noqa: S101 - only those are given
                left = await end_spell(
                    tx, self._acting(mother.pool_code, at(move.on, 9)),
                    self.refs[mother.id_number], move.on,
                )  # fmt: skip
                came = await register_person(
                    tx,
                    self._acting(move.pool_code, at(move.on, 10)),
                    Registration(
                        mother.id_number, mother.name, move.county_code, MemberKind.EMPLOYEE,
                        move.employer, move.on,
                    ),
                )  # fmt: skip
                if not (isinstance(left, Ended) and isinstance(came, Registered)):
                    raise NotMade(f"moving somebody: {left}, {came}")
        return len(mothers)

    def _acting(self, pool_code: str, moment: datetime) -> Acting:
        caller = Caller(f"clerk-{pool_code}-a", "clerk", pool_code, "")
        book = self.books.at(moment)
        return Acting(caller, f"demo-{moment:%Y%m%d}", moment, book, self.vault)
