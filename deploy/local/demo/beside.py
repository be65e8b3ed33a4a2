"""What the demo holds beside births and visits: who moved in, complications, losses, surgeries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from deploy.local.demo.bills import codes_of
from deploy.local.demo.births import BIRTHS, birth_at
from deploy.local.demo.care import Care, Carrying, Charge, Mother, Move, at
from deploy.local.demo.people import mother
from deploy.local.demo.town import Fund, Hospital, Town
from deploy.local.demo.visits import WEEK, visit
from services.settlement.domain.claimed import Medical
from services.settlement.domain.complication import Complication
from services.settlement.domain.loss import Loss
from services.settlement.domain.surgery import Surgery
from shared.period import Month
from shared.policy.shapes import Procedure

LEAST = 3
"""Of each kind, in a demo however small."""
MOVED_IN_LEAST = 8
SEVERE = "severe_complication"
"""The pool's own name of what turns a birth to itemised payment."""

_LEAVING = timedelta(days=12)
_WEEKS_OF_LOSS = (6, 7, 8, 9, 10, 14, 18)


@dataclass(frozen=True)
class Beside:
    """Plans what comes beside `count` births, from a first month up to yesterday."""

    rng: Random
    town: Town
    first: Month
    today: date
    count: int

    def moved_in(self) -> list[Care]:
        """Births in the pool that has no others, evenly over the demo; every fourth is a severe
        case, and before some a visit is claimed."""
        (fund,) = (fund for fund in self.town.funds if not fund.births)
        wanted = max(MOVED_IN_LEAST, self._of_thousand(self.town.moved_in))
        days = (self.today - _LEAVING - self.first.first_day()).days
        cares = []
        for number in range(wanted):
            day = self.first.first_day() + timedelta(days=days * (number + 1) // wanted)
            # Early in a month she cannot have moved before.
            birth = self._moved(fund, max(day, day.replace(day=8)), number)
            cares.append(birth)
            if (number + 1) * fund.visited % 1000 < fund.visited:
                on = birth.event_on - timedelta(days=self.rng.randrange(2, 4))
                cares.append(visit(self.rng, birth, birth.hospital, on, 1))
        return cares

    def _moved(self, fund: Fund, event_on: date, number: int) -> Care:
        paid_in = replace(self.town.funds[0], flexible=0)
        hospitals = self.town.hospitals_of(fund.pool_code)
        came_from = self.town.hospitals_of(paid_in.pool_code)[0]
        person = self._person(paid_in, came_from, 0, number, event_on, fund.months_paid)
        employer = self.rng.choice(fund.employers)
        move = Move(fund.pool_code, event_on.replace(day=2), employer.county_code, employer.ref)
        birth = birth_at(
            self.rng, self.town, replace(person, moves=move), hospitals[number % len(hospitals)],
            event_on, f"ZR-{number:06d}", self.first, (SEVERE,) if number % 4 == 3 else (),
        )  # fmt: skip
        assert birth.carrying is not None  # noqa: S101 - every birth has its pregnancy
        noted_at = at(event_on.replace(day=3), 8)
        return replace(birth, carrying=replace(birth.carrying, noted_at=noted_at))

    def complications(self, births: Sequence[Care]) -> list[Care]:
        """Stays for a complication, by turns some weeks before and after the birth."""
        (fund,) = (fund for fund in self.town.funds if fund.complications_until)
        assert fund.complications_until is not None  # noqa: S101 - just asked
        last = min(self.today - WEEK, fund.complications_until) - 7 * WEEK
        fit = [
            birth
            for birth in births
            if birth.hospital.pool_code == fund.pool_code
            and self.first.first_day() + 11 * WEEK <= birth.event_on <= last
        ]
        wanted = min(len(fit), max(LEAST, self._of_thousand(self.town.complications)))
        cares = []
        for number, birth in enumerate(self.rng.sample(fit, wanted)):
            claimed, weeks = Complication("before_birth"), -self.rng.randrange(4, 10)
            if number % 2:
                weeks = self.rng.randrange(2, 6)
                claimed = Complication("after_birth", weeks * 7 // 31)
            fen = 260_000 + self.rng.randrange(400_000)
            cares.append(
                self._stay(
                    f"ZB-{number:06d}",
                    birth.mother,
                    birth.hospital,
                    birth.carrying,
                    claimed,
                    birth.event_on + weeks * WEEK,
                    Charge("complication-care", self.today, 1, fen),
                )
            )
        return cares

    def split(self, births: Sequence[Care]) -> list[Care]:
        """The rest of stays that hospitals cut in two: out of the birth's, in again the same day or
        the next, for what came after it."""
        cares = []
        for pattern in (one for one in self.town.irregularities if one.kind == "split-stay"):
            (fund,) = (f for f in self.town.funds if f.pool_code == pattern.pool_code)
            last = min(self.today, fund.complications_until or self.today) - WEEK
            fit = [
                birth
                for birth in births
                if birth.hospital.institution_code == pattern.institution_code
                and pattern.runs_in(self.first.until(Month.of(birth.event_on)))
                and birth.discharged_on <= last
            ]
            wanted = min(len(fit), max(1, pattern.count * self.count // BIRTHS))
            for birth in self.rng.sample(fit, wanted):
                again_on = birth.discharged_on + timedelta(days=self.rng.randrange(2))
                rest = self._stay(
                    f"{birth.stay_number}-F",
                    birth.mother,
                    birth.hospital,
                    birth.carrying,
                    Complication("after_birth"),
                    again_on,
                    Charge("complication-care", again_on, 1, 90_000 + self.rng.randrange(60_000)),
                )
                cares.append(replace(rest, planted=(pattern.id,)))
        return cares

    def losses(self) -> list[Care]:
        """Miscarriages, and now and then a late loss."""
        (fund,) = (fund for fund in self.town.funds if fund.losses)
        cares = []
        for number in range(max(LEAST, self._of_thousand(self.town.losses))):
            event_on, late = self._some_day(), number % 20 == 1
            weeks = self.rng.randrange(28, 33) if late else self.rng.choice(_WEEKS_OF_LOSS)
            hospital = self.rng.choice(self.town.hospitals_of(fund.pool_code))
            person = self._person(fund, hospital, 1, number, event_on, fund.months_paid)
            begun = event_on - weeks * WEEK - timedelta(days=3)
            noted_at = at(event_on - timedelta(days=3), 9, self.rng.randrange(60))
            fen = (400_000 if late else 60_000) + self.rng.randrange(80_000)
            cares.append(
                self._stay(
                    f"ZL-{number:06d}",
                    person,
                    hospital,
                    Carrying(begun, noted_at, hospital),
                    Loss(weeks, "medical" if weeks < 8 else "surgical"),
                    event_on,
                    Charge("curettage", event_on, 1, fen),
                )
            )
        return cares

    def surgeries(self) -> list[Care]:
        """Family-planning surgeries, every fifth in the second pool."""
        cares = []
        for number in range(max(LEAST, self._of_thousand(self.town.surgeries))):
            fund, event_on = self.town.funds[number % 5 == 1], self._some_day()
            hospital = self.rng.choice(self.town.hospitals_of(fund.pool_code))
            person = self._person(fund, hospital, 2, number, event_on, fund.months_paid)
            surgery = Surgery(Procedure(fund.procedures[number // 2 % len(fund.procedures)]))
            fen = 45_000 + self.rng.randrange(90_000)
            cares.append(
                self._stay(
                    f"SS-{number:06d}",
                    person,
                    hospital,
                    None,
                    surgery,
                    event_on,
                    Charge("contraceptive-surgery", event_on, 1, fen),
                )
            )
        return cares

    def _of_thousand(self, share: int) -> int:
        return self.count * share // 1000

    def _some_day(self) -> date:
        days = (self.today - WEEK - self.first.first_day()).days
        return self.first.first_day() + timedelta(days=self.rng.randrange(days))

    def _person(
        self, fund: Fund, hospital: Hospital, kind: int, number: int, event_on: date, months: int
    ) -> Mother:
        """A woman with no birth among the others; each kind has numbers of its own."""
        unused = self.count + 3 * number + kind
        return mother(
            self.rng, self.town, fund, hospital, unused, event_on, months_paid=months
        )  # fmt: skip

    def _stay(
        self, stay_number: str, person: Mother, hospital: Hospital, carrying: Carrying | None,
        claimed: Medical, event_on: date, charge: Charge,
    ) -> Care:  # fmt: skip
        """What was done on one day, and a bed for some nights; a surgery's patient goes home."""
        nights = 0 if isinstance(claimed, Surgery) else self.rng.randrange(1, 4)
        discharged_on = event_on + timedelta(days=nights)
        charges = [replace(charge, charged_on=event_on)]
        charges.append(Charge("lab-blood-count", event_on, 1, 2_000))
        diagnoses, procedures = codes_of(claimed)
        if nights:
            charges.append(Charge("bed-day", event_on, nights, 4_000 + 1_500 * hospital.level))
        return Care(
            stay_number=stay_number,
            mother=person,
            hospital=hospital,
            claimed=claimed,
            carrying=carrying,
            admitted_on=event_on,
            event_on=event_on,
            discharged_on=discharged_on,
            charges=tuple(charges),
            diagnoses=diagnoses,
            procedures=procedures,
            settled_at=at(discharged_on, self.rng.randrange(9, 17), self.rng.randrange(60)),
        )
