"""The national gateway: one envelope on every address, answered before the framework sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from services.settlement.actions.scene import Scene
from services.settlement.actions.undo_by_message import WITHDRAWN
from services.settlement.domain.his_profile import HisProfile, Scheme
from services.settlement.nhsa import (
    before_claim,
    catalogue,
    charges,
    encounters,
    files,
    looked_up_receipt,
    lookups,
    people,
    reconciling,
    registers,
    settlement_lists,
    settling,
)
from services.settlement.nhsa.counter import Call, Counter
from services.settlement.nhsa.envelope import Envelope, read_envelope
from services.settlement.nhsa.files import FileBytes
from services.settlement.nhsa.parts import (
    ENVELOPE_BYTES_MOST,
    PARTS_BYTES_MOST,
    Parts,
    is_multipart,
    read_parts,
)
from services.settlement.nhsa.reading import read_input
from services.settlement.nhsa.refusals import (
    ENVELOPE_MALFORMED,
    KEY_UNKNOWN,
    MESSAGE_USED,
    MESSAGE_WITHDRAWN,
    NONCE_USED,
    NOT_SUPPORTED,
    Wrong,
    err_msg,
)
from services.settlement.nhsa.replies import refusal_bytes
from services.settlement.nhsa.signatures import OWN_WINDOW, Signed, verify
from services.settlement.nhsa.tables import addresses, transactions
from services.settlement.store import his_profiles
from shared.plumbing.database import transaction
from shared.plumbing.metrics import count_refusal
from shared.plumbing.problem_answers import as_problem
from shared.plumbing.problems import Kind, Problem
from shared.plumbing.repeats import Ask, DifferentBody, kept_with
from shared.plumbing.strict_bodies import StrictBodies

_ONE = "/fsi/api/rsfComIfsService/callService"
_OF_NUMBER = re.compile(rf"(?:{_ONE}|/nhsa)/([0-9A-Za-z]{{4,8}})", re.ASCII)
_UNAUTHORISED, _LATER = 401, 503
_JSON, _FILE = b"application/json;charset=utf-8", b"application/octet-stream"

Handler = Callable[[Call], Awaitable[bytes]]

HANDLERS: Mapping[str, Handler] = {
    "9001": people.sign_in,
    "9002": people.sign_out,
    "1101": people.person,
    "2001": people.entitlement,
    "1201": registers.institution,
    "2505": registers.designate,
    "2506": registers.withdraw,
    "90100": registers.months,
    "90101": registers.registered,
    "90201": registers.register,
    "2401": encounters.admit,
    "2402": encounters.leave,
    "2403": encounters.tell_more,
    "2201": encounters.register_visit,
    "2203": encounters.tell_visit,
    "2301": charges.charge,
    "2204": charges.charge,
    "2302": charges.take_off,
    "2205": charges.take_off,
    "2404": encounters.cancel_admission,
    "2202": encounters.cancel_admission,
    "2405": encounters.take_back_leave,
    "2303": settling.quote,
    "2206": settling.quote,
    "2304": settling.settle,
    "2207": settling.settle_visit,
    "2305": settling.undo,
    "2208": settling.undo,
    "2601": settling.undo_message,
    "3101": before_claim.ask,
    "3102": before_claim.ask,
    "3103": before_claim.reply,
    "1312": catalogue.query,
    "3301": catalogue.map_codes,
    "3302": catalogue.revoke_codes,
    "4101": settlement_lists.take,
    "5201": lookups.visits,
    "5202": lookups.diagnoses,
    "5203": looked_up_receipt.settlement,
    "5204": lookups.bill,
    "5205": lookups.drugs,
    "5206": lookups.cumulated,
    "3201": reconciling.totals,
    "3202": reconciling.details,
    "9101": files.upload,
    "9102": files.download,
}
"""What is supported; every other transaction is refused as such."""


def number_of(path: str) -> str | None:
    """The transaction that an address names: "" where only the body does, None where the address is
    not the gateway's."""
    if path == _ONE:
        return ""
    named = _OF_NUMBER.fullmatch(path)
    return named[1] if named else addresses().get(path)


