"""What must stand before a hospital can speak: a profile set by two clerks, insured people."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.his.client import His
from shared.plumbing.clock import SystemClock, business_day

_MONTHS_PAID = 24
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


class NotReady(Exception):
    """What the day needs does not stand, or somebody refused it; the text says what."""


@dataclass(frozen=True)
class Staff:
    """Who of the run file plays: a hospital, and two clerks of its pool."""

    pool: str
    institution: str
    clerks: tuple[Mapping[str, str], Mapping[str, str]]


async def staff_of(http: httpx.AsyncClient, record: Mapping[str, Any]) -> Staff:
    """The first hospital of a run file whose pool has two clerks. Raises NotReady."""
    credentials: Sequence[Mapping[str, str]] = record["credentials"]
    clerks: dict[str, list[Mapping[str, str]]] = {}
    for one in credentials:
        if one["role"] == "clerk":
            clerks.setdefault(_pool_of(await token_of(http, "settlement", one)), []).append(one)
    for one in credentials:
        if one["role"] == "hospital":
            pool = _pool_of(await token_of(http, "settlement", one))
            if len(clerks.get(pool, ())) >= 2:
                first, second = clerks[pool][:2]
                return Staff(pool, one["institution_code"], (first, second))
    raise NotReady("the run file names no hospital with two clerks of its pool")


async def token_of(http: httpx.AsyncClient, service: str, who: Mapping[str, str]) -> str:
    """A caller's token at a service. Raises NotReady."""
    keys = {name: who[name] for name in ("client_id", "client_secret")}
    answer = await http.post(f"/{service}/v1/token", json=keys)
    if answer.status_code != httpx.codes.OK:
        raise NotReady(f"{who['client_id']} gets no token at {service}: {answer.status_code}")
    token: str = answer.json()["access_token"]
    return token


def _pool_of(token: str) -> str:
    """The pool that a token names, which the run file does not."""
    told = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)))
    return str(claims["pool"])


@dataclass
class Town:
    """The agency as clerks see it, over REST at one base address."""

    http: httpx.AsyncClient
    staff: Staff

    async def his(self) -> His:
        """The hospital's system, under a profile of its own that both clerks just set: path and
        body of each call are signed by SM3."""
        secret = secrets.token_urlsafe(24)
        terms = {
            "institution_code": self.staff.institution, "scheme": "signed_body",
            "access_key": f"ak-{self.staff.institution}", "secret": secret,
        }  # fmt: skip
        first, second = self.staff.clerks
        made = await self._post("settlement", first, "his-profiles", terms)
        await self._post("settlement", second, f"his-profiles/{made['proposal']}/approve", None)
        return His(
            self.http, SystemClock(), self.staff.institution, scheme="signed_body", secret=secret,
            area=self.staff.pool,
        )  # fmt: skip

    async def woman(self) -> str:
        """The ID number, made up, of a woman who works and has paid for two years."""
        clerk, number = self.staff.clerks[0], _made_up(self.staff.pool)
        employer = {
            "employer_ref": f"E-{uuid4().hex[:12]}", "name": "示例单位", "pool": self.staff.pool,
            "county_code": self.staff.pool, "kind": "enterprise",
        }  # fmt: skip
        await self._post("enrollment", clerk, "employers", employer)
        months = _last_months(business_day(SystemClock().now()))
        person = {
            "id_number": number, "name": "例某", "county_code": self.staff.pool,
            "kind": "employee", "employer_ref": employer["employer_ref"],
            "start": f"{months[0]}-01",
        }  # fmt: skip
        made = await self._post("enrollment", clerk, "persons", person)
        paid = [
            {"person_ref": made["person_ref"], "month": month, "base": "6000.00"}
            for month in months
        ]
        await self._post("enrollment", clerk, "contributions", {"items": paid})
        return number

    async def _post(self, service: str, who: Mapping[str, str], place: str, body: Any) -> Any:
        head = {
            "Authorization": f"Bearer {await token_of(self.http, service, who)}",
            "Idempotency-Key": uuid4().hex,
        }
        answer = await self.http.post(f"/{service}/v1/{place}", json=body, headers=head)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
            raise NotReady(f"{service} refuses {place}: {answer.text}")
        return answer.json()


def _made_up(county: str) -> str:
    """An ID number of a woman born in the nineties, with its check digit."""
    born = date(1990, 1, 1) + timedelta(days=secrets.randbelow(3000))
    digits = f"{county}{born:%Y%m%d}{2 * secrets.randbelow(500):03d}"
    weighed = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return digits + _CHECKS[weighed % 11]


def _last_months(today: date) -> list[str]:
    last = today.year * 12 + today.month - 1
    return [f"{m // 12}-{m % 12 + 1:02d}" for m in range(last - _MONTHS_PAID + 1, last + 1)]
