"""Pages made from the code are what the code says today; numbers of refusals are never doubled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from deploy.documents import DOCS, PAGES
from services.audit.api.refusals import KINDS as AUDIT
from services.enrollment.api.refusals import KINDS as ENROLLMENT
from services.settlement.api.refusals import KINDS as SETTLEMENT
from services.settlement.nhsa.refusals import KINDS as GATEWAY
from shared.plumbing.problems import PLUMBING_KINDS, Kind


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_fresh(name: str) -> None:
    on_file = (DOCS / name).read_text(encoding="utf-8")
    assert on_file == PAGES[name](), "run python -m deploy.documents"


def test_no_two_refusals_share_a_number() -> None:
    kinds = [
        *PLUMBING_KINDS,
        *SETTLEMENT.values(),
        *GATEWAY.values(),
        *ENROLLMENT.values(),
        *AUDIT.values(),
    ]
    numbers = [kind.number for kind in kinds]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("listed", [SETTLEMENT, ENROLLMENT, AUDIT, GATEWAY])
def test_a_list_of_refusals_is_in_the_order_of_its_numbers(listed: Mapping[Any, Kind]) -> None:
    """So that the next free number is seen."""
    numbers = [kind.number for kind in listed.values()]
    assert numbers == sorted(numbers)
