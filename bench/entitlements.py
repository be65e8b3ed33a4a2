"""P7: asking what a person is entitled to, beside the same framework's empty endpoint."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping
from datetime import date, timedelta

import httpx

from bench.figure import Void, say, spread
from bench.stage import POOLS, Load, Request, Stage, staged

PAIRS = 5
SECONDS = 5
_PERSONS = 400
_CLERK = "bench-clerk-1"
_FASTEST = 6_000
"""More requests a second than this machine answers."""
_MONTHS = [f"{2023 + n // 12}-{n % 12 + 1:02d}" for n in range(24)]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_BATCH = 100


def measure(_: set[str]) -> None:
    """Print P7. Raises Void."""
    with staged("enrollment") as stage:
        stage.up()
        persons = _register(stage)
        ratios, rates, ceilings, loads = [], [], [], []
        for number in range(PAIRS + 1):
            empty = _sent(stage, [(_CLERK, "GET /enrollment/livez", "", "")] * _FASTEST * SECONDS)
            asked = _sent(stage, _questions(persons, number))
            if number:  # the first warms up
                ratios.append(asked.rate / empty.rate)
                rates.append(asked.rate)
                ceilings.append(empty.rate)
                loads.append(asked)
    say(
        "P7", statistics.median(rates), "answers/s", ceiling=statistics.median(ceilings),
        ratio=statistics.median(ratios), spread=spread(ratios), required=0.5,
        p99_ms=statistics.median(load.p99_ms for load in loads),
        us_per_answer=round(statistics.median(load.cpu_us for load in loads)),
    )  # fmt: skip


def _sent(stage: Stage, requests: list[Request]) -> Load:
    load = stage.send(requests, SECONDS)
    if load.refused:
        raise Void(f"{load.refused} refused")
    return load


def _questions(persons: list[str], seed: int) -> list[Request]:
    drawn = random.Random(seed)
    first = date(2024, 1, 1)
    days = [str(first + timedelta(days=n)) for n in range(360)]
    return [
        (_CLERK, f"GET /enrollment/v1/persons/{drawn.choice(persons)}/entitlement"
         f"?on={drawn.choice(days)}&benefit=delivery", "", "")
        for _ in range(_FASTEST // 2 * SECONDS)
    ]  # fmt: skip


def _register(stage: Stage) -> list[str]:
    """Employees of one employer with two paid years, all through the calls that a clerk makes."""
    employer = {
        "employer_ref": "E-1", "name": "bench", "pool": POOLS[0], "county_code": POOLS[0],
        "kind": "enterprise",
    }  # fmt: skip
    persons: list[str] = []
    with httpx.Client(base_url=f"{stage.address}/enrollment/v1", timeout=60) as http:
        http.headers["authorization"] = f"Bearer {stage.token(_CLERK)}"
        _made(http, "employers", employer)
        for start in range(0, _PERSONS, _BATCH):
            items = [_person(number) for number in range(start, start + _BATCH)]
            persons += [made["person_ref"] for made in _made(http, "imports", {"items": items})]
        for start in range(0, _PERSONS, _BATCH // 4):
            items = [
                {"person_ref": person, "month": month, "base": "6000.00"}
                for person in persons[start : start + _BATCH // 4]
                for month in _MONTHS
            ]
            _made(http, "contributions", {"items": items})
    return persons


def _made(http: httpx.Client, place: str, body: Mapping[str, object]) -> list[dict[str, str]]:
    answer = http.post(f"/{place}", json=body, headers={"idempotency-key": f"b{hash(str(body))}"})
    answer.raise_for_status()
    items: list[dict[str, str]] = answer.json().get("items", [])
    return items


def _person(number: int) -> dict[str, object]:
    """An invented person: the place is a whole city, which no real number names."""
    digits = f"{POOLS[0]}19900101{number * 2:03d}"
    check = _CHECKS[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]
    return {
        "id_number": digits + check, "name": "例某", "county_code": POOLS[0], "kind": "employee",
        "employer_ref": "E-1", "start": "2023-01-01",
    }  # fmt: skip
