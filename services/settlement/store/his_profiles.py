"""Statements about the profiles of hospitals that speak the national interface, and nonces used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import orjson

from services.settlement.domain.his_profile import (
    NATIONAL_ELSEWHERE,
    NATIONAL_MATN_STAS,
    HisProfile,
    MotherState,
    Scheme,
)
from shared.plumbing.database import Connection
from shared.plumbing.sealed import Vault
from shared.policy.shapes import Benefit


def _place(institution_code: str) -> str:
    return f"his_profile:{institution_code}"


def _terms(profile: HisProfile) -> dict[str, Any]:
    return {
        "scheme": profile.scheme,
        "access_key": profile.access_key,
        "networks": list(profile.networks),
        "infcode_text": profile.infcode_text,
        "refused_as": profile.refused_as,
        "med_types": dict(profile.med_types),
        "insurance_types": sorted(profile.insurance_types),
        "demanded": {infno: list(fields) for infno, fields in profile.demanded.items()},
        "matn_stas": dict(profile.matn_stas),
        "elsewhere": sorted(profile.elsewhere),
    }


def _profile(row: Any, secret: str) -> HisProfile:
    terms = orjson.loads(row["terms"])
    return HisProfile(
        pool_code=row["pool_code"],
        institution_code=row["institution_code"],
        scheme=Scheme(terms["scheme"]),
        access_key=terms["access_key"],
        secret=secret,
        networks=tuple(terms["networks"]),
        infcode_text=terms["infcode_text"],
        refused_as=terms["refused_as"],
        med_types={code: Benefit(benefit) for code, benefit in terms["med_types"].items()},
        insurance_types=frozenset(terms["insurance_types"]),
        demanded={infno: tuple(fields) for infno, fields in terms["demanded"].items()},
        # Profiles from before these two were agreed on have the specification's.
        matn_stas=(
            {code: MotherState(state) for code, state in terms["matn_stas"].items()}
            if "matn_stas" in terms
            else NATIONAL_MATN_STAS
        ),
        elsewhere=frozenset(terms.get("elsewhere", NATIONAL_ELSEWHERE)),
    )


async def current(
    tx: Connection, institution_code: str, at: datetime, vault: Vault
) -> HisProfile | None:
    """The profile of an institution at an instant.

    Raises cryptography's InvalidTag or KeyNotHeld where its secret does not open.
    """
    row = await tx.fetchrow(
        "select pool_code, institution_code, terms::text as terms, sealed_secret from his_profile"
        " where institution_code = $1 and effective_at <= $2"
        " order by effective_at desc, number desc limit 1",
        institution_code,
        at,
    )
    if row is None:
        return None
    return _profile(row, vault.open(row["sealed_secret"], _place(row["institution_code"])))


async def propose(
    tx: Connection, profile: HisProfile, vault: Vault, by: str, at: datetime
) -> int | None:
    """Note a proposal; returns its number, None where the institution is another pool's."""
    try:
        async with tx.transaction():
            number: int = await tx.fetchval(
                "insert into his_profile (pool_code, institution_code, terms, sealed_secret,"
                " proposed_by, proposed_at) values ($1, $2, $3, $4, $5, $6) returning number",
                profile.pool_code, profile.institution_code, orjson.dumps(_terms(profile)).decode(),
                vault.seal(profile.secret, _place(profile.institution_code)), by, at,
            )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        return None
    return number


class Proposal(NamedTuple):
    """A profile that was proposed, its secret left sealed."""

    number: int
    profile: HisProfile
    proposed_by: str
    proposed_at: datetime
    approved: bool


_PROPOSED = """
select number, pool_code, institution_code, terms::text as terms, proposed_by, proposed_at,
       approved_by is not null as approved
from his_profile where pool_code = $1
"""


def _proposal(row: Any) -> Proposal:
    return Proposal(
        row["number"], _profile(row, ""), row["proposed_by"], row["proposed_at"], row["approved"]
    )


async def proposal(tx: Connection, pool_code: str, number: int) -> Proposal | None:
    """A proposal of the pool, held until the transaction ends."""
    row = await tx.fetchrow(_PROPOSED + "and number = $2 for update", pool_code, number)
    return _proposal(row) if row else None


async def waiting(tx: Connection, pool_code: str, after: int, limit: int) -> list[Proposal]:
    """Proposals of the pool that nobody approved, by number, beyond one."""
    rows = await tx.fetch(
        _PROPOSED + "and approved_by is null and number > $2 order by number limit $3",
        pool_code,
        after,
        limit,
    )
    return [_proposal(row) for row in rows]


async def lock(tx: Connection) -> None:
    """Put profiles in force alone until the transaction ends: lines of two hospitals are compared."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('his_profile', 0))")


_OTHER_LINES = """
select json_array_elements_text(terms -> 'networks') as network
from (
    select distinct on (institution_code) terms from his_profile
    where institution_code <> $1 and effective_at is not null
    order by institution_code, effective_at desc, number desc
) in_force where terms ->> 'scheme' = $2
"""


async def other_lines(tx: Connection, institution_code: str) -> list[str]:
    """The networks of all other institutions' private lines, in every pool: those approved a moment
    later by another clock as well."""
    rows = await tx.fetch(_OTHER_LINES, institution_code, Scheme.PRIVATE_LINE)
    return [row["network"] for row in rows]


async def approve(tx: Connection, number: int, by: str, at: datetime) -> None:
    """Approve a proposal: it is in force at once."""
    await tx.execute(
        "update his_profile set approved_by = $2, effective_at = $3 where number = $1",
        number,
        by,
        at,
    )


FORGET_NONCES = "delete from used_nonce where institution_code = $1 and used_at < $2"


async def use_nonce(
    tx: Connection, institution_code: str, nonce: str, at: datetime, kept: timedelta
) -> bool:
    """Note a nonce; False when it was used before. What is older than `kept` is forgotten."""
    await tx.execute(FORGET_NONCES, institution_code, at - kept)
    used = await tx.fetchval(
        "insert into used_nonce values ($1, $2, $3) on conflict do nothing returning true",
        institution_code,
        nonce,
        at,
    )
    return bool(used)
