"""A rule that found something and is no longer among ours, taken away by the agency or not yet in
an older release: its flags stay, and tell so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.plumbing.auth import Caller
from tests.audit.conftest import Audit
from tests.audit.events import NOW, OTHER_HOSPITAL, POOL, Telling


@pytest.fixture
async def flag_id(audit: Audit) -> str:
    """A flag whose finding is of a version that there is not."""
    first = Telling(settled_at=NOW - timedelta(days=5))
    second = Telling(hospital=OTHER_HOSPITAL, settled_at=NOW)
    await audit.hear(first.settled(), second.settled())
    (flag,) = await audit.flags()
    await audit.owner.execute("update finding set rule_version = 1000")
    return str(flag["flag_id"])


async def test_a_reviewer_reads_the_flag_and_which_rule_is_gone(audit: Audit, flag_id: str) -> None:
    (finding,) = (await audit.flag(flag_id))["findings"]
    for told in (finding["title"], finding["explanation"]):
        assert "duplicate-claim, version 1000, is no longer" in told
    assert "duplicate-claim 第 1000 版" in finding["explanation_zh"]
    assert finding["evidence"]


async def test_its_hospital_is_heard_all_the_same(audit: Audit, flag_id: str) -> None:
    await audit.first(flag_id)
    own = audit.as_caller(Caller("his", "hospital", POOL, OTHER_HOSPITAL))
    (ground,) = (await own.get(f"/flags/{flag_id}/notice")).json()["grounds"]
    assert "version 1000, is no longer" in ground["title"]
    assert ground["legal_basis"] == ""
