"""What the gateway reads: the dialects of real systems, the tables, and the signatures' vectors."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import gmalg
import pytest

from deploy.his.client import sm2_signature
from services.settlement.domain.cost import Cost
from services.settlement.domain.his_profile import HisProfile, Scheme
from services.settlement.domain.pregnancy import Ending, Pregnancy
from services.settlement.domain.stay import Outcome, Stay, StayState
from services.settlement.nhsa import ids, maternity
from services.settlement.nhsa.envelope import hashable, read_envelope
from services.settlement.nhsa.gateway import HANDLERS, number_of
from services.settlement.nhsa.refusals import KINDS, Wrong
from services.settlement.nhsa.signatures import (
    Signed,
    body_signature,
    csb_signature,
    is_sm2_signature,
    signed_text,
    verify,
    x_tif_signature,
)
from services.settlement.nhsa.tables import addresses, closed_codes, code_table, transactions
from shared.money import Money
from shared.period import Period
from shared.plumbing.problems import Problem
from shared.plumbing.repeats import body_hash
from shared.policy.shapes import Benefit, DeliveryMode
from tests.settlement.gateway_inputs import HEAD, UNDO, envelope_of, input_of

# ---- the envelope


def test_every_address_of_the_contract_is_the_gateways() -> None:
    one = "/fsi/api/rsfComIfsService/callService"
    assert (number_of(one), number_of(f"{one}/2304"), number_of("/nhsa/2203A")) == (
        "", "2304", "2203A",
    )  # fmt: skip
    assert len(addresses()) >= 70
    assert number_of("/fsi/api/hospSettService/settV2") == "2304"
    assert number_of("/fsi/api/signInSignOutService/signIn") == "9001"
    for address in ("/settlement/v1/stays", "/nhsa/", "/nhsa/23 04", f"{one}/", "/fsi/api/other"):
        assert number_of(address) is None


def test_the_body_says_which_transaction_else_the_address() -> None:
    body = json.dumps(HEAD).encode()
    assert read_envelope(body, "2304").infno == "2305"
    without = json.dumps(HEAD | {"infno": "null"}).encode()
    assert read_envelope(without, "2304").infno == "2304"
    assert envelope_of(infno="2203A").infno == "2203"


@pytest.mark.parametrize("written", [{"data": UNDO}, json.dumps({"data": UNDO})])
def test_the_input_is_an_object_or_its_text(written: Any) -> None:
    assert envelope_of(input=written).input == {"data": UNDO}


@pytest.mark.parametrize("empty", [None, "", "null", "NULL", " Null "])
def test_null_is_written_in_many_ways(empty: Any) -> None:
    assert envelope_of(input=empty).input == {}
    told = input_of("2402", {"dscginfo": {
        "mdtrt_id": "m", "psn_no": "p", "endtime": "2024-03-24", "matn_type": empty,
        "geso_val": empty}, "diseinfo": empty})  # fmt: skip
    row = told.one("dscginfo")
    assert not row.filled("matn_type")
    assert row.number("geso_val") is None
    assert told.rows("diseinfo") == []
    with pytest.raises(Wrong):
        envelope_of(msgid=empty)


def test_the_other_spellings_are_the_same_fields() -> None:
    assert envelope_of(fixmedins_code="", medins_code="H2").institution_code == "H2"
    row = input_of("2401", {"mdtrtinfo": {
        "psn_no": "p", "insutype": 310, "begntime": "2024-03-20", "med_type": 52, "ipt_no": 7,
        "dise_code": "O80", "expContent": {"a": 1}, "nobody_knows": [1],
    }}).one("mdtrtinfo")  # fmt: skip
    assert (row.text("dise_codg"), row.text("insutype"), row.text("ipt_no")) == ("O80", "310", "7")
    assert not row.filled("nobody_knows")


@pytest.mark.parametrize(
    ("raw", "value"), [(1, "1"), ("1", "1"), (1.50, "1.5"), ("1.5000", "1.5"), (True, "1")]
)
def test_numbers_come_as_text_and_texts_as_numbers(raw: Any, value: str) -> None:
    line = {"feedetl_sn": raw, "mdtrt_id": "m", "psn_no": "p", "fee_ocur_time": "2024-03-21",
            "med_list_codg": "a", "det_item_fee_sumamt": raw, "cnt": raw, "pric": raw}  # fmt: skip
    row = input_of("2301", {"feedetail": line}).rows("feedetail")[0]
    assert row.number("cnt") == Decimal(value)


@pytest.mark.parametrize("flag", [0, "0", "0.0"[:1], False])
def test_flags_are_numbers_or_texts(flag: Any) -> None:
    row = input_of("2402", {"dscginfo": {"mdtrt_id": "m", "psn_no": "p", "endtime": "2024-03-24",
                                       "cop_flag": flag}}).one("dscginfo")  # fmt: skip
    assert row.text("cop_flag") == "0"


MOMENTS = ["2024-03-24", "2024-03-24 09:00:00", "2024-03-24T09:00:00", "2024-03-24 09:00"]


@pytest.mark.parametrize("written", MOMENTS)
def test_a_moment_may_be_a_day(written: str) -> None:
    row = input_of("2402", {"dscginfo": {"mdtrt_id": "m", "psn_no": "p", "endtime": written}})
    assert row.one("dscginfo").day("endtime") == date(2024, 3, 24)


def test_a_byte_order_mark_is_no_harm() -> None:
    assert read_envelope(b"\xef\xbb\xbf" + json.dumps(HEAD).encode(), "").infno == "2305"


def test_the_hash_is_of_the_content() -> None:
    def said(text: str) -> bytes:
        body = json.dumps(HEAD)[:-1] + ', "input": ' + text + "}"
        return body_hash(hashable(read_envelope(body.encode(), "").input), b"k")

    same = said('{"data": {"a": "1", "b": 2.50}}')
    assert said('{ "data":{"b":2.50,  "a":"1"} }') == same
    assert said(json.dumps('{"data": {"a": "1", "b": 2.50}}')) == same
    assert said('{"data": {"a": "1", "b": 2.51}}') != same


def test_what_is_supported_has_a_table_and_codes() -> None:
    assert set(HANDLERS) <= set(transactions())
    for infno in HANDLERS:
        described = transactions()[infno]
        for node, codes in described.demanded.items():
            assert set(codes) <= set(described.nodes[node]), (infno, node)
    for table in closed_codes().values():
        assert code_table(table)
    assert all(kind.title_zh and kind.title for kind in KINDS.values())


# ---- ids


def test_ids_fit_the_interface_and_come_back() -> None:
    for _ in range(100):
        id_ = uuid4()
        assert len(ids.to_wire(id_)) == 26
        assert ids.from_wire(ids.to_wire(id_)) == ids.from_wire(str(id_)) == id_
        assert ids.person_from_wire(ids.person_to_wire(id_.hex)) == id_.hex
    assert ids.person_to_wire("P-1") == ids.person_from_wire("P-1") == "P-1"
    for text in ("", "A" * 25, "1" * 26, "例" * 26, "7" * 26):
        try:
            assert isinstance(ids.from_wire(text), UUID)
        except ValueError:
            continue


# ---- how the child was born


MODES = [
    ({"oprn_oprt_code": "74.1x00", "matn_type": "1"}, DeliveryMode.CESAREAN),
    ({"diagnoses": ["O82.000"], "matn_type": "1"}, DeliveryMode.CESAREAN),
    ({"diagnoses": ["O99.000", "O84.200"]}, DeliveryMode.CESAREAN),
    ({"oprn_oprt_code": "72.7900"[:5], "matn_type": "1"}, DeliveryMode.ASSISTED),
    ({"diagnoses": ["O80.000"], "matn_type": "3"}, DeliveryMode.VAGINAL),
    ({"dscg_maindiag_code": "O81.400"}, DeliveryMode.ASSISTED),
    ({"matn_type": "3"}, DeliveryMode.CESAREAN),
    ({"matn_type": "1", "birctrl_type": "1"}, DeliveryMode.VAGINAL),
]  # fmt: skip


@pytest.mark.parametrize(("told", "mode"), MODES)
def test_codes_say_more_than_constants(told: dict[str, Any], mode: DeliveryMode) -> None:
    assert maternity.delivery_mode(told) is mode


@pytest.mark.parametrize(("told", "charged", "mode"), [
    ({"matn_type": "1"}, {DeliveryMode.CESAREAN, DeliveryMode.VAGINAL}, DeliveryMode.CESAREAN),
    ({"matn_type": "3"}, {DeliveryMode.VAGINAL}, DeliveryMode.VAGINAL),
    ({"diagnoses": ["O80.000"]}, {DeliveryMode.CESAREAN}, DeliveryMode.VAGINAL),
    ({"matn_type": "2"}, set(), DeliveryMode.ASSISTED),
])  # fmt: skip
def test_what_was_charged_says_more_than_a_constant_and_less_than_codes(
    told: dict[str, Any], charged: set[DeliveryMode], mode: DeliveryMode
) -> None:
    assert maternity.delivery_mode(told, charged) is mode


def test_where_nothing_says_how_the_desk_is_asked() -> None:
    with pytest.raises(Problem) as refused:
        maternity.delivery_mode({"matn_type": "4", "diagnoses": ["Z34.900", "not a code"]})
    assert refused.value.kind.number == 5011


def test_a_maternity_stay_may_end_in_a_loss() -> None:
    told = maternity.benefit_told
    assert told(Benefit.DELIVERY, {"diagnoses": ["O03.900"], "matn_type": "1"}) is Benefit.LOSS
    assert told(Benefit.DELIVERY, {"matn_type": "6"}) is Benefit.LOSS
    assert told(Benefit.DELIVERY, {"diagnoses": ["O80.000", "O03.900"]}) is Benefit.DELIVERY
    assert told(Benefit.PRENATAL, {"matn_type": "6"}) is Benefit.PRENATAL


@pytest.mark.parametrize(("day", "after"), [(1, False), (21, False), (22, True), (30, True)])
@pytest.mark.parametrize("ended", [True, False])
def test_what_comes_after_the_birth_is_told_by_its_day(day: int, after: bool, ended: bool) -> None:
    """Also of a visit before the birth that is told after it."""
    visit = date(2024, 3, day)
    period = Period(date(2023, 7, 1), date(2024, 3, 22) if ended else None)
    pregnancy = Pregnancy(
        "000001", uuid4(), "p", "H1", period, date(2024, 3, 21) if ended else None, 1,
        Ending.BIRTH if ended else None,
    )  # fmt: skip

    def claimed(benefit: Benefit) -> Any:
        bill = Cost(Money(1), Money(1), Money(0))
        stay = Stay("000001", uuid4(), "H1", "1", "p", pregnancy.pregnancy_id, StayState.OPEN, 1,
                    visit, None, 1, bill, benefit)  # fmt: skip
        outcome = maternity.outcome_told(stay, pregnancy, {}, visit)
        assert isinstance(outcome, Outcome)
        return outcome.claimed

    assert claimed(Benefit.PRENATAL).postnatal is (after and ended)
    when = "after_birth" if after and ended else "before_birth"
    assert claimed(Benefit.COMPLICATION).when == when


# ---- signatures

NOW = datetime.fromtimestamp(1_700_000_000, UTC)
CSB = {"_api_access_key": "AK_TEST", "_api_name": "1101", "_api_timestamp": "1700000000000",
       "_api_version": "1.0.0"}  # fmt: skip
TIF = {"x-tif-paasid": "AK_TEST", "x-tif-timestamp": "1700000000",
       "x-tif-nonce": "abcdef0123456789abcdef0123456789"}  # fmt: skip


def _profile(scheme: Scheme, secret: str, *networks: str) -> HisProfile:
    return HisProfile(
        "000001", "H1", scheme, "AK_TEST", secret, networks, False, -1, {}, frozenset(), {}
    )


def test_the_vectors_of_both_schemes() -> None:
    """Recomputed from captured headers; the keys are made up."""
    assert csb_signature("SK_TEST", CSB) == "995AkCqjI4nI2pfigaZ5nJpHxCg="
    assert x_tif_signature("test_secret", TIF["x-tif-timestamp"], TIF["x-tif-nonce"]) == (
        "2ab137638f8c31445724f6cef0da1cbf47b66739fdca4fec4072bec706d4aa7c"
    )


# The example of GB/T 32918.5: its key pair, message and signature.
SM2_PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
SM2_SIGNED = (
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


def test_the_vector_of_sm2() -> None:
    assert is_sm2_signature(SM2_PUBLIC, b"message digest", SM2_SIGNED)
    for public, text, signature in (
        (SM2_PUBLIC, b"message digests", SM2_SIGNED),
        (SM2_PUBLIC, b"message digest", SM2_SIGNED[:-1] + "b"),
        (SM2_PUBLIC, b"message digest", "0" * 128),
        (SM2_PUBLIC, b"message digest", "f" * 128),
        (SM2_PUBLIC, b"message digest", SM2_SIGNED[:-2]),
        ("1" * 128, b"message digest", SM2_SIGNED),
        ("0" * 128, b"message digest", SM2_SIGNED),
    ):
        assert not is_sm2_signature(public, text, signature)


def _call(scheme: Scheme, now: datetime) -> tuple[HisProfile, Signed]:
    """A good call of a scheme."""
    seconds = str(int(now.timestamp()))
    match scheme:
        case Scheme.CSB_MS | Scheme.CSB_S:
            at = seconds + ("000" if scheme is Scheme.CSB_MS else "")
            headers = CSB | {"_api_timestamp": at}
            headers["_api_signature"] = csb_signature("SK", headers)
        case Scheme.X_TIF:
            made = x_tif_signature("SK", seconds, TIF["x-tif-nonce"])
            headers = TIF | {"x-tif-timestamp": seconds, "x-tif-signature": made.upper()}
        case Scheme.SIGNED_BODY:
            at, nonce = seconds + "000", "n" * 16
            made = body_signature("SK", "/nhsa/2304", b"body", at, nonce)
            headers = {"x-his-key": "AK_TEST", "x-his-timestamp": at, "x-his-nonce": nonce,
                       "x-his-signature": made}  # fmt: skip
        case Scheme.SIGNED_BODY_SM2:
            at, nonce = seconds + "000", "n" * 16
            made = sm2_signature(SM2_PRIVATE, signed_text("/nhsa/2304", b"body", at, nonce))
            headers = {"x-his-key": "AK_TEST", "x-his-timestamp": at, "x-his-nonce": nonce,
                       "x-his-signature": made}  # fmt: skip
        case Scheme.PRIVATE_LINE:
            headers = {}
    secret = SM2_PUBLIC if scheme is Scheme.SIGNED_BODY_SM2 else "SK"
    networks = ("10.1.0.0/16",) if scheme is Scheme.PRIVATE_LINE else ()
    return _profile(scheme, secret, *networks), Signed(headers, "/nhsa/2304", b"body", "10.1.2.3")


MINUTES = dict.fromkeys(Scheme, 30) | {Scheme.SIGNED_BODY: 5, Scheme.SIGNED_BODY_SM2: 5}
"""How far a call's time may be from ours: as the provinces have it, and as ours has it."""


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_good_call_passes_within_its_schemes_window(scheme: Scheme) -> None:
    profile, call = _call(scheme, NOW)
    for away in (-MINUTES[scheme], 0, MINUTES[scheme]):
        verify(profile, call, NOW + timedelta(minutes=away))