class Gateway:
    """Answers the gateway's addresses, and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a transaction."""
        number = number_of(scope["path"]) if scope["type"] == "http" else None
        if number is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        trace_id = StrictBodies.trace(scope)
        counter: Counter = scope["app"].state.counter
        status, body = await Answering(counter, trace_id).answer(scope, receive, number)
        headers = [
            (b"content-length", str(len(body)).encode()),
            (b"content-type", _FILE if isinstance(body, FileBytes) else _JSON),
        ]
        if status == _LATER:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Answering:
    """One call, from its bytes to the bytes of its answer."""

    def __init__(self, counter: Counter, trace_id: str) -> None:
        self._counter = counter
        self._trace_id = trace_id
        self._came = counter.desk.clock.now()
        self._profile: HisProfile | None = None
        self._envelope: Envelope | None = None

    async def answer(self, scope: Scope, receive: Receive, number: str) -> tuple[int, bytes]:
        """Status and body. Whatever fails is answered in the caller's own form."""
        try:
            body = await _read_body(scope, receive)
            parts = await _parts(scope, body)
            self._envelope = read_envelope(parts.envelope, number, parts.file)
            profile = self._profile = await self._admitted(scope, body, self._envelope)
            return 200, await self._worked_on(self._envelope, profile)
        except DifferentBody:
            return self._refused(Problem(await self._why_different()))
        except Exception as error:
            return self._refused(as_problem(error))

    async def _admitted(self, scope: Scope, body: bytes, envelope: Envelope) -> HisProfile:
        """The profile of the institution, if the call is its own. Raises Problem."""
        desk, now = self._counter.desk, self._came
        profile = await self._counter.profile_of(envelope.institution_code)
        if profile is None:
            raise Problem(KEY_UNKNOWN)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        client = scope.get("client") or ("", 0)
        signed = Signed(headers, scope["path"], body, client[0])
        # SM2 takes tens of milliseconds in the library that there is: others need not wait for it.
        slow = profile.scheme is Scheme.SIGNED_BODY_SM2
        nonce = (
            await asyncio.to_thread(verify, profile, signed, now)
            if slow
            else verify(profile, signed, now)
        )
        if nonce:
            async with transaction(desk.pool, [profile.institution_code]) as tx:
                fresh = await his_profiles.use_nonce(
                    tx, profile.institution_code, nonce, now, 2 * OWN_WINDOW
                )
            if not fresh:
                raise Problem(NONCE_USED)
        return profile

    async def _worked_on(self, envelope: Envelope, profile: HisProfile) -> bytes:
        handler = HANDLERS.get(envelope.infno)
        described = transactions().get(envelope.infno)
        if handler is None or described is None:
            raise Problem(NOT_SUPPORTED)
        demanded_too = profile.demanded.get(envelope.infno, ())
        call = Call(
            counter=self._counter,
            envelope=envelope,
            profile=profile,
            input=read_input(envelope.input, described, demanded_too),
            scene=Scene(
                pool_code=profile.pool_code,
                institution_code=profile.institution_code,
                actor=f"his:{profile.institution_code}",
                request_id=self._trace_id,
                now=self._came,
            ),
        )
        return await handler(call)

    async def _why_different(self) -> Kind:
        envelope, profile = self._envelope, self._profile
        if envelope is None or profile is None:
            return MESSAGE_USED
        ask = Ask(profile.pool_code, profile.institution_code, envelope.infno, envelope.msgid, b"")
        async with transaction(self._counter.desk.pool, [profile.institution_code]) as tx:
            kept = await kept_with(tx, ask)
        return MESSAGE_WITHDRAWN if kept and kept[0] == WITHDRAWN else MESSAGE_USED

    def _refused(self, problem: Problem) -> tuple[int, bytes]:
        """A gateway's refusal in its shape; what may succeed later as 503, so that the client tries
        again; all others as 200, for a client takes any other status for a broken line."""
        kind = problem.kind
        count_refusal(kind)
        if kind.status == _UNAUTHORISED:
            return _UNAUTHORISED, orjson.dumps({"code": _UNAUTHORISED, "message": err_msg(problem)})
        now, area = self._counter.desk.clock.now(), self._envelope.area if self._envelope else ""
        body = refusal_bytes(problem, self._profile, area or "0" * 6, self._came, now)
        return (_LATER if kind.retryable else 200), body


async def _parts(scope: Scope, body: bytes) -> Parts:
    headers = dict(scope["headers"])
    if is_multipart(headers):
        # Nobody knows yet who calls: what takes long to read holds up no other's call.
        return await asyncio.to_thread(read_parts, headers[b"content-type"], body)
    return Parts(body, None)


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    headers = dict(scope["headers"])
    most = PARTS_BYTES_MOST if is_multipart(headers) else ENVELOPE_BYTES_MOST
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Wrong(ENVELOPE_MALFORMED, "encoded")
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Wrong(ENVELOPE_MALFORMED, "not_json")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise Wrong(ENVELOPE_MALFORMED, "too_large")
        if not message.get("more_body"):
            return b"".join(chunks)
