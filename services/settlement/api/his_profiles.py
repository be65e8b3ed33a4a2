"""How each hospital speaks the national interface: proposed by one of the agency, approved by
another."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence, Set
from typing import Annotated, Any, Literal, Self

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, Field, model_validator
from starlette.responses import Response

from services.settlement.actions.set_his_profile import approve_his_profile, propose_his_profile
from services.settlement.api.agency_shown import ProfileApproved, ProfileProposed, ProfilesWait
from services.settlement.api.office import CLERK, keyed, seen
from services.settlement.api.wire import Code, NoBody, StayBenefit
from services.settlement.domain.his_profile import (
    NATIONAL_ELSEWHERE,
    NATIONAL_MATN_STAS,
    HisProfile,
    MotherState,
    Scheme,
)
from services.settlement.store import his_profiles
from services.settlement.store.his_profiles import Proposal
from shared.ids import new_id
from shared.plumbing.amiss import amiss
from shared.plumbing.auth import Caller
from shared.plumbing.clock import to_wire
from shared.plumbing.closed import NoFraction
from shared.plumbing.edge import Key, Whole, Wire, only, reply
from shared.plumbing.problems import MALFORMED, Fault, Problem
from shared.plumbing.repeats import Answer
from shared.plumbing.sealed import Vault
from shared.policy.shapes import Benefit

router = APIRouter(prefix="/settlement/v1/his-profiles", tags=["agency"])

Clerk = Annotated[Caller, Depends(only(CLERK))]
FieldsOf = Callable[[str], Set[str] | None]
"""Fields of a transaction that may be demanded, as node.code; None where it is not supported."""


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


Visible = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
Secret = Annotated[str, Field(pattern=r"^[!-~]{16,128}$")]
Network = Annotated[
    str, Field(pattern=r"^[0-9a-fA-F.:]{3,39}/[0-9]{1,3}$"), AfterValidator(_network)
]
MedTypeCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,6}$")]
Infno = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{4,8}$")]
Place = Annotated[str, Field(pattern=r"^[A-Za-z_]{1,40}\.[A-Za-z_]{1,40}$")]


class MedType(Wire):
    """Which benefit a med_type of this hospital claims."""

    code: MedTypeCode
    benefit: StayBenefit


class MotherStateCode(Wire):
    """What a matn_stas of this hospital says of the mother."""

    code: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,3}$")]
    state: Literal["unknown", "neither", "planning", "pregnant", "nursing"]


class Demanded(Wire):
    """Fields, as node.code, that this hospital has to fill beyond those that every one has to."""

    infno: Infno
    fields: Annotated[list[Place], Field(min_length=1, max_length=60)]


_PUBLIC_KEY = re.compile(r"[0-9a-f]{128}", re.ASCII)
_STATES = [
    MotherStateCode(code=code, state=state.value) for code, state in NATIONAL_MATN_STAS.items()
]
_NATIONAL = (MedType(code="52", benefit="delivery"), MedType(code="51", benefit="prenatal"))


class ProfileBody(Wire):
    """A hospital's way of speaking the interface. `secret` is kept sealed and never shown. Where
    `networks` are named, calls come from them alone; a private line has nothing else. For SM2
    `secret` is the hospital's public key, x and y in hexadecimal. `elsewhere`
    are the out_setl_flags of cases that another area settles."""

    institution_code: Code
    scheme: Literal["csb_ms", "csb_s", "x_tif", "signed_body", "signed_body_sm2", "private_line"]
    access_key: Visible | None = None
    secret: Secret | None = None
    networks: Annotated[list[Network], Field(max_length=20, default_factory=list)]
    infcode_text: bool = False
    refused_as: Annotated[Literal[-1, -2], NoFraction] = -1
    med_types: Annotated[
        list[MedType], Field(max_length=40, default_factory=lambda: list(_NATIONAL))
    ]
    insurance_types: Annotated[
        list[Literal["310", "510"]],
        Field(min_length=1, max_length=2, default_factory=lambda: ["310", "510"]),
    ]
    demanded: Annotated[list[Demanded], Field(max_length=60, default_factory=list)]
    matn_stas: Annotated[
        list[MotherStateCode], Field(max_length=20, default_factory=lambda: list(_STATES))
    ]
    elsewhere: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,3}$")]],
        Field(max_length=20, default_factory=lambda: sorted(NATIONAL_ELSEWHERE)),
    ]

    @model_validator(mode="after")
    def _shows_who_calls(self) -> Self:
        private = self.scheme == "private_line"
        if private and not self.networks:
            raise amiss("networks-of-private-line")
        if private == bool(self.access_key and self.secret):
            raise amiss("key-of-signature")
        if self.scheme == "signed_body_sm2" and not _PUBLIC_KEY.fullmatch(self.secret or ""):
            raise amiss("not-a-public-key")
        return self

    def to_profile(self, pool_code: str) -> HisProfile:
        """The profile as the domain knows it."""
        return HisProfile(
            pool_code=pool_code,
            institution_code=self.institution_code,
            scheme=Scheme(self.scheme),
            access_key=self.access_key or "",
            secret=self.secret or "",
            networks=tuple(self.networks),
            infcode_text=self.infcode_text,
            refused_as=self.refused_as,
            med_types={one.code: Benefit(one.benefit) for one in self.med_types},
            insurance_types=frozenset(self.insurance_types),
            demanded={one.infno: tuple(one.fields) for one in self.demanded},
            matn_stas={one.code: MotherState(one.state) for one in self.matn_stas},
            elsewhere=frozenset(self.elsewhere),
        )


@router.post("", status_code=201, response_model=ProfileProposed)
async def propose_profile(
    request: Request, body: ProfileBody, who: Clerk, _: Key = None
) -> Response:
    """Propose how a hospital speaks the national interface; another person approves."""
    vault: Vault = request.app.state.vault
    _demandable(body.demanded, request.app.state.may_be_demanded)
    profile = body.to_profile(who.pool_code)
    return await keyed(
        request,
        who,
        "propose_profile",
        lambda tx, scene: propose_his_profile(tx, scene, profile, vault),
        lambda number: (new_id(), orjson.dumps({"proposal": number})),
    )


def _demandable(demanded: Sequence[Demanded], fields_of: FieldsOf) -> None:
    """Refuse what nobody could fill: each such call of the hospital would be refused for it."""
    faults = []
    for number, one in enumerate(demanded):
        known = fields_of(one.infno)
        if known is None:
            faults.append(Fault(f"/demanded/{number}/infno", "not-a-transaction"))
            continue
        faults += [
            Fault(f"/demanded/{number}/fields/{place}", "not-a-field-of-it")
            for place, field in enumerate(one.fields)
            if field not in known
        ]
    if faults:
        raise Problem(MALFORMED, faults)


@router.get("", response_model=ProfilesWait)
async def waiting_profiles(
    request: Request,
    who: Clerk,
    after: Annotated[Whole, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[Whole, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Profiles that wait for another person's approval."""
    found = await seen(
        request, who, lambda tx, scene: his_profiles.waiting(tx, scene.pool_code, after, limit)
    )
    return reply(Answer(200, orjson.dumps({"items": [_shown(one) for one in found]})))


