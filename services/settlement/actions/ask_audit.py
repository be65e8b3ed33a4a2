"""Ask audit of cases before they are claimed, for as long as a desk can wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog

from services.settlement.actions.scene import Scene
from services.settlement.domain.warning import Checked, CheckWarning, Grade
from shared.money import Money
from shared.plumbing.peer import Peer, PeerDown

log = structlog.get_logger()

BUDGET_MS = 200
"""All that a question may take, connecting included."""


async def ask_audit(
    audit: Peer | None,
    scene: Scene,
    stage: str,
    cases: Sequence[Mapping[str, Any]],
    rules: Sequence[str],
) -> Checked | None:
    """What audit's rules of a stage say of the cases; None where it gave no answer in time, which
    is no finding: what is claimed is judged when it is heard of. Asked outside any transaction."""
    body = {
        "stage": stage,
        "asked_for": {"pool_code": scene.pool_code, "institution_code": scene.institution_code},
        "cases": list(cases),
    } | ({"rules": list(rules)} if rules else {})
    try:
        if audit is None:
            raise PeerDown
        said = await audit.post("/audit/v1/checks:for-hospital", body, within_ms=BUDGET_MS)
        return Checked(UUID(said["check_id"]), list(_warnings(said["cases"])))
    except (PeerDown, KeyError, ValueError, TypeError) as error:
        why = type(error).__name__
        log.warning("audit was not heard before a claim", stage=stage, cases=len(cases), why=why)
        return None


def _warnings(cases: Any) -> list[CheckWarning]:
    return [
        CheckWarning(
            case_ref=case["case_ref"],
            rule=one["rule"],
            rule_version=one["rule_version"],
            grade=Grade(one["grade"]),
            title_zh=one["title_zh"],
            explanation_zh=one["explanation_zh"],
            at_risk=Money.from_wire(one["amount_at_risk"]),
            evidence=one["evidence"],
        )
        for case in cases
        for one in case["findings"]
    ]
