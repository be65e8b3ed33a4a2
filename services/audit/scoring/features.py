"""What is looked at in a claim, as Ibis expressions over a table in the form of a claims file.

One code for a file, a history table and a history on many machines: nothing here knows the engine.
"""

from __future__ import annotations

from functools import reduce

import ibis
from ibis import _
from ibis.expr import types as ir

DELIVERIES = ("V", "C")
STAYS = ("V", "C", "A")
_PREGNANCY_DAYS = 300
_TOUCHING_DAYS = 1
_WEEK_UNKNOWN = 30
_KEY = ("claim_id", "person_id", "hospital_id", "admit_date", "discharge_date", "case_type")


def claim_measures(claims: ir.Table) -> ir.Table:
    """The claims with what each tells by itself.

    log_total, log_los: natural logs of fen and days (a day not counted is one day).
    tests: laboratory and imaging items; tests_share, supplies_share: of the total, what went for
    laboratory and imaging, for drugs and consumables; own_share: what the fund did not pay.
    risk: a group of women of like age and week, whose births or visits go alike.
    """
    return claims.mutate(
        log_total=_.total_amount.clip(lower=1).cast("float64").ln(),
        log_los=_.los.fill_null(1).clip(lower=1).cast("float64").ln(),
        tests=_.n_us.fill_null(0).cast("float64") + _.n_lab.fill_null(0),
        tests_share=_share(_.amt_lab.fill_null(0) + _.amt_exam.fill_null(0)),
        supplies_share=_share(_.amt_drug.fill_null(0) + _.amt_consumable.fill_null(0)),
        own_share=_share(_.total_amount - _.fund_amount),
        risk=_risk(),
    )


def claim_features(claims: ir.Table) -> ir.Table:
    """`claim_measures`, and what a claim is beside the woman's other claims (`marks`)."""
    return with_marks(claims, marks(claims))


def marks(claims: ir.Table) -> ir.Table:
    """What claims are beside the woman's other claims: touching, unprepared, received
    (`touching_stays`, `unprepared_deliveries`, `received_deliveries`). Few are any of it: claim_id
    and the three, of those that are.
    """
    found = {
        "touching": touching_stays(claims),
        "unprepared": unprepared_deliveries(claims),
        "received": received_deliveries(claims),
    }
    each = (
        ids.mutate(**{other: ibis.literal(other == name) for other in found})
        for name, ids in found.items()
    )
    return (
        reduce(lambda all_, more: all_.union(more), each)
        .group_by("claim_id")
        .aggregate(**{name: _[name].any() for name in found})
    )


def with_marks(claims: ir.Table, marks: ir.Table) -> ir.Table:
    """`claim_measures` with the marks of each claim."""
    marked = claim_measures(claims).left_join(
        marks.rename(marked_id="claim_id"), [("claim_id", "marked_id")]
    )
    names = ("touching", "unprepared", "received")
    return marked.mutate(**{name: _[name].fill_null(False) for name in names}).drop("marked_id")


def touching_stays(claims: ir.Table) -> ir.Table:
    """Ids of stays that begin as another of the same woman in the same hospital ended.

    A woman whom another hospital sent on is not among them.
    """
    stays = claims.filter(_.case_type.isin(STAYS)).select(*_KEY)
    before = stays.view()
    return stays.semi_join(
        before, [stays.hospital_id == before.hospital_id, *_follows(stays, before)]
    ).select("claim_id")


def received_deliveries(claims: ir.Table) -> ir.Table:
    """Ids of deliveries of women whom another hospital sent on: lawful transfers."""
    births = claims.filter(_.case_type.isin(DELIVERIES)).select(*_KEY)
    before = claims.filter(_.case_type.isin(STAYS)).select(*_KEY)
    return births.semi_join(
        before, [births.hospital_id != before.hospital_id, *_follows(births, before)]
    ).select("claim_id")


def unprepared_deliveries(claims: ir.Table) -> ir.Table:
    """Ids of deliveries without a prenatal visit, anywhere, in the pregnancy before them."""
    births = claims.filter(_.case_type.isin(DELIVERIES)).select(*_KEY)
    visits = claims.filter(_.case_type == "P").select("person_id", "admit_date")
    return births.anti_join(
        visits,
        [
            births.person_id == visits.person_id,
            births.admit_date.delta(visits.admit_date, unit="day").between(0, _PREGNANCY_DAYS),
        ],
    ).select("claim_id")


def _follows(stays: ir.Table, before: ir.Table) -> list[ir.BooleanValue]:
    gap = stays.admit_date.delta(before.discharge_date, unit="day")
    return [
        stays.person_id == before.person_id,
        before.admit_date < stays.admit_date,
        gap.between(0, _TOUCHING_DAYS),
    ]


def _share(part: ir.Deferred) -> ir.Deferred:
    return part.cast("float64") / _.total_amount.clip(lower=1)


def _risk() -> ir.Value:
    """Births: age under 25, to 34, above, times weeks under 34, to 36, term; 9 is not known.

    Visits, from 10 on: by four weeks of pregnancy, as the first of them take most of the tests.
    """
    age = ibis.cases((_.age < 25, 0), (_.age < 35, 1), else_=2)
    weeks = ibis.cases((_.gest_weeks < 34, 0), (_.gest_weeks < 37, 1), else_=2)
    visit = (10 + _.gest_weeks.clip(4, 43) // 4).fill_null(_WEEK_UNKNOWN)
    return ibis.cases(
        (_.case_type == "P", visit),
        (_.age.isnull() | _.gest_weeks.isnull(), 9),
        else_=age * 3 + weeks,
    ).cast("int64")