def _shown(one: Proposal) -> dict[str, Any]:
    profile = one.profile
    return {
        "proposal": one.number,
        "proposed_at": to_wire(one.proposed_at),
        "institution_code": profile.institution_code,
        "scheme": profile.scheme.value,
        "networks": list(profile.networks),
        "infcode_text": profile.infcode_text,
        "refused_as": profile.refused_as,
        "med_types": {code: benefit.value for code, benefit in profile.med_types.items()},
        "insurance_types": sorted(profile.insurance_types),
        "demanded": {infno: list(fields) for infno, fields in profile.demanded.items()},
        "matn_stas": {code: state.value for code, state in profile.matn_stas.items()},
        "elsewhere": sorted(profile.elsewhere),
    }


@router.post("/{proposal}/approve", status_code=201, response_model=ProfileApproved)
async def approve_profile(
    request: Request,
    proposal: Annotated[Whole, Path(ge=1, le=2**31)],
    who: Clerk,
    body: NoBody | None = None,
    _: Key = None,
) -> Response:
    """Approve a proposed profile; it is in force at once, in other replicas within a second."""
    answer = await keyed(
        request,
        who,
        "approve_profile",
        lambda tx, scene: approve_his_profile(tx, scene, proposal),
        lambda code: (new_id(), orjson.dumps({"institution_code": code})),
    )
    request.app.state.profiles.forget()
    return answer
