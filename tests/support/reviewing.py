"""A flag's review by two reviewers and its institution, as any caller walks it."""

from __future__ import annotations

from typing import Any

from tests.support.agency import made, until
from tests.support.running import Client

PURSUE = {"result": "pursue", "reason_code": "duplicate-billing", "reason": "同一次分娩重复申报"}
CLEAR = {"result": "clear", "reason_code": "lawful-transfer", "reason": "对应结算已撤销"}
STATEMENT = {"stance": "contests", "text": "两次入院均有病历"}
AGREE = {"result": "agree", "reason_code": "duplicate-billing", "reason": "资料已核"}
DISPOSAL = {"outcome": "deduct", "amount": "100.00", "reason_code": "duplicate-billing",
            "reason": "扣回重复部分"}  # fmt: skip
APPROVAL = {"agree": True, "reason_code": "duplicate-billing", "reason": "同意"}


async def raised_on(reviewer: Client, claim: str, family: str = "duplicate-claim") -> str:
    """The flag on a claim, once it is raised."""

    async def raised() -> Any:
        flags = (await made(reviewer.get("/flags", state="open")))["flags"]
        return [
            flag["flag_id"]
            for flag in flags
            if (flag["claim_id"], flag["rule_family"]) == (claim, family)
        ]

    (flag,) = await until(raised)
    return str(flag)


async def proposed(
    first: Client, second: Client, hospital: Client, flag: str, steps: int = 4
) -> int:
    """All steps up to a disposal that the first proposes, or fewer; the flag's version then."""
    version = (await made(first.get(f"/flags/{flag}")))["version"]
    for who, step, body in (
        (first, "first-review", PURSUE),
        (hospital, "statement", STATEMENT),
        (second, "second-review", AGREE),
        (first, "disposal", DISPOSAL),
    )[:steps]:
        version = (await made(who.post(f"/flags/{flag}/{step}", body | {"version": version})))[
            "version"
        ]
    return int(version)


async def approved(second: Client, flag: str, version: int) -> dict[str, Any]:
    """The disposal, approved by the second."""
    return await made(second.post(f"/flags/{flag}/approval", APPROVAL | {"version": version}))


async def decided(first: Client, second: Client, hospital: Client, flag: str) -> dict[str, Any]:
    """A flag whose 100.00 are deducted."""
    return await approved(second, flag, await proposed(first, second, hospital, flag))
