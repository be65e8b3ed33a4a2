"""A hospital holds its book against ours through the gateway: totals, then a file row by row."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.settlement.nhsa import book_file, files, ids
from shared.plumbing.clock import business_day
from shared.plumbing.zipped_rows import read_rows, write_rows
from tests.settlement.conftest import NANJING, House, house_of_the_file
from tests.support.his import ONE_URL, His, Refused

A, B = f"H{NANJING}a", f"H{NANJING}b"
RESULT_FIELDS = 10
MONEY = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")


house = house_of_the_file(A, B)


def _his(house: House, institution: str = A, **more: Any) -> His:
    return His(house.running.http, house.clock, institution, **more)


@dataclass
class Desk:
    """A hospital's system with the book that it keeps of its receipts."""

    house: House
    his: His
    book: list[dict[str, Any]] = field(default_factory=list)

    async def birth(self, insutype: str = "310") -> dict[str, Any]:
        """A birth, settled; the message that settled it is in the receipt."""
        psn = await self.house.person(NANJING)
        await self.his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
        admitted = await self.his.call("2401", {"mdtrtinfo": {
            "psn_no": psn, "insutype": insutype, "begntime": "2024-03-20 08:00:00",
            "med_type": "52", "ipt_no": uuid4().hex[:12], "matn_type": "1"}})  # fmt: skip
        stay = {"psn_no": psn, "mdtrt_id": admitted["result"]["mdtrt_id"]}
        await self._charged("2301", stay, "2024-03-20", "4500.00")
        await self.his.call("2402", {"dscginfo": stay | {"endtime": "2024-03-24"}})
        return await self._settled("2304", stay, "4500.00", insutype)

    async def visit(self) -> dict[str, Any]:
        """A prenatal visit, settled."""
        psn = await self.house.person(NANJING)
        await self.his.call("90201", {"data": {"psn_no": psn, "begndate": "2023-07-01"}})
        registered = await self.his.call("2201", {"data": {
            "psn_no": psn, "insutype": "310", "begntime": "2024-03-20 08:00:00",
            "ipt_otp_no": uuid4().hex[:12]}})  # fmt: skip
        visit = {"psn_no": psn, "mdtrt_id": registered["data"]["mdtrt_id"]}
        told = visit | {"med_type": "51", "begntime": "2024-03-20 08:05:00", "geso_val": "30"}
        await self.his.call("2203", {"mdtrtinfo": told})
        await self._charged("2204", visit, "2024-03-20", "100.00")
        return await self._settled("2207", visit, "100.00", "310")

    async def _charged(self, infno: str, stay: dict[str, Any], on: str, price: str) -> None:
        line = stay | {"feedetl_sn": "1", "fee_ocur_time": on, "med_list_codg": "delivery",
                       "cnt": "1", "chrg_bchno": "1", "pric": price,
                       "det_item_fee_sumamt": price}  # fmt: skip
        await self.his.call(infno, {"feedetail": [line]})

    async def _settled(
        self, infno: str, stay: dict[str, Any], bill: str, insutype: str
    ) -> dict[str, Any]:
        case = stay | {"medfee_sumamt": bill, "insutype": insutype}
        return self._noted((await self.his.call(infno, {"data": case}))["setlinfo"], "0")

    async def undone(self, info: dict[str, Any], infno: str = "2305") -> dict[str, Any]:
        """A settlement taken back."""
        case = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
        return self._noted((await self.his.call(infno, {"data": case}))["setlinfo"], "1")

    def _noted(self, info: dict[str, Any], refund: str) -> dict[str, Any]:
        self.book.append({**info, "refd_setl_flag": refund})
        return self.book[-1]

    def totals(self, rows: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
        """What 3201 and 3202 ask of rows, all of them for None."""
        rows = self.book if rows is None else rows
        today = business_day(self.house.clock.now()).isoformat()
        return {
            "insutype": "", "clr_type": "", "setl_optins": NANJING, "stmt_begndate": today,
            "stmt_enddate": today, "fixmedins_setl_cnt": len(rows),
            "fixmedins_refd_setl_flag": "",
            **{name: f"{sum((row[name] for row in rows), Decimal(0)):.2f}" for name in MONEY},
            "cash_payamt": f"{sum((row['psn_cash_pay'] for row in rows), Decimal(0)):.2f}",
        } | more  # fmt: skip

    async def level(self, rows: list[dict[str, Any]] | None = None, **more: Any) -> bool:
        """Whether 3201 finds the books level."""
        told = await self.his.call("3201", {"data": self.totals(rows, **more)})
        (shown,) = told["stmtinfo"]
        assert (shown["stmt_rslt"] == "0") == (shown["stmt_rslt_dscr"] == "对平")
        return bool(shown["stmt_rslt"] == "0")

    async def held(
        self, rows: list[dict[str, Any]] | None = None, **more: Any
    ) -> list[dict[str, str]]:
        """What 3202 says of rows that are uploaded, by the result's columns."""
        rows = self.book if rows is None else rows
        number = await self.uploaded(write_rows("book.txt", map(_written, rows)))
        told = await self.his.call("3202", {"data": self.totals(rows, file_qury_no=number, **more)})
        result = await self.fetched(told["fileinfo"]["file_qury_no"])
        names = ("psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo",
                 *MONEY)  # fmt: skip
        return [
            dict(zip(names, row, strict=True)) for row in read_rows(result, RESULT_FIELDS, 1_000)
        ]

    async def uploaded(self, content: bytes, **more: Any) -> str:
        """The number that a file got."""
        told = {"in": list(content), "filename": "book.zip", "fixmedins_code": self.his.institution}
        kept = await self.his.call("9101", {"fsUploadIn": told | more})
        assert set(kept) == {"file_qury_no", "filename", "fixmedins_code", "dld_endtime"}
        return str(kept["file_qury_no"])

    async def fetched(self, number: str) -> bytes:
        """A file by its number."""
        asked = {"file_qury_no": number, "filename": "x", "fixmedins_code": self.his.institution}
        answer = await self.his.post("9102", {"fsDownloadIn": asked})
        assert answer.headers["content-type"] == "application/octet-stream", answer.text
        return answer.content


def _written(row: dict[str, Any]) -> list[str]:
    names = ("setl_id", "mdtrt_id", "psn_no", *MONEY, "refd_setl_flag")
    return [str(row[name]) for name in names]


@pytest.fixture
def desk(house: House) -> Desk:
    """Hospital a's, on a day of its own: books of a day hold whatever was settled on it."""
    house.clock.move(days=1)
    return Desk(house, _his(house))


async def test_totals_are_asked_by_kind_of_care_insurance_and_refunds(desk: Desk) -> None:
    birth, visit = await desk.birth("510"), await desk.visit()
    back = await desk.undone(await desk.birth())
    other = desk.book[2]
    assert await desk.level()
    assert not await desk.level([birth])
    assert await desk.level([birth, other, back], clr_type="9978")
    assert birth["clr_type"] == "9978"
    assert await desk.level([visit], clr_type=visit["clr_type"])
    assert await desk.level([visit], clr_type="11")
    assert await desk.level([birth, other, back], clr_type="21")
    assert await desk.level([], clr_type="9986")
    # The receipt showed the insurance that the hospital named, whichever pays.
    assert (birth["insutype"], visit["insutype"]) == ("510", "310")
    assert await desk.level([birth], insutype="510")
    assert await desk.level([visit, other, back], insutype="310")
    assert await desk.level([visit], insutype="310", clr_type="9977")
    assert await desk.level([birth, visit, other], fixmedins_refd_setl_flag="0")
    assert await desk.level([back], refd_setl_flag=1)
    # 1101 names a person's county; what is cleared is the pool's.
    assert await desk.level(setl_optins="320102")
    assert await desk.level(setl_optins="")
    for change, word in (
        ({"clr_type": "99914"}, "clr_type"), ({"insutype": "390"}, "insutype"),
        ({"setl_optins": "110100"}, "setl_optins"), ({"refd_setl_flag": "2"}, "refd_setl_flag"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            await desk.level(**change)
        assert refused.value.number == 5007
        assert word in refused.value.err_msg


async def test_a_book_that_agrees_is_level_row_by_row(desk: Desk) -> None:
    await desk.undone(await desk.birth())
    await desk.visit()
    result = await desk.held()
    assert {row["stmt_rslt"] for row in result} == {"0"}
    told = {(row["setl_id"], row["refd_setl_flag"]): row for row in result}
    for row in desk.book:
        found = told[row["setl_id"], row["refd_setl_flag"]]
        assert found["msgid"] == row["medins_setl_id"]
        assert [Decimal(found[name]) for name in MONEY] == [row[name] for name in MONEY]
        assert found["psn_no"] == row["psn_no"]
    only = [row for row in desk.book if row["clr_type"] == "9977"]
    assert [row["stmt_rslt"] for row in await desk.held(only, clr_type="9977")] == ["0"]


async def test_every_kind_of_difference_is_found_and_none_is_invented(desk: Desk) -> None:
    level, amount, missing, moved, unpaired = [await desk.birth() for _ in range(5)]
    back = await desk.undone(unpaired)
    theirs = await Desk(desk.house, _his(desk.house, B)).birth()
    refunded = await desk.birth()
    told = [
        level,
        amount | {"fund_pay_sumamt": amount["fund_pay_sumamt"] - Decimal("0.01")},
        moved | {"mdtrt_id": level["mdtrt_id"]},
        unpaired,
        theirs,
        refunded,
        refunded | {"refd_setl_flag": "1"} | {name: -refunded[name] for name in MONEY},
    ]
    cash = (
        sum((row["psn_cash_pay"] for row in told[:6]), Decimal("0.01")) - refunded["psn_cash_pay"]
    )
    result = await desk.held(told, cash_payamt=f"{cash:.2f}")
    kinds = {
        (row["memo"].split(" ")[0], row["setl_id"], row["refd_setl_flag"]): row for row in result
    }
    assert set(kinds) == {
        ("amount", amount["setl_id"], "0"),
        ("missing_there", missing["setl_id"], "0"),
        ("state", moved["setl_id"], "0"),
        ("refund_unpaired", back["setl_id"], "1"),
        ("missing_here", theirs["setl_id"], "0"),
        ("state", refunded["setl_id"], "1"),
        ("", level["setl_id"], "0"),
        ("", unpaired["setl_id"], "0"),
        ("", refunded["setl_id"], "0"),
    }
    assert all((row["stmt_rslt"] == "0") == (row["memo"] == "") for row in result)
    lost = kinds["missing_there", missing["setl_id"], "0"]
    assert lost["msgid"] == missing["medins_setl_id"]
    assert kinds["missing_here", theirs["setl_id"], "0"]["msgid"] == ""
    told_again = kinds["amount", amount["setl_id"], "0"]
    assert Decimal(told_again["fund_pay_sumamt"]) == amount["fund_pay_sumamt"]
    assert str(amount["fund_pay_sumamt"] - Decimal("0.01")) in told_again["memo"]
    # The message that the hospital lost is undone by what the result names.
    undo = {"psn_no": missing["psn_no"], "omsgid": lost["msgid"], "oinfno": "2304"}
    await desk.his.call("2601", {"data": undo})
    kept = [row for row in desk.book if row is not missing]
    result = await desk.held(kept)
    assert {row["memo"].split(" ")[0] for row in result} == {"", "missing_there"}
    assert {row["setl_id"] for row in result if row["memo"]} > {missing["setl_id"]}


async def test_the_same_message_gives_the_same_result_file(desk: Desk) -> None:
    await desk.birth()
    number = await desk.uploaded(write_rows("book.txt", map(_written, desk.book)))
    asked, message = {"data": desk.totals(file_qury_no=number)}, desk.his.msgid()
    first = await desk.his.post("3202", asked, message)
    desk.house.clock.at += files.KEPT + timedelta(seconds=1)
    assert (await desk.his.post("3202", asked, message)).content == first.content
    with pytest.raises(Refused) as over:
        await desk.his.call("3202", asked)
    assert over.value.number == 5016


async def test_a_file_comes_in_parts_base64_or_bytes_and_is_its_hospitals_own(
    desk: Desk, house: House
) -> None:
    content = write_rows("book.txt", [["1"] * 7])
    signed = [byte - 256 if byte > 127 else byte for byte in content]
    for written in (list(content), signed, base64.b64encode(content).decode()):
        assert await desk.fetched(await desk.uploaded(content, **{"in": written})) == content
    for name in ("file", "in"):
        number = await _in_parts(desk.his, content, name)
        assert await desk.fetched(number) == content
    with pytest.raises(Refused) as other:
        await _his(house, B).call("9102", {"fsDownloadIn": {"file_qury_no": number}})
    assert other.value.number == 5016
    house.clock.at += files.KEPT
    with pytest.raises(Refused) as over:
        await desk.his.call("9102", {"fsDownloadIn": {"file_qury_no": number}})
    assert over.value.number == 5016


async def _in_parts(his: His, content: bytes, name: str, msgid: str = "", **more: Any) -> str:
    told = {"filename": "book.zip", "fixmedins_code": his.institution} | more
    envelope = his.envelope("9101", {"fsUploadIn": told}, msgid or his.msgid())
    answer = await his.http.post(
        "/fsi/api/fileupload/upload", headers=his.headers("9101", "", b""),
        data={"jsonStr": json.dumps(envelope, ensure_ascii=False)},
        files={name: ("book.zip", content, "application/zip")},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    if answer.json()["infcode"] != 0:
        raise Refused(str(answer.json()["infcode"]), answer.json()["err_msg"])
    return str(answer.json()["output"]["file_qury_no"])


async def test_another_file_under_the_same_message_is_refused(desk: Desk) -> None:
    message = desk.his.msgid()
    first = await _in_parts(desk.his, b"one", "file", message)
    assert await _in_parts(desk.his, b"one", "file", message) == first
    with pytest.raises(Refused) as refused:
        await _in_parts(desk.his, b"two", "file", message)
    assert refused.value.number == 5009


def _bomb() -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("book.txt", "w") as entry,
    ):
        for _ in range(70):
            entry.write(b"0" * 1_000_000)
    return packed.getvalue()


def _two_files() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../etc/a", "1")
        archive.writestr("b", "1")
    return packed.getvalue()


GOOD = [str(uuid4()), str(uuid4()), "", "1.00", "1.00", "0", "0"]


NO_BOOKS = [
    (b"PK", "zip"), (_bomb(), "过大"), (_two_files(), "一个文件"),
    (write_rows("a", [["1", "2"]]), "第 1 行"),
    (write_rows("a", [GOOD, ["x", *GOOD[1:]]]), "第 2 行：setl_id"),
    (write_rows("a", [[GOOD[0], "\x00", *GOOD[2:]]]), "mdtrt_id"),
    (write_rows("a", [[*GOOD[:2], "\x00", *GOOD[3:]]]), "psn_no"),
    (write_rows("a", [[*GOOD[:3], "1e9", *GOOD[4:]]]), "medfee_sumamt"),
    (write_rows("a", [[*GOOD[:4], "1.005", *GOOD[5:]]]), "fund_pay_sumamt"),
    (write_rows("a", [[*GOOD[:5], "9" * 15, *GOOD[6:]]]), "acct_pay"),
    (write_rows("a", [[*GOOD[:6], "2"]]), "refd_setl_flag"),
    (write_rows("a", [GOOD] * (book_file.ROWS_MOST + 1)), "行数"),
]  # fmt: skip


async def test_what_is_no_book_is_refused_by_its_line(desk: Desk) -> None:
    for content, said in NO_BOOKS:
        number = await desk.uploaded(content)
        before = await desk.house.counts()
        with pytest.raises(Refused) as refused:
            await desk.his.call("3202", {"data": desk.totals([], file_qury_no=number)})
        assert refused.value.number == 5017
        assert said in refused.value.err_msg
        assert await desk.house.counts() == before


async def test_hostile_uploads_are_refused_and_nothing_is_kept(desk: Desk, house: House) -> None:
    before = await house.owner.fetchval("select count(*) from exchanged_file")
    for change in (
        {"filename": "../../etc/passwd"}, {"filename": "a\\b"}, {"filename": ".."},
        {"filename": "a\x00b"}, {"in": []}, {"in": [256]}, {"in": [1.5]}, {"in": ["1"]},
        {"in": "not base64!"}, {"in": None}, {"in": {"a": 1}}, {"fixmedins_code": B},
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            await desk.uploaded(b"1", **change)
        assert refused.value.number in (5006, 5007), change
    his = desk.his
    envelope = json.dumps(his.envelope("9101", {"fsUploadIn": {"filename": "a"}}, his.msgid()))
    part = b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    good = part % (b"jsonStr", envelope.encode()) + part % (b"file", b"1")
    large = part % (b"file", b"1" * 9_500_000)
    for kind, body in (
        ("multipart/form-data", good + b"--x--\r\n"),
        ("multipart/form-data; boundary=y", good + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", good),
        ("multipart/form-data; boundary=x", good + good + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", part % (b"file", b"1") + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\ncontent-disposition: form-data\r\n\r\n1\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"\x00" * 100),
        ("multipart/form-data; boundary=x",
         b"--x\r\ncontent-disposition: form-data; name=jsonStr\r\n"
         b"content-transfer-encoding: base64\r\n\r\n***\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", part % (b"jsonStr", b"1" * 1_100_000) + b"--x--\r\n"),
        ("multipart/form-data; boundary=x",
         part % (b"jsonStr", envelope.encode()) + large + b"--x--\r\n"),
    ):  # fmt: skip
        headers = his.headers("9101", "", b"") | {"content-type": kind}
        answer = await his.http.post(ONE_URL, content=body, headers=headers)
        assert answer.status_code == 200, (kind, body[:40])
        assert answer.json()["infcode"] == -1, (kind, body[:80])
    assert await house.owner.fetchval("select count(*) from exchanged_file") == before


async def test_files_are_kept_up_to_a_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.house.clock.at += files.KEPT
    monkeypatch.setattr(files, "FILES_MOST", 2)
    first = await desk.uploaded(b"1")
    await desk.uploaded(b"2")
    with pytest.raises(Refused) as many:
        await desk.uploaded(b"3")
    assert many.value.number == 5018
    desk.house.clock.at += files.KEPT
    await desk.uploaded(b"4")
    with pytest.raises(Refused):
        await desk.his.call("9102", {"fsDownloadIn": {"file_qury_no": first}})
    assert ids.from_wire(first)
