"""Rules as data: what is not whole, or clashes, does not load."""

from __future__ import annotations

from datetime import date
from tomllib import TOMLDecodeError

import pytest
from pydantic import ValidationError

from services.audit.api.refusals import KINDS
from services.audit.domain.refusals import Refusal
from services.audit.domain.rule import RULES, compile_rules, read_rules

TEXT = (RULES / "duplicate-claim.1.toml").read_text(encoding="utf-8")
SOURCE = 'source = "decree-735"'


def test_the_rules_that_ship_compile() -> None:
    rules = read_rules().rules
    assert {"duplicate-claim", "male-delivery", "split-stay", "price-above-list"} <= {
        rule.id for rule in rules
    }
    assert len({rule.id for rule in rules}) == len(read_rules().newest().rules) == 39
    assert all({*rule.legal_basis[0].articles} <= {15, 38, 40} for rule in rules)


WRITTEN_OUT = """
document.zh = "医疗保障基金使用监督管理条例"
document.en = "Regulation on the Supervision and \
Administration of the Use of Medical Security Funds"
number.zh = "国务院令第735号"
number.en = "State Council Decree No. 735"
"""


def test_a_source_by_its_key_is_the_same_rule_as_written_out() -> None:
    """Judgements carry the hash of the rules: of one that is in force it stays what it was."""
    by_key, written = (compile_rules([text]) for text in (TEXT, TEXT.replace(SOURCE, WRITTEN_OUT)))
    assert by_key.rules == written.rules
    assert by_key.newest().version == written.newest().version == "ebad173bee1f4fa1"


@pytest.mark.parametrize("said", ['source = "decree-736"', "source = 735", SOURCE + WRITTEN_OUT])
def test_a_source_that_is_not_there_or_said_twice_does_not_load(said: str) -> None:
    with pytest.raises(ValidationError, match="decree-735"):
        compile_rules([TEXT.replace(SOURCE, said)])


def test_an_overlap_names_no_interval() -> None:
    text = (RULES / "overlapping-claim.1.toml").read_text(encoding="utf-8")
    assert compile_rules([text]).rules
    with pytest.raises(ValidationError, match="interval_days_max"):
        compile_rules([text.replace("{days}", "{days} {interval_days_max}")])


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ('grade = "violation"', 'grade = "grave"'),
        ("version = 1\n", ""),
        ('mode = "live"', 'mode = "asleep"'),
        ('mode = "live"\n', ""),
        ('stages = ["in", "after"]', "stages = []"),
        ('window = "pregnancy"', 'window = "year"'),
        ("valid_from = 2021-05-01", "valid_from = 2021-05-01\nvalid_until = 2021-05-01"),
        ('example_thresholds = ["interval_days_max"]', 'example_thresholds = ["interval"]'),
        ("version = 1", 'version = "1"'),
        ("version = 1", "version = 1.5"),
        ("interval_days_max = 30", "interval_days_max = -1"),
        ("interval_days_max = 30", "interval_days_max = 30\ninterval_days_min = 2"),
        ("interval_days_max = 30", ""),
        ("valid_from = 2021-05-01", 'valid_from = "2021-05-01"'),
        ("articles = [15, 38, 40]", "articles = []"),
        ('predicate = "duplicate-claim"', 'predicate = "twice"'),
        ("{rival_fund}", "{rival_found}"),
        ("{days}", "some"),
        ('family = "duplicate-claim"', 'family = "duplicate-claim"\nfamily = "x"'),
        ('en = "Delivery claimed twice"', ""),
    ],
)
def test_a_damaged_rule_does_not_load(said: str, instead: str) -> None:
    assert said in TEXT
    with pytest.raises((ValidationError, TOMLDecodeError)):
        compile_rules([TEXT.replace(said, instead)])


def test_a_new_version_takes_over_on_its_day() -> None:
    later = TEXT.replace("version = 1", "version = 2").replace("2021-05-01", "2027-01-01")
    book = compile_rules([later, TEXT])
    assert [r.version for r in book.in_force(date(2026, 12, 31)).rules] == [1]
    assert [r.version for r in book.in_force(date(2027, 1, 1)).rules] == [2]
    assert book.in_force(date(2021, 4, 30)).rules == ()
    versions = {book.in_force(on).version for on in (date(2021, 1, 1), date(2022, 1, 1))}
    assert len(versions | {book.in_force(date(2027, 1, 1)).version}) == 3
    first = book.find("duplicate-claim", 1)
    assert first is not None
    assert first.version == 1
    assert book.find("duplicate-claim", 3) is None


def test_two_rules_for_one_day_clash() -> None:
    with pytest.raises(ValueError, match="two versions"):
        compile_rules([TEXT, TEXT])
    with pytest.raises(ValueError, match="two versions"):
        compile_rules([TEXT, TEXT.replace("version = 1", "version = 2")])


def test_refusals_are_numbered_once_and_told_in_both_languages() -> None:
    assert len({r.number for r in Refusal}) == len({r.slug for r in Refusal}) == len(Refusal)
    for refusal in Refusal:
        kind = KINDS[refusal]
        assert 4001 <= kind.number < 5000
        assert kind.title
        assert kind.title_zh
        assert kind.status in (404, 409, 422)
