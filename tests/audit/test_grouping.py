"""Adjacent groups, against what the source of their lists answered on 31 obstetric records."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from services.audit.domain.grouping import (
    GROUPINGS,
    Adrg,
    Ungrouped,
    Why,
    episiotomy_moves,
    group,
    read_groupings,
)

RECORDS: dict[str, dict[str, Any]] = {
    record["id"]: record
    for record in tomllib.loads(
        Path(__file__).with_name("obstetric_records.toml").read_text(encoding="utf-8")
    )["record"]
}
VERSIONS = read_groupings()
ANSWERS = [(name, version) for name, record in RECORDS.items() for version in record["groups"]]
SURGICAL = {"chs_drg_11", "wlmq_2022", "xjbt_2022", "beijing_2022", "suzhou_2023", "qingdao_2023"}
NEEDS_A_MISSING_LIST = {
    *(("ectopic_surgery", version) for version in VERSIONS),  # OE1's procedures
    *(("vag_breech", version) for version in SURGICAL),  # whether any surgical list has 72.5200x001
}


def answered(name: str, version: str) -> Adrg | Ungrouped:
    """Our answer on a record."""
    record = RECORDS[name]
    return group(VERSIONS[version], record["principal"], record["secondary"], record["procedures"])


@pytest.mark.parametrize(("name", "version"), sorted({*ANSWERS} - NEEDS_A_MISSING_LIST))
def test_a_record_is_grouped_as_by_the_source(name: str, version: str) -> None:
    said, meant = answered(name, version), RECORDS[name]["groups"][version]
    if meant:
        assert said == Adrg(meant)
    else:
        assert isinstance(said, Ungrouped)
        assert said.why in (Why.OUTSIDE, Why.IN_NO_LIST)


@pytest.mark.parametrize(("name", "version"), sorted(NEEDS_A_MISSING_LIST))
def test_what_a_missing_list_would_say_is_not_guessed(name: str, version: str) -> None:
    assert answered(name, version) == Ungrouped(Why.LIST_NOT_AVAILABLE, "OD1")


def test_all_records_are_tried() -> None:
    assert (len(RECORDS), len(ANSWERS), len(NEEDS_A_MISSING_LIST)) == (31, 217, 13)
    assert len({id(version) for version in VERSIONS.values()}) == 3


def test_the_lists_have_the_sizes_that_were_published() -> None:
    sizes = {g.adrg: len(g.procedures) for g in VERSIONS["chs_drg_11"].group if g.procedures}
    assert sizes == {"OB1": 8, "OC1": 28, "OF1": 9, "OF2": 11}


def test_the_first_group_that_fits_wins() -> None:
    """Of the two lists that hold it, the first is a birth's; only the main procedure counts."""
    newest = VERSIONS["chs_drg_11"]
    assert group(newest, "O04.900x001", [], ["73.8x00x003"]) == Adrg("OC1")
    assert group(newest, "O82.000", [], ["74.1x01", "73.6x01"]) == Adrg("OB1")
    assert group(newest, "O82.000", [], ["73.6x01", "74.1x01"]) == Adrg("OC1")


def test_what_is_of_no_group_says_why() -> None:
    newest = VERSIONS["chs_drg_11"]
    assert group(newest, "J18.900", [], []) == Ungrouped(Why.OUTSIDE)
    assert group(newest, "O73.100", [], []) == Ungrouped(Why.LIST_NOT_AVAILABLE, "OS1")
    assert group(newest, "O80.000", [], ["73.4x00x004"]) == Ungrouped(Why.LIST_NOT_AVAILABLE, "OD1")


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_an_episiotomy_moves_a_plain_birth_up(version: str) -> None:
    by_outcome = VERSIONS[version].id == "chs_drg_11"
    principal, secondary = ("Z37.000", "O80.000") if by_outcome else ("O80.000", "Z37.000")
    moved = episiotomy_moves(VERSIONS[version], principal, [secondary], ["73.6x01"])
    assert moved == ("OR1", "OC1")
    assert episiotomy_moves(VERSIONS[version], principal, [secondary], []) is None
    both = ["72.0x00", "73.6x01"]
    assert episiotomy_moves(VERSIONS[version], principal, [secondary], both) is None


def test_a_version_is_whole_and_its_name_is_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "groupings"
    shutil.copytree(GROUPINGS, folder)
    file = folder / "xjbt_2022.toml"
    text = file.read_text(encoding="utf-8")
    for fault, message in (
        (text.replace('id = "xjbt_2022"', 'id = "chs_drg_10"'), "two groupings"),
        (text.replace('procedures_of = "chs_drg_11"', 'procedures_of = "none"'), "no version"),
        (text.replace('grade = "C"\n', ""), "grade"),
    ):
        assert fault != text
        file.write_text(fault, encoding="utf-8")
        read_groupings.cache_clear()
        with pytest.raises(ValueError, match=message):
            read_groupings(folder)
