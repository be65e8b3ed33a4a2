"""What is amiss in a call through the gateway is told by field, name and rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.settlement.nhsa.envelope import NoNumber, read_envelope
from services.settlement.nhsa.files import _bytes_of
from services.settlement.nhsa.reading import read_input
from services.settlement.nhsa.refusals import ERR_MSG_MOST, Wrong, err_msg, words
from services.settlement.nhsa.tables import transactions
from shared.plumbing.problems import Problem
from tests.settlement.gateway_inputs import HEAD, UNDO, input_of

WRONG_FIELDS = [
    ("begntime", "", "begntime"), ("begntime", "2024-13-01", "begntime"),
    ("begntime", "20240320", "begntime"), ("begntime", "1900-01-01", "begntime"),
    ("matn_type", "12", "matn_type"), ("geso_val", "40.5", "geso_val"),
    ("geso_val", "123", "geso_val"), ("geso_val", "1e1", "geso_val"),
    ("ipt_no", "x" * 31, "ipt_no"), ("ipt_no", {"a": 1}, "ipt_no"), ("psn_no", ["p"], "psn_no"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "raw", "named"), WRONG_FIELDS)
def test_a_wrong_field_is_told_by_code_name_and_rule(code: str, raw: Any, named: str) -> None:
    given = {"psn_no": "p", "insutype": "310", "begntime": "2024-03-20", "med_type": "52",
             "ipt_no": "1"} | {code: raw}  # fmt: skip
    with pytest.raises(Wrong) as wrong:
        input_of("2401", {"mdtrtinfo": given})
    told = err_msg(wrong.value)
    field = transactions()["2401"].nodes["mdtrtinfo"][named]
    assert told.startswith("[5007] ")
    assert f"mdtrtinfo.{named} {field.name}：" in told
    assert len(told) <= ERR_MSG_MOST
    assert str(raw) not in told or not raw


def test_a_profile_may_demand_more() -> None:
    given = {"mdtrtinfo": {"psn_no": "p", "insutype": "310", "begntime": "2024-03-20",
                           "med_type": "52", "ipt_no": "1"}}  # fmt: skip
    input_of("2401", given)
    with pytest.raises(Wrong, match="field-wrong"):
        input_of("2401", given, "mdtrtinfo.geso_val")


def test_a_node_is_there_once_unless_it_holds_rows() -> None:
    with pytest.raises(Wrong):
        input_of("2305", {"data": [UNDO, UNDO]})
    assert input_of("2305", {"data": [UNDO]}).one("data").text("setl_id") == "s"
    with pytest.raises(Wrong):
        input_of("2305", {})
    with pytest.raises(Wrong):
        input_of("2301", {"feedetail": [{}] * 1001})


NOT_ENVELOPES = [
    b"", b"null", b"[]", b'"text"', b"{", b'{"infno": NaN}', b'{"infno": Infinity}',
    b'{"infno": "1", "infno": "2"}', '{"infno": "2304", "msgid": "例"}'.encode("gbk"),
    b"\xff\xfe{}", b'{"infno": "\\ud800"}', b'{"infno": "\\u0000"}', b'{"n": 1e400}',
    b'{"n": ' + b"9" * 60 + b"}", b"{" + b'"a":{' * 40 + b"}" * 41,
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("body", NOT_ENVELOPES)
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        read_envelope(body, "2304")
    assert refused.value.kind.number in (5006, 5007)


def test_an_envelope_that_is_good_but_for_its_depth_is_refused() -> None:
    body = json.dumps(HEAD)[:-1] + ', "other": ' + "[" * 17 + "]" * 17 + "}"
    with pytest.raises(Wrong) as refused:
        read_envelope(body.encode(), "")
    assert refused.value.kind.number == 5006


NO_NUMBERS = ["1e400", "1E-400", "1e1", "9" * 60, "NaN", "-Infinity"]


@pytest.mark.parametrize("written", NO_NUMBERS)
def test_what_stands_as_a_number_and_is_none_is_told_at_its_field(written: str) -> None:
    """Beside whatever else is wrong; in a field that nobody reads it does no harm."""
    stay = ('{"mdtrtinfo": {"psn_no": "p", "insutype": "310", "begntime": "2024-13-01",'
            f' "med_type": "52", "geso_val": {written}}}}}')  # fmt: skip
    body = json.dumps(HEAD)[:-1] + f', "other": {written}, "input": {stay}}}'
    with pytest.raises(Wrong) as wrong:
        read_input(read_envelope(body.encode(), "").input, transactions()["2401"])
    told = err_msg(wrong.value)
    assert told.startswith("[5007] ")
    assert "mdtrtinfo.geso_val 孕周数：须为数值" in told
    assert "mdtrtinfo.begntime 开始时间：须为日期" in told
    assert "mdtrtinfo.ipt_no 住院号：必填" in told
    assert "geso_val 孕周数：必填" not in told
    assert written not in told


def test_nor_is_it_taken_for_a_text() -> None:
    for written in NO_NUMBERS:
        body = json.dumps(HEAD)[:-1] + f', "input": {{"data": {{"setl_id": {written}}}}}}}'
        with pytest.raises(Wrong) as wrong:
            read_input(read_envelope(body.encode(), "").input, transactions()["2305"])
        assert "data.setl_id 结算ID：须为文本" in err_msg(wrong.value)


def test_nor_for_the_bytes_of_a_file() -> None:
    """Which may be written in Base64, and "12e4" is some."""
    assert _bytes_of("12e4")
    assert _bytes_of(NoNumber("12e4")) == b""


def test_no_head_holds_such_a_number() -> None:
    for written in NO_NUMBERS:
        body = json.dumps(HEAD | {"msgid": 7}).replace("7", written)
        with pytest.raises(Wrong) as wrong:
            read_envelope(body.encode(), "")
        assert (wrong.value.kind.number, "msgid" in wrong.value.told) == (5007, True)


def test_what_has_no_whole_room_in_the_message_is_left_out() -> None:
    rows = [{"cnt": "x", "pric": "x", "fee_ocur_time": "x", "det_item_fee_sumamt": "x",
             "feedetl_sn": "1" * 40, "mdtrt_id": {}, "psn_no": {},
             "med_list_codg": {}}]  # fmt: skip
    with pytest.raises(Wrong) as wrong:
        input_of("2301", {"feedetail": rows * 50})
    told = err_msg(wrong.value)
    assert told.count("；") >= 2
    assert len(told) <= ERR_MSG_MOST
    assert all(one.rpartition("：")[2] in words()["rules"].values() for one in told.split("；"))


def test_text_in_the_input_is_held_to_the_same() -> None:
    for text in ("{", "[]", '{"a": 1, "a": 2}', "[" * 50_000):
        with pytest.raises(Wrong):
            read_envelope(json.dumps(HEAD | {"input": text}).encode(), "")
