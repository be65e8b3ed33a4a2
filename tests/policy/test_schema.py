"""The schema for editors is fresh, takes every shipped file, and refuses what it can."""

from __future__ import annotations

import datetime
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.policy.compiler import BUILT_IN, SHEET
from shared.policy.schema import FORMS, Form, schema_text
from tests.policy.drafts import FIRST, run
from tests.policy.drafts import SHEET as PAGE
from tests.support.source import ROOT

FILES = sorted(BUILT_IN.glob("*/*.toml"))


def as_an_editor_reads(text: str) -> Any:
    """TOML for a JSON Schema: a day is a string."""
    return json.loads(json.dumps(tomllib.loads(text), default=datetime.date.isoformat))


def faults(form: Form, text: str) -> list[str]:
    validator = Draft202012Validator(json.loads(schema_text(form)))
    return [fault.message for fault in validator.iter_errors(as_an_editor_reads(text))]


@pytest.mark.parametrize("form", FORMS)
def test_the_file_is_fresh(form: Form) -> None:
    on_file = (ROOT / "docs" / "policy-schema" / f"{form}.json").read_text(encoding="utf-8")
    remedy = f"run python -m shared.policy schema {form} > docs/policy-schema/{form}.json"
    assert on_file == schema_text(form), remedy


def test_the_command_prints_it() -> None:
    assert run("schema", "pool").output == schema_text("pool")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_takes_every_shipped_file(path: Path) -> None:
    form: Form = "pool" if path.name == SHEET else "document"
    assert not faults(form, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"4200.00"', '"4200.0"'),
        ('"4200.00"', "4200.00"),
        ('"4200.00"', '"-4200.00"'),
        ("medical = 0.08", "medical = 8.0"),
        ("medical = 0.08", 'medical = "0.08"'),
        ('method = "cap"', 'method = "capped"'),
        ("sets.waiting", "sets.wating"),
        ("months = 10", "months = 10, moths = 1"),
        ('article = "四"\n', ""),
        ('"flexible"', '"farmer"'),
        ('pool = "990000"', 'pool = "99"'),
        ("checked_on = 2026-11-21\n", ""),
    ],
)
def test_it_refuses_what_it_can(was: str, now: str) -> None:
    assert not faults("document", FIRST)
    assert was in FIRST
    assert faults("document", FIRST.replace(was, now, 1))


def test_it_refuses_a_page_without_a_first_day() -> None:
    assert not faults("pool", PAGE)
    assert faults("pool", PAGE.replace("first_date", "first_day"))
