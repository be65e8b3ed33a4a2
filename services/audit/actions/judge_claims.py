"""Judge claims by the rules in force, and raise flags for what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.claim import Claim
from services.audit.domain.claimed_case import case_of
from services.audit.domain.finding import Finding, judge
from services.audit.domain.flag import Flag, FlagState, found_again, raise_flag
from services.audit.domain.library import Library
from services.audit.domain.month_end import asked_in_force
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import claims, findings, flags, month_ends, rule_records, snoozes
from services.audit.told.raised import flag_raised
from shared.ids import new_id
from shared.plumbing.clock import business_day
from shared.plumbing.database import Connection
from shared.plumbing.outbox import tell
from shared.plumbing.tracing import span, traceparent

_BILLS_IN_UNKNOWN_CODES = Counter(
    "audit_bills_in_unknown_codes",
    "claims judged on whose bill most items are of no group: what it lacks was not asked",
    ["pool"],
)


async def judge_claims(
    tx: Connection, new: Sequence[Claim], library: Library, causes: Mapping[UUID, str],
    at: datetime,
) -> None:  # fmt: skip
    """Judge newly recorded claims beside all claims of their persons, as they are now.

    The persons are locked by whoever recorded the claims. `causes` gives the event that told of
    each new claim; the finding on an older claim has the event of the claim that showed it.
    """
    if not new:
        return
    book = library.rules
    of_person: dict[tuple[str, str], list[Claim]] = {}
    for claim in await claims.of_persons(tx, new):
        of_person.setdefault((claim.pool_code, claim.person_ref), []).append(claim)
    new_ids = {claim.claim_id for claim in new}
    asked = {claim.claim_id: (claim, how) for claim in new if (how := asked_in_force(book, claim))}
    clustered = await month_ends.unrecorded(tx, asked)
    found: list[Finding] = []
    silent: dict[UUID, Sequence[str]] = {}
    for (pool_code, _), those in of_person.items():
        groups = book.groups.of_pool(pool_code)
        cases = {claim.claim_id: case_of(claim, groups) for claim in those if claim.is_live}
        for claim in those:
            if claim.claim_id in new_ids:
                if not groups.know([item.code for item in claim.items or ()]):
                    _BILLS_IN_UNKNOWN_CODES.labels(pool_code).inc()
                with span("rules", parent=traceparent(causes[claim.claim_id])):
                    judged = judge(claim, those, cases, book, clustered.get(claim.claim_id))
                found += judged.findings
                silent[claim.claim_id] = judged.silent
    judgements = [
        (claim, book.in_force(claim.settled_on).version, silent.get(claim.claim_id, ()))
        for claim in new
    ]
    await findings.record_judgements(tx, judgements, at)
    if found:
        fresh = await _muted(tx, await findings.unknown(tx, found), at)
        shadows = [finding for finding in fresh if finding.shadow]
        await findings.record_findings(tx, [(None, finding) for finding in shadows], at)
        await _raise_flags(tx, [f for f in fresh if not f.shadow], causes, library.time_limits, at)


async def _muted(tx: Connection, found: Sequence[Finding], at: datetime) -> list[Finding]:
    """The findings, those of a rule on trial, or quiet for their institution, in shadow."""
    places = {(finding.pool_code, finding.institution_code) for finding in found}
    if not places:
        return []
    quiet = await snoozes.muted(tx, places, business_day(at))
    trial = await rule_records.on_trial(tx, {pool for pool, _ in places})
    return [
        replace(
            f,
            shadow=f.shadow
            or (f.pool_code, f.institution_code, f.rule) in quiet
            or (f.pool_code, f.rule, f.rule_version) in trial,
        )
        for f in found
    ]


async def _raise_flags(
    tx: Connection, found: Sequence[Finding], causes: Mapping[UUID, str], time_limits: TimeLimits,
    at: datetime,
) -> None:  # fmt: skip
    if not found:
        return
    standing = {(f.claim_id, f.rule_family): f for f in await flags.lock_of_findings(tx, found)}
    changes: dict[tuple[UUID, str], Change] = {}
    raised = []
    under: list[tuple[UUID | None, Finding]] = []
    for finding in found:
        place = (finding.claim_id, finding.rule_family)
        cause = _cause(finding, causes)
        if place not in changes:
            changes[place] = _change(standing.get(place), finding, cause, at)
            if changes[place].before is None:
                raised.append(flag_raised(changes[place].after, finding, cause))
        under.append((changes[place].after.flag_id, finding))
    await record_changes(tx, list(changes.values()), time_limits, at)
    await findings.record_findings(tx, under, at)
    await tell(tx, raised)


def _change(flag: Flag | None, finding: Finding, cause: str, at: datetime) -> Change:
    if flag is None:
        new = raise_flag(new_id(), finding, at)
        return Change(None, new, "raised", AUDIT, finding.rule, cause, new.at_risk)
    after = found_again(flag)
    anew = flag.state is not after.state and after.state is FlagState.OPEN
    step = "reopened" if anew else "finding-added"
    return Change(flag, after, step, AUDIT, "new-finding", cause)


def _cause(finding: Finding, causes: Mapping[UUID, str]) -> str:
    """The event that told of the claim, or else of the other claim that showed it."""
    if finding.claim_id in causes or finding.rival_id is None:
        return causes[finding.claim_id]
    return causes[finding.rival_id]
