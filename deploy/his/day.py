"""A hospital's day through the gateway: births, visits, an undo, retries, a message taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from deploy.his.book import Entry, Verdict, as_file, carried, of_receipt, totals, verdicts
from deploy.his.client import Broken, His, Refused
from deploy.his.town import Town
from shared.plumbing.clock import business_day

_WITHDRAWN = 5010
_STAYED = timedelta(days=3)


@dataclass
class Day:
    """One hospital, its system and the book that it keeps."""

    town: Town
    his: His
    say: Callable[[str], None]
    book: list[Entry] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The agency's day."""
        return business_day(self.his.clock.now())

    async def play(self) -> None:
        """The whole day, before its books are closed. Raises Broken, Refused."""
        await self._opened()
        signed = await self.his.call("9001", {"signIn": {"opter_no": "1", "mac": "", "ip": ""}})
        await self._born("vaginal birth", "O80.000", "delivery-care", "4200.00")
        twice = await self._born("caesarean", "O82.000", "cesarean-section", "8800.00")
        await self._undone(twice)
        case = await self._discharged("a lost answer", "O80.000", "delivery-care", "3900.00")
        await self._taken_back(case)
        mother = await self._mother("prenatal visits")
        for price in ("260.00", "180.00"):
            await self._visit(mother, price)
        leaving = {"sign_no": signed["signinoutb"]["sign_no"], "opter_no": "1"}
        await self.his.call("9002", {"signOut": leaving})

    async def _opened(self) -> None:
        """What stands at the agency from before, today: taken over as it is."""
        before = [carried(one) for one in (await self.compared([])).rows]
        self.book += before
        self.say(f"day opened; {len(before)} rows of today carried forward")

    async def _mother(self, what: str) -> str:
        number = await self.town.woman()
        found = await self.his.call("1101", {"data": {
            "mdtrt_cert_type": "02", "certno": number, "psn_name": "例某"}})  # fmt: skip
        psn = str(found["baseinfo"]["psn_no"])
        begun = self.today - timedelta(weeks=38)
        await self.his.call("90201", {"data": {"psn_no": psn, "begndate": begun.isoformat()}})
        self.say(f"{what}: registered")
        return psn

    async def _discharged(self, what: str, diagnosis: str, item: str, price: str) -> dict[str, str]:
        """A stay with its bill, discharged today: what settles it."""
        psn, admitted = await self._mother(what), self.today - _STAYED
        opened = await self.his.call("2401", {
            "mdtrtinfo": {
                "psn_no": psn, "insutype": "310", "begntime": f"{admitted} 08:00:00",
                "med_type": "52", "ipt_no": uuid4().hex[:16], "matn_type": "1",
            },
            "diseinfo": [{"diag_code": diagnosis, "maindiag_flag": "1"}],
        })  # fmt: skip
        stay = {"psn_no": psn, "mdtrt_id": str(opened["result"]["mdtrt_id"])}
        beds = _line(stay, 2, "bed-day", 3, "55.00", admitted)
        lines = [_line(stay, 1, item, 1, price, admitted), beds]
        await self.his.call("2301", {"feedetail": lines})
        await self.his.call("2402", {"dscginfo": stay | {"endtime": self.today.isoformat()}})
        bill = Decimal(price) + 3 * Decimal("55.00")
        return stay | {"medfee_sumamt": f"{bill:.2f}", "insutype": "310", "psn_name": "例某"}

    async def _born(self, what: str, diagnosis: str, item: str, price: str) -> Entry:
        """A birth, quoted and settled; the first answer is lost, the message asked again."""
        case = await self._discharged(what, diagnosis, item, price)
        quoted = await self.his.call("2303", {"data": case})
        return await self._settled("2304", what, case, quoted)

    async def _settled(
        self, infno: str, what: str, case: dict[str, str], quoted: dict[str, Any]
    ) -> Entry:
        message = self.his.msgid()
        lost = await self.his.post(infno, {"data": case}, message)
        again = await self.his.post(infno, {"data": case}, message)
        if lost.content != again.content:
            raise Broken(f"{what}: the same message was answered twice, differently")
        info = (await self.his.call(infno, {"data": case}, message))["setlinfo"]
        if info["fund_pay_sumamt"] != quoted["setlinfo"]["fund_pay_sumamt"]:
            raise Broken(f"{what}: settled otherwise than quoted")
        entry = of_receipt(info, what)
        self.book.append(entry)
        self.say(f"{what}: settled, {entry.total} of which fund {entry.fund}")
        return entry

    async def _undone(self, entry: Entry) -> None:
        """A settlement taken back at the desk."""
        named = {
            "psn_no": entry.psn_no, "mdtrt_id": entry.mdtrt_id, "setl_id": entry.setl_id
        }  # fmt: skip
        info = (await self.his.call("2305", {"data": named}))["setlinfo"]
        self.book.append(of_receipt(info, f"{entry.what}, undone", refund=True))
        self.say(f"{entry.what}: undone, {info['medfee_sumamt']}")

    async def _taken_back(self, case: dict[str, str]) -> None:
        """A message whose answer never came is undone by its id, arrives late, and is refused; the
        case is settled under another."""
        message = self.his.msgid()
        undo = {"psn_no": case["psn_no"], "omsgid": message, "oinfno": "2304"}
        await self.his.call("2601", {"data": undo})
        try:
            await self.his.call("2304", {"data": case}, message)
        except Refused as refused:
            if refused.number != _WITHDRAWN:
                raise
        else:
            raise Broken("a message that was undone has settled")
        self.say("a lost answer: taken back by 2601, and refused when it came late")
        quoted = await self.his.call("2303", {"data": case})
        await self._settled("2304", "a lost answer", case, quoted)

    async def _visit(self, psn: str, price: str) -> None:
        """A prenatal visit of some weeks, with a check and its settlement."""
        on = self.today
        opened = await self.his.call("2201", {"data": {
            "psn_no": psn, "insutype": "310", "begntime": f"{on} 08:00:00",
            "ipt_otp_no": uuid4().hex[:16]}})  # fmt: skip
        visit = {"psn_no": psn, "mdtrt_id": str(opened["data"]["mdtrt_id"])}
        told = visit | {"med_type": "51", "begntime": f"{on} 08:05:00", "geso_val": "38"}
        diagnosis = {"diag_code": "Z34.900", "maindiag_flag": "1"}
        await self.his.call("2203", {"mdtrtinfo": told, "diseinfo": [diagnosis]})
        line = _line(visit, 1, "prenatal-check", 1, price, on) | {"chrg_bchno": "1"}
        await self.his.call("2204", {"feedetail": [line]})
        case = visit | {"medfee_sumamt": price, "insutype": "310"}
        quoted = await self.his.call("2206", {"data": case})
        await self._settled("2207", "prenatal visit", case, quoted)

    async def compared(self, book: list[Entry]) -> Compared:
        """A book held against the agency's: totals, then row by row."""
        days = {"stmt_begndate": self.today.isoformat(), "stmt_enddate": self.today.isoformat()}
        asked = totals(book) | days | {"setl_optins": self.town.staff.pool}
        (summed,) = (await self.his.call("3201", {"data": asked}))["stmtinfo"]
        name = {"filename": "book.zip", "fixmedins_code": self.his.institution}
        sent = await self.his.call("9101", {"fsUploadIn": name | {"in": list(as_file(book))}})
        made = await self.his.call("3202", {"data": asked | {"file_qury_no": sent["file_qury_no"]}})
        file = {"file_qury_no": made["fileinfo"]["file_qury_no"]}
        answer = await self.his.post("9102", {"fsDownloadIn": name | file})
        if answer.headers["content-type"] != "application/octet-stream":
            raise Broken(f"no file came: {json.loads(answer.text)['err_msg']}")
        return Compared(
            summed["stmt_rslt"] == "0", summed["stmt_rslt_dscr"], verdicts(answer.content)
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """What the agency says of a book: of its totals, and of each row of either."""

    level: bool
    said: str
    rows: list[Verdict]


def _line(
    stay: dict[str, str], number: int, item: str, count: int, price: str, on: date
) -> dict[str, Any]:
    amount = count * Decimal(price)
    return stay | {
        "feedetl_sn": str(number), "fee_ocur_time": f"{on} 10:00:00", "med_list_codg": item,
        "cnt": count, "pric": price, "det_item_fee_sumamt": f"{amount:.2f}",
    }  # fmt: skip
