"""A person's state as it is told: the whole history, without a name, a number or a day of birth."""

from __future__ import annotations

from datetime import datetime

from services.enrollment.domain.id_number import IdNumber
from services.enrollment.domain.membership import History
from services.enrollment.domain.paid_months import runs
from shared.contracts.person import PaidMonths, PersonStateChanged, Spell
from shared.period import Month
from shared.plumbing.outbox import Told


def person_state(
    person_ref: str, version: int, history: History, number: IdNumber
) -> PersonStateChanged:
    """The state of a person under a version. Of the ID number only the sex and the month of birth
    are told: with the day, and the county, a register could be searched for her."""
    return PersonStateChanged(
        person_ref=person_ref,
        state_version=version,
        spells=[
            Spell(
                pool_code=spell.pool_code,
                county_code=spell.county_code,
                kind=spell.kind.value,
                insurance=[insurance.value for insurance in spell.insurance],
                start=spell.period.start.isoformat(),
                end=spell.period.end.isoformat() if spell.period.end else None,
            )
            for spell in history.spells
        ],
        paid=[PaidMonths(first=str(run.first), last=str(run.last)) for run in runs(history.months)],
        sex=number.sex.value,
        birth_month=str(Month.of(number.born_on)),
    )


def told_state(state: PersonStateChanged, pool_code: str, at: datetime) -> Told:
    """The event of a state; `pool_code` is the pool whose act changed it."""
    return Told(
        topic=state.topic,
        type=state.type,
        key=state.person_ref,
        aggregate_id=state.person_ref,
        sequence=state.state_version,
        pool_code=pool_code,
        at=at,
        data=state.to_bytes(),
        source=f"/enrollment/{pool_code}",
        subject=f"persons/{state.person_ref}",
        schema=state.schema_path(),
    )