@pytest.mark.parametrize("scheme", [s for s in Scheme if s is not Scheme.PRIVATE_LINE])
def test_a_call_that_is_not_signed_so_is_refused(scheme: Scheme) -> None:
    profile, call = _call(scheme, NOW)

    def number(headers: dict[str, str], now: datetime = NOW) -> int:
        with pytest.raises(Problem) as refused:
            verify(profile, Signed(headers, call.path, call.body, call.client), now)
        assert refused.value.kind.status == 401
        return refused.value.kind.number

    for name in call.headers:
        assert number({**call.headers, name: ""}) == 5001
        changed = number({**call.headers, name: call.headers[name] + "0"})
        assert changed in (5002, 5003, 5004), name
    for away in (-MINUTES[scheme] - 1, MINUTES[scheme] + 1):
        assert number(dict(call.headers), NOW + timedelta(minutes=away)) == 5002


@pytest.mark.parametrize("scheme", [Scheme.SIGNED_BODY, Scheme.SIGNED_BODY_SM2])
def test_our_own_schemes_cover_path_and_body(scheme: Scheme) -> None:
    profile, call = _call(scheme, NOW)
    for path, body in (("/nhsa/2305", b"body"), ("/nhsa/2304", b"other")):
        with pytest.raises(Problem) as refused:
            verify(profile, Signed(call.headers, path, body, ""), NOW)
        assert refused.value.kind.number == 5004


@pytest.mark.parametrize("client", ["10.2.0.1", "", "nowhere", "::1"])
def test_a_private_line_ends_in_its_networks(client: str) -> None:
    profile, _ = _call(Scheme.PRIVATE_LINE, NOW)
    with pytest.raises(Problem) as refused:
        verify(profile, Signed({}, "/", b"", client), NOW)
    assert refused.value.kind.number == 5003


def test_a_signature_that_begins_with_zeros_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gmalg.SM2, "sign", lambda self, text: (b"\x01", b"\x02" * 32))
    assert sm2_signature(SM2_PRIVATE, b"text") == "0" * 63 + "1" + "02" * 32
