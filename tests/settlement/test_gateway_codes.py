"""Codes of the tables that the interface carries: closed where they are filled, empty where not."""

from __future__ import annotations

import pytest

from services.settlement.nhsa import maternity
from services.settlement.nhsa.reading import Input, read_input, read_value
from services.settlement.nhsa.tables import transactions


def _input(infno: str, given: dict[str, object]) -> Input:
    return read_input(given, transactions()[infno])


@pytest.mark.parametrize(
    ("infno", "node", "code", "good", "bad"),
    [("1101", "data", "mdtrt_cert_type", "02", "ID"), ("1101", "data", "psn_cert_type", "01", "ID"),
     ("2402", "dscginfo", "dscg_way", "1", "hom"), ("2203", "diseinfo", "vali_flag", "0", "yes"),
     ("2401", "mdtrtinfo", "latechb_flag", "1", "no")],
)  # fmt: skip
def test_a_code_of_a_table_that_is_carried_is_one_of_it(
    infno: str, node: str, code: str, good: str, bad: str
) -> None:
    """A number that lost its leading nought is still that code, and empty stays empty."""
    fields = transactions()[infno].nodes[node]
    for raw in (good, int(good)):
        assert read_value(fields[code], raw) == good
    for raw in (bad, "7x", 77):
        with pytest.raises(ValueError, match="code"):
            read_value(fields[code], raw)
    given = {"mdtrt_cert_type": "02", "psn_name": "x", "psn_cert_type": "null"}
    assert not _input("1101", {"data": given}).one("data").filled("psn_cert_type")


def test_a_diagnosis_that_is_not_valid_is_none() -> None:
    given = {
        "mdtrtinfo": {"mdtrt_id": "m", "psn_no": "p", "med_type": "51", "begntime": "2024-03-20"},
        "diseinfo": [
            {"diag_code": "O09.900", "vali_flag": 0, "maindiag_flag": 1},
            {"diag_code": "Z34.900", "vali_flag": "1"},
            {"diag_code": "Z36.900"},
        ],
    }
    read = _input("2203", given)
    told = maternity.facts_of(read.one("mdtrtinfo"), read.rows("diseinfo"))
    assert told["diagnoses"] == ["Z34.900", "Z36.900"]
