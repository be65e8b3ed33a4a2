"""Every step kind, label and refusal has its words in both languages, and they can be filled."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from services.settlement.api.explanation import explain, words
from services.settlement.domain.case import Case
from services.settlement.domain.refusals import Refusal
from services.settlement.domain.steps import Step, StepKind
from shared.policy.book import Book
from shared.policy.speech import LANGUAGES, Language
from tests.policy.cases import KIZILSU, NANJING, TODAY, case, priced, yuan


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_step_and_refusal_has_words(language: Language) -> None:
    assert set(words(language)["steps"]) == {kind.value for kind in StepKind}
    assert set(words(language)["refusals"]) == {refusal.slug for refusal in Refusal}


def test_both_languages_say_the_same_things() -> None:
    zh, en = words("zh"), words("en")
    assert {section: set(keys) for section, keys in zh.items()} == {
        section: set(keys) for section, keys in en.items()
    }

    def names(template: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(template) if name}

    for kind in StepKind:
        assert names(zh["steps"][kind.value]) == names(en["steps"][kind.value]), kind


def test_refusals_are_numbered_once() -> None:
    numbers = [refusal.number for refusal in Refusal]
    assert len(set(numbers)) == len(numbers)
    assert len({refusal.slug for refusal in Refusal}) == len(numbers)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "of",
    [
        case(NANJING, TODAY, account_available=yuan("50.00")),
        case(NANJING, TODAY, "3000.00"),
        case(KIZILSU, TODAY, "3000.00"),
        case(KIZILSU, TODAY, None),
    ],
)
def test_stored_steps_explain_themselves(book: Book, of: Case, language: Language) -> None:
    stored = [step.to_stored() for step in priced(of, book).steps]
    sentences = explain((Step.from_stored(each) for each in stored), language)
    assert len(sentences) == len(stored)
    for sentence, each in zip(sentences, stored, strict=True):
        assert each["article"] in sentence
        assert not re.search(r"[{}]|None", sentence)


def test_a_quota_reads_well(book: Book) -> None:
    steps = [
        step
        for step in priced(case(NANJING, TODAY), book).steps
        if step.kind in (StepKind.QUOTA, StepKind.QUOTA_LESS_SHARE)
    ]
    assert [sentence.split("（")[0] for sentence in explain(steps, "zh")] == [
        "3 级医院剖宫产的病种定额为 4900.00 元。",
        "定额含个人分担部分，减去 425.00 元后，基金应付 4475.00 元。",
    ]
    assert [sentence.split(" [")[0] for sentence in explain(steps, "en")] == [
        "The quota for caesarean section at a level 3 hospital is 4900.00 yuan.",
        "The quota includes the member's share of 425.00 yuan, which leaves 4475.00 yuan for"
        " the fund.",
    ]
