"""What an agency sets in a folder holds from the next start, or refuses it with file and line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.audit.domain.case import Case
from services.audit.domain.flag import FlagState
from services.audit.domain.item_group import SHIPPED_GROUPS, ItemGroup, read_groups
from services.audit.domain.library import BadLibrary, read_library
from services.audit.domain.rule import RULES, Mode, as_book, compile_rules, read_rules
from services.audit.domain.time_limits import SHIPPED_TIME_LIMITS
from services.audit.domain.work_day import after_work_days
from services.audit.heard.claim import claim_handler
from services.audit.main import create_app
from shared.plumbing.clock import business_day
from shared.plumbing.inbox import Inbox
from shared.plumbing.settings import Settings, read_settings
from tests.audit.conftest import CONSUMER, Audit, FixedClock
from tests.audit.events import NOW, POOL
from tests.audit.test_clinical_facts import as_event, golden
from tests.audit.test_predicates import a_case, an_item

AWAKE = "caesarean-without-anaesthesia"
NATIONAL = {
    "bed": '[bed]\nprefixes = ["0011020000"]\n',
    "anaesthesia": '[anaesthesia]\nprefixes = ["00330100"]\n',
    "surgery": '[surgery]\nprefixes = ["00331400"]\n',
}
RULE = (RULES / f"{AWAKE}.1.toml").read_text(encoding="utf-8")
OWN = RULE.replace("version = 1", "version = 1000")
ONE_LIMIT = '[open]\nwork_days = 1\nlabel = "example"\nnote = "x"'
TIME_LIMITS = "\n".join(
    f'[{state}]\nwork_days = 3\nlabel = "operational"\nnote = "x"' for state in SHIPPED_TIME_LIMITS
)


def groups(**own: str) -> str:
    """A file of groups: those given, the others empty."""
    return "\n".join(own.get(name, f"[{name}]\n") for name in SHIPPED_GROUPS.of_all.by_name)


def folder(at: Path, **files: str) -> Path:
    """A folder with files; in their names a double underscore is a slash."""
    for name, text in files.items():
        path = at / f"{name.replace('__', '/').replace('--', '-')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return at


def test_without_a_folder_it_is_what_ships(tmp_path: Path) -> None:
    shipped, empty = read_library(), read_library(tmp_path)
    assert shipped == empty
    assert shipped.rules == read_rules()
    assert (shipped.rules.groups, shipped.time_limits) == (SHIPPED_GROUPS, SHIPPED_TIME_LIMITS)


def test_groups_are_those_of_the_folder_and_each_pool_may_have_its_own(tmp_path: Path) -> None:
    bed, anaesthesia = NATIONAL["bed"], NATIONAL["anaesthesia"]
    read = read_library(
        folder(
            tmp_path, item_groups=groups(bed=bed),
            **{"653000__item_groups": groups(anaesthesia=anaesthesia)},
        )
    ).rules.groups  # fmt: skip
    assert read.of_pool("320100").of("001102000010000") == ("bed",)
    assert read.of_pool("320100").of("bed-day") == ()
    assert read.of_pool("653000").of("001102000010000") == ()
    assert read.of_pool("653000").of("003301000150000") == ("anaesthesia",)


def test_a_new_version_of_a_rule_holds_from_its_day_and_the_shipped_one_before(
    tmp_path: Path,
) -> None:
    own = (
        OWN.replace("version = 1000", "version = 1001")
        .replace("2021-05-01", "2027-01-01")
        .replace('mode = "live"', 'mode = "shadow"')
    )
    rules = read_library(folder(tmp_path, rules__mine=own)).rules
    assert len(rules.rules) == len(read_rules().rules) + 1
    modes = {
        year: {rule.id: rule.mode for rule in rules.in_force(date(year, 1, 1)).rules}[AWAKE]
        for year in (2026, 2027)
    }
    assert modes == {2026: Mode.LIVE, 2027: Mode.SHADOW}
    assert rules.find(AWAKE, 1).mode is Mode.LIVE


def test_time_limits_are_those_of_the_folder(tmp_path: Path) -> None:
    assert read_library(folder(tmp_path, clocks=TIME_LIMITS)).time_limits[FlagState.OPEN] == 3


def test_a_rule_may_speak_of_a_group_that_the_folder_adds(tmp_path: Path) -> None:
    own = OWN.replace(AWAKE, "own-rule").replace('"surgery"]', '"acupuncture"]')
    added = groups() + '\n[acupuncture]\nprefixes = ["00430000"]\n'
    assert read_library(folder(tmp_path, item_groups=added, rules__own=own)).rules.find(
        "own-rule", 1000
    )
    with pytest.raises(BadLibrary, match=r"item_groups.toml:1: .*acupuncture"):
        read_library(folder(tmp_path, **{"653000__item_groups": groups()}))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("item_groups", "[bed]\n", "item_groups.toml:1: groups are missing"),
        ("item_groups", groups(bed='[bed]\ncode = ["x"]\n'), "item_groups.toml:2: code: "),
        ("item_groups", groups(bed="[bed]\ncodes = 7\n"), "item_groups.toml:2: codes: "),
        ("item_groups", "[bed]\ncodes = [\n[ward]\n", "item_groups.toml:3: "),
        ("clocks", ONE_LIMIT, "clocks.toml:1: a time limit for each step"),
        ("clocks", TIME_LIMITS.replace("= 3", "= 0", 1), "clocks.toml:2: work_days: "),
        ("clocks", "[asleep]\n", "clocks.toml:1: "),
        ("rules__x", RULE, "rules/x.toml:1: own versions are numbered from 1000 on"),
        ("rules__x__y", OWN, "rules/x:1: a rule is a file that ends in .toml"),
        ("653000__clocks", TIME_LIMITS, "653000/clocks.toml:1: a pool sets item_groups.toml alone"),
        ("item_groups", groups(bed='[bed]\nprefixes = [""]\n'), "item_groups.toml:2: "),
        (
            "rules__x",
            OWN.replace("all_of = true", "all_off = true"),
            f"rules/x.toml:{RULE[: RULE.index('all_of')].count(chr(10)) + 1}: all_off: ",
        ),
        (
            "rules__x",
            OWN.replace('"surgery"]', '"surgeries"]'),
            f"rules/x.toml:{RULE[: RULE.index('groups = [')].count(chr(10)) + 1}: ",
        ),
        ("rule", RULE, "rule.toml:1: not one of"),
    ],
)  # fmt: skip
def test_a_bad_file_refuses_the_start_with_file_and_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    set_so = Settings.model_construct(library=folder(tmp_path, **{name: text}))
    with pytest.raises(BadLibrary) as refused:
        create_app(set_so)
    assert f"{tmp_path}/{said}" in str(refused.value)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "item_groups.toml"
    path.write_text(groups() + "# 床位\n", encoding="gbk")
    with pytest.raises(BadLibrary, match=r"item_groups.toml:1: not written in UTF-8"):
        read_library(tmp_path)


def test_two_of_an_agencys_own_versions_do_not_begin_on_one_day(tmp_path: Path) -> None:
    second = OWN.replace("version = 1000", "version = 1001")
    with pytest.raises(BadLibrary, match=rf"rules/.*:1: two versions of {AWAKE}"):
        read_library(folder(tmp_path, rules__a=OWN, rules__b=second))


def test_an_agencys_version_stands_above_one_that_ships_later(tmp_path: Path) -> None:
    own = compile_rules([OWN.replace("2021-05-01", "2027-01-01")]).rules
    later = RULE.replace("version = 1", "version = 2").replace("2021-05-01", "2028-01-01")
    book = as_book([*own, *compile_rules([RULE, later]).rules], SHIPPED_GROUPS)
    found = [book.in_force(date(year, 6, 1)).rules[0].version for year in (2026, 2027, 2028)]
    assert found == [1, 1000, 1000]


def test_a_folder_that_is_not_there_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadLibrary, match="no such folder"):
        read_library(tmp_path / "none")


@pytest.mark.parametrize(("named", "library"), [("", None), ("/etc/audit", Path("/etc/audit"))])
def test_the_folder_is_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, named: str, library: Path | None
) -> None:
    for name in ("OWNER_DSN", "SERVICE_DSN", "GROUP_DSN", "SIGNING_KEY", "FIELD_KEY"):
        monkeypatch.setenv(f"AUDIT_{name}", "x")
    monkeypatch.setenv("AUDIT_ANCHOR_FILE", "/tmp/anchors")  # noqa: S108 - never opened
    monkeypatch.setenv("AUDIT_LIBRARY", named)
    assert read_settings("audit").library == library


def test_a_group_may_be_left_empty() -> None:
    assert ItemGroup().is_empty
    assert not ItemGroup(codes=["x"]).is_empty


def _awake(case: Case, **own: str) -> int | None:
    """What the rule says of a cesarean read by groups of its own: hits, None for silence."""
    read = read_groups(groups(**own), SHIPPED_GROUPS.of_all.by_name)
    items = case.items or ()
    told = replace(case, items=read.marked(items), billed=read.billed(items, whole=True))
    answer = read_rules().find(AWAKE, 1).parameters.hits(told, [])
    return None if answer is None else len(answer)


def test_what_a_bill_in_foreign_codes_lacks_nobody_says() -> None:
    """Red when a group without items of a foreign bill counts as not billed: every cesarean of a
    catalogue that the groups do not know was flagged, and priced anew as a plain birth."""
    bill = [an_item(code) for code in ("001102000010000", "003314000120000", "X0123", "C0456")]
    case = a_case(*bill, mode="cesarean")
    assert _awake(case) is None
    assert _awake(case, **NATIONAL) == 1
    # The operation is there, two of four items are known; of the anaesthesia no code is.
    assert _awake(case, bed=NATIONAL["bed"], surgery=NATIONAL["surgery"]) is None
    whole = a_case(*bill, an_item("003301000150000"), mode="cesarean")
    assert _awake(whole, **NATIONAL) == 0
    # One known item of four: the others may be what is missing.
    assert _awake(case, anaesthesia=NATIONAL["anaesthesia"], bed=NATIONAL["bed"]) is None


def _foreign_cesarean() -> dict[str, Any]:
    """A cesarean billed in national codes, without its anaesthesia."""
    told = golden(3)
    codes = ("001102000010000", "003314000120000", "X01AB", "C0456")
    items = [told["items"][0] | {"code": code} for code in codes]
    return told | {"mode": "cesarean", "items": items, "procedures": ["74.1x01"]}


async def test_bills_in_foreign_codes_raise_no_flag_and_are_counted(audit: Audit) -> None:
    told = _foreign_cesarean()
    before = _counted()
    await audit.hear(as_event(told))
    assert "caesarean-unproven" not in {flag["rule_family"] for flag in await audit.flags()}
    shown = (await audit.client("r1").get(f"/claims/{told['claim_id']}")).json()
    assert AWAKE in shown["judgements"][0]["silent"]
    assert _counted() - before == 1


async def test_an_agencys_codes_are_read_by_what_hears_and_by_what_prices(
    audit: Audit, tmp_path: Path
) -> None:
    """The same bill, the codes of its pool set: the flag is there, in the days that are set."""
    library = read_library(
        folder(tmp_path, clocks=TIME_LIMITS, **{f"{POOL}__item_groups": groups(**NATIONAL)})
    )
    handler = claim_handler(FixedClock(), library)
    heard = replace(audit, inbox=Inbox(CONSUMER, audit.pool, audit.source, handler, FixedClock()))
    before = _counted()
    await heard.hear(as_event(_foreign_cesarean()))
    [flag] = [f for f in await audit.flags() if f["rule_family"] == "caesarean-unproven"]
    assert flag["due_on"] == after_work_days(business_day(NOW), 3).isoformat()
    assert _counted() == before


def _counted() -> float:
    return REGISTRY.get_sample_value("audit_bills_in_unknown_codes_total", {"pool": POOL}) or 0.0
