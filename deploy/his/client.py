"""A hospital's HIS as real ones are: it speaks the national envelope and takes little for granted.

It tries a POST again on 429 and 5xx, up to three times, with the same msgid and the same headers;
takes every other status than 200 for a broken line; reads infcode as a number or as a string; and
draws its msgid from the second and four digits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import gmalg
import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from shared.plumbing.clock import Clock

_TRIES = 3
_AGAIN = (429, 500, 502, 503, 504)
_ERR_MSG_MOST, _REFMSGID, _STAMP = 200, 30, 17
# It begins anywhere: a system that is started again within the second draws no id twice.
_SERIALS = itertools.count(random.randrange(10_000))  # noqa: S311
ONE_URL = "/fsi/api/rsfComIfsService/callService"


class Broken(Exception):
    """The platform did not keep a promise; the text says which."""


class Refused(Exception):
    """The platform said no: infcode and err_msg."""

    def __init__(self, infcode: str, err_msg: str) -> None:
        super().__init__(f"{infcode} {err_msg}")
        self.infcode = infcode
        self.err_msg = err_msg

    @property
    def number(self) -> int:
        """The stable number that the message begins with."""
        return int(self.err_msg[1 : self.err_msg.index("]")])


@dataclass
class His:
    """One hospital's system."""

    http: httpx.AsyncClient
    clock: Clock
    institution: str
    scheme: str = "csb_ms"
    infcode_type: type = int
    url: str = ONE_URL
    content_type: str = "text/plain; charset=utf-8"
    input_as_text: bool = False
    secret: str = ""
    area: str = "320100"
    sent: list[str] = field(default_factory=list)

    def msgid(self) -> str:
        """A new message id: institution, second, four digits."""
        return f"{self.institution}{self.clock.now():%Y%m%d%H%M%S}{next(_SERIALS) % 10_000:04d}"

    def envelope(self, infno: str, input_: Any, msgid: str) -> dict[str, Any]:
        """The request as the specification's table has it, with what others send beside it."""
        return {
            "infno": infno, "msgid": msgid, "mdtrtarea_admvs": self.area, "insuplc_admdvs": "",
            "recer_sys_code": "99", "dev_no": "", "dev_safe_info": "null", "cainfo": None,
            "signtype": "SM3", "infver": "V1.0", "opter_type": "1", "opter": "001",
            "opter_name": "例某", "inf_time": f"{self.clock.now():%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": self.institution, "fixmedins_name": "示例医院" * 10, "sign_no": "",
            "enc_type": "", "input": json.dumps(input_) if self.input_as_text else input_,
        }  # fmt: skip

    def headers(self, infno: str, path: str, body: bytes) -> dict[str, str]:
        """The headers that show who calls, by the scheme."""
        seconds = str(int(self.clock.now().timestamp()))
        match self.scheme:
            case "csb_ms" | "csb_s":
                signed = {
                    "_api_access_key": f"ak-{self.institution}", "_api_name": infno,
                    "_api_timestamp": seconds + ("000" if self.scheme == "csb_ms" else ""),
                    "_api_version": "1.0.0",
                }  # fmt: skip
                text = "&".join(f"{key}={signed[key]}" for key in sorted(signed))
                mac = hmac.new(self.secret.encode(), text.encode(), hashlib.sha1).digest()
                return signed | {"_api_signature": base64.b64encode(mac).decode()}
            case "x_tif":
                nonce = uuid4().hex
                text = f"{seconds}{self.secret}{nonce}{seconds}"
                return {
                    "x-tif-paasid": f"ak-{self.institution}", "x-tif-timestamp": seconds,
                    "x-tif-nonce": nonce,
                    "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
                }  # fmt: skip
            case "signed_body" | "signed_body_sm2":
                nonce, at = uuid4().hex, seconds + "000"
                digest = hashes.Hash(hashes.SM3())
                digest.update(body)
                signed_text = "\n".join(("POST", path, digest.finalize().hex(), at, nonce))
                return {
                    "x-his-key": f"ak-{self.institution}", "x-his-timestamp": at,
                    "x-his-nonce": nonce,
                    "x-his-signature": self._own_signature(signed_text.encode()),
                }  # fmt: skip
        return {}

    def _own_signature(self, text: bytes) -> str:
        """By the shared secret, or by the private key of a pair (`secret` in hexadecimal)."""
        if self.scheme == "signed_body":
            keyed = HMAC(self.secret.encode(), hashes.SM3())
            keyed.update(text)
            return keyed.finalize().hex()
        return sm2_signature(self.secret, text)

    async def post(self, infno: str, input_: Any, msgid: str = "") -> httpx.Response:
        """One transaction, tried again as the client does."""
        msgid = msgid or self.msgid()
        self.sent.append(msgid)
        body = json.dumps(self.envelope(infno, input_, msgid), ensure_ascii=False).encode()
        path = self.url.format(infno=infno)
        headers = self.headers(infno, path, body) | {"content-type": self.content_type}
        for _ in range(_TRIES):
            answer = await self.http.post(path, content=body, headers=headers)
            if answer.status_code not in _AGAIN:
                break
            if self.scheme.startswith("signed_body"):
                headers |= self.headers(infno, path, body)
        return answer

    async def call(self, infno: str, input_: Any, msgid: str = "") -> dict[str, Any]:
        """The output of a transaction. Raises Refused."""
        answer = await self.post(infno, input_, msgid)
        if answer.status_code != httpx.codes.OK:
            raise Broken(f"{infno}: {answer.status_code} {answer.text}")
        said = json.loads(answer.text, parse_float=Decimal)
        if not self._is_of_the_form(said):
            raise Broken(f"{infno}: an answer that is not of the interface's form")
        if int(said["infcode"]) != 0:
            raise Refused(str(said["infcode"]), said["err_msg"])
        output: dict[str, Any] = said["output"]
        return output

    def _is_of_the_form(self, said: dict[str, Any]) -> bool:
        return (
            type(said["infcode"]) is self.infcode_type
            and isinstance(said["err_msg"], str)
            and len(said["err_msg"]) <= _ERR_MSG_MOST
            and len(said["inf_refmsgid"]) == _REFMSGID
            and len(said["refmsg_time"]) == len(said["respond_time"]) == _STAMP
        )


def sm2_signature(private_key: str, text: bytes) -> str:
    """r and s, of 64 hexadecimal digits each, by a private key in hexadecimal."""
    pair = gmalg.SM2(bytes.fromhex(private_key), b"1234567812345678")
    # The library drops leading zeros: one signature in 128 would be a byte short.
    return "".join(part.rjust(32, b"\0").hex() for part in pair.sign(text))
