"""A province's claims with labels: made in memory, then written in the format that audit scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from bench.audit.bills import bills, drawn_luck, fund_part
from bench.audit.claims import KINDS_OF_CHARGE, Claims, taken
from bench.audit.codes import diagnoses, procedures
from bench.audit.contradictions import contradicted
from bench.audit.histories import honest
from bench.audit.labels import series_labels
from bench.audit.plan import KINDS, NUMBER, SERIES_ONLY, Plan, drawn_plan
from bench.audit.violations import billed, written_down
from bench.audit.world import CASES, Array, World, drawn_world

_KIND_OF_CASE = np.array(["delivery", "delivery", "antepartum", "prenatal", "fp_surgery"])


@dataclass(frozen=True)
class Province:
    """Everything that one seed makes; amounts in fen."""

    world: World
    plan: Plan
    claims: Claims
    fen: Array
    fund: Array


def province(
    seed: int, hospitals: int = 100, months: int = 36, volume: float = 1.0, strength: float = 1.0
) -> Province:
    """Draw a province, in the order in which it happens: histories, coding, bills, slips."""
    world = drawn_world(seed, hospitals, months, volume)
    plan = drawn_plan(world, strength)
    some = written_down(world, plan, honest(world, plan))
    draw = np.random.default_rng([seed, 7])
    luck = drawn_luck(draw, len(some))
    fen = bills(world, some, luck)
    some = _with_excess(world, some, fen, bills(world, some, luck, true=True))
    some, fen = billed(world, plan, some, fen)
    some, fen, parent = contradicted(world, some, fen, strength)
    fund = fund_part(world, some, fen.sum(axis=1), replace(luck, scope=luck.scope[parent]))
    inside = (some.discharged >= world.start[0]) & (some.discharged < world.end)
    some, fen, fund = taken(some, inside), fen[inside], fund[inside]
    shuffled = draw.permutation(len(some))
    order = shuffled[np.argsort(some.discharged[shuffled], kind="stable")]
    return Province(world, plan, taken(some, order), fen[order], fund[order])


def write(made: Province, out: Path) -> int:
    """Write CLAIMS.csv, price_notices.csv and the labels; the number of claims."""
    out.mkdir(parents=True, exist_ok=True)
    some, world = made.claims, made.world
    name_of = _names(made)
    yuan = ", ".join(
        f"CAST(CAST({name} AS DECIMAL(14,2)) * 0.01 AS DECIMAL(14,2)) AS {name}"
        for name in (*(f"amt_{kind}" for kind in KINDS_OF_CHARGE), "total_amount", "fund_amount")
    )
    shown = (
        "claim_id, person_id, sex, age, hospital_id, level, region, kind, case_type, severity, "
        "DATE '1970-01-01' + CAST(admitted AS INTEGER) AS admit_date, "
        "DATE '1970-01-01' + CAST(discharged AS INTEGER) AS discharge_date, "
        "strftime(DATE '1970-01-01' + CAST(discharged AS INTEGER), '%Y-%m') AS month, "
        "los, gest_weeks, diag_codes, proc_codes, n_us, n_lab"
    )
    with duckdb.connect() as engine:
        engine.execute("SET threads = 1")
        engine.register("claims", _table(made, name_of))
        engine.sql(f"SELECT {shown}, {yuan} FROM claims").write_csv(str(out / "CLAIMS.csv"))  # noqa: S608
        engine.register("series", pa.table(series_labels(world, made.plan, some)))
        engine.execute(f"COPY series TO '{out / 'labels_series.csv'}' (HEADER)")
        engine.register("wrong", _wrong(made, name_of))
        engine.execute(f"COPY wrong TO '{out / 'labels_claims.csv'}' (HEADER)")
        notices = {
            "region": [f"R{one.region + 1:02d}" for one in world.notices],
            "month": [_month(world, one.month) for one in world.notices],
            "change": [one.change for one in world.notices],
        }
        engine.register("notices", pa.table(notices))
        engine.execute(f"COPY notices TO '{out / 'price_notices.csv'}' (HEADER)")
    return len(some)


def _with_excess(world: World, some: Claims, shown: Array, true: Array) -> Claims:
    """What coding gained; of claims that should not be there, everything."""
    invented = np.isin(some.kind, [NUMBER["split_admission"], NUMBER["phantom_delivery"]])
    gained = shown.sum(axis=1) - np.where(invented, 0, true.sum(axis=1))
    return replace(some, excess=np.where(some.kind > 0, np.maximum(gained, 0), 0))


def _names(made: Province) -> Array:
    return np.array([f"C{n:08d}" for n in range(len(made.claims))])


def _month(world: World, number: int) -> str:
    return str(np.datetime64(int(world.start[number]), "D").astype("datetime64[M]"))


def _table(made: Province, name_of: Array) -> pa.Table:
    some, world = made.claims, made.world
    _, person = np.unique(some.person, return_inverse=True)
    person = np.random.default_rng([world.seed, 8]).permutation(person.max() + 1)[person]
    hospital = np.array([f"H{n + 1:04d}" for n in range(world.hospitals)])
    region = np.array([f"R{n + 1:02d}" for n in range(int(world.region.max()) + 1)])
    of_person = np.array([f"P{n:07d}" for n in range(int(person.max()) + 1)])
    columns = {
        "claim_id": name_of, "person_id": of_person[person],
        "sex": np.where(some.male, "M", "F"), "age": some.age,
        "hospital_id": hospital[some.hospital], "level": world.level[some.hospital],
        "region": region[world.region[some.hospital]], "kind": _KIND_OF_CASE[some.case],
        "case_type": CASES[some.case], "severity": some.severity, "admitted": some.admitted,
        "discharged": some.discharged, "los": some.stay, "gest_weeks": some.weeks,
        "diag_codes": diagnoses(some), "proc_codes": procedures(some), "n_us": some.scans,
        "n_lab": some.tests, "total_amount": made.fen.sum(axis=1), "fund_amount": made.fund,
    }  # fmt: skip
    columns |= {f"amt_{kind}": made.fen[:, n] for n, kind in enumerate(KINDS_OF_CHARGE)}
    return pa.table(columns)


def _wrong(made: Province, name_of: Array) -> pa.Table:
    """Every claim that something is wrong with; `provable` where its own papers can show it."""
    some = made.claims
    at = np.flatnonzero(some.kind > 0)
    series_only = [NUMBER[kind] for kind in sorted(SERIES_ONLY)]
    by_row = np.full(int(max(some.row.max(), some.partner.max())) + 1, -1)
    by_row[some.row] = np.arange(len(some))
    partner = np.where(some.partner[at] >= 0, by_row[some.partner[at]], -1)
    return pa.table(
        {
            "claim_id": name_of[at], "kind": np.array(KINDS)[some.kind[at]],
            "excess_yuan": np.round(some.excess[at] / 100, 2),
            "provable": (~np.isin(some.kind[at], series_only)).astype(np.int64),
            "partner_id": np.where(partner >= 0, name_of[partner], ""),
        }
    )  # fmt: skip
