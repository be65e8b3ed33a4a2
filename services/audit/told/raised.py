"""A flag was raised."""

from __future__ import annotations

from services.audit.domain.finding import Finding
from services.audit.domain.flag import Flag
from services.audit.domain.series import SeriesFinding
from services.audit.told.envelope import envelope
from shared.contracts.flag import FlagRaised
from shared.plumbing.clock import to_wire
from shared.plumbing.outbox import Told


def flag_raised(flag: Flag, finding: Finding, causation_id: str) -> Told:
    """The event of a new flag, with the finding that raised it."""
    event = FlagRaised(
        flag_id=str(flag.flag_id),
        claim_id=str(finding.claim_id),
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        rule_family=finding.rule_family,
        rule=finding.rule,
        rule_version=finding.rule_version,
        grade=flag.grade.value,
        amount_at_risk=flag.at_risk.to_wire(),
        raised_at=to_wire(flag.raised_at),
    )
    return envelope(flag, event, flag.raised_at, causation_id)


def pick_raised(flag: Flag, causation_id: str) -> Told:
    """The event of a new flag on a claim that no rule met."""
    event = FlagRaised(
        flag_id=str(flag.flag_id),
        claim_id=str(flag.claim_id),
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        rule_family=flag.rule_family,
        rule=None,
        rule_version=None,
        grade=flag.grade.value,
        amount_at_risk=flag.at_risk.to_wire(),
        raised_at=to_wire(flag.raised_at),
    )
    return envelope(flag, event, flag.raised_at, causation_id)


def series_flag_raised(flag: Flag, finding: SeriesFinding, causation_id: str) -> Told:
    """The event of a new flag on an institution's channel."""
    event = FlagRaised(
        flag_id=str(flag.flag_id),
        claim_id=None,
        channel=finding.channel,
        month=finding.month,
        pool_code=flag.pool_code,
        institution_code=flag.institution_code,
        rule_family=None,
        rule=None,
        rule_version=None,
        grade=flag.grade.value,
        amount_at_risk=flag.at_risk.to_wire(),
        raised_at=to_wire(flag.raised_at),
    )
    return envelope(flag, event, flag.raised_at, causation_id)
