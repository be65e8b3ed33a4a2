"""A flag: what it stands on, where it stands, and what becomes of it without people.

It stands on one claim (findings of one rule family) or on one channel of an institution's months.
A deduction that was decided is settlement's to take: until it answers it is pending, and one that
it refuses opens the flag again. Where a flag loses its ground (its claim, or every claim that it
was held against, is reversed) it closes if people had not decided, or opens again if they had
decided on money; a dismissal stands. The steps of people are in `review`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from services.audit.domain.finding import Finding
from services.audit.domain.rule import Grade
from shared.money import NOTHING, Money


class FlagState(StrEnum):
    """What was done last; a closed flag has lost its ground, and only a new finding opens it.

    After `open` waits the first review (初审), after `notified` the institution's statement
    (机构反馈/申诉), after `first_reviewed` the second review (复审), `investigating` is 调查核实,
    after `second_reviewed` waits a disposal (处理), after `proposed` its approval.
    """

    OPEN = "open"
    NOTIFIED = "notified"
    FIRST_REVIEWED = "first_reviewed"
    INVESTIGATING = "investigating"
    SECOND_REVIEWED = "second_reviewed"
    PROPOSED = "proposed"
    DECIDED = "decided"
    CLOSED = "closed"


IN_REVIEW = frozenset(FlagState) - {FlagState.DECIDED, FlagState.CLOSED}
"""The states in which a flag waits for somebody."""


class Hearing(StrEnum):
    """Whether the institution could state its case, and did."""

    NONE = "none"
    WAITING = "waiting"
    STATED = "stated"
    SILENT = "silent"


class Outcome(StrEnum):
    """What is done: deduct from the next run, recover what was paid, uphold without money (only
    where the flag stands on a channel), or dismiss."""

    DEDUCT = "deduct"
    RECOVER = "recover"
    UPHOLD = "uphold"
    DISMISS = "dismiss"


COSTS = frozenset({Outcome.DEDUCT, Outcome.RECOVER})
"""The outcomes that take money back."""


class Deduction(StrEnum):
    """What became of a decided amount; one being released is given up by a later decision."""

    NONE = "none"
    PENDING = "pending"
    TAKEN = "taken"
    REFUSED = "refused"
    RELEASING = "releasing"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class OnClaim:
    """A flag stands on a claim, by the rules of one family."""

    claim_id: UUID
    rule_family: str


@dataclass(frozen=True, slots=True)
class OnSeries:
    """A flag stands on a channel of an institution, since a month (`YYYY-MM`)."""

    channel: str
    month: str


@dataclass(frozen=True, slots=True)
class LineAmount:
    """What of a decided amount is one fee line's."""

    line_number: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody proposes; a second person decides. `lines` add up to the amount, or are none
    where it is the whole claim's."""

    outcome: Outcome
    amount: Money
    by: str
    reason_code: str
    lines: tuple[LineAmount, ...] = ()


class Answer(StrEnum):
    """What settlement did with a decided amount."""

    TAKEN = "taken"
    REFUSED = "refused"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class DeductionAnswer:
    """What settlement says of a decided amount; a `reason` only where it refuses."""

    pool_code: str
    claim_id: UUID
    flag_id: UUID
    decision: int
    amount: Money
    said: Answer
    reason: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a flag, until when."""

    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Flag:
    """Findings for people to decide.

    `told` counts the events told of the flag, `decision` its decisions, `version` its changes,
    `round` how often its institution was asked for a statement. `first_by` and `second_by` are
    who reviewed it in this round, `deducted` is what settlement has taken for it, `due_on` the
    last day of its step. `score` is the probability that it proves right, where one is known.
    """

    pool_code: str
    flag_id: UUID
    institution_code: str
    subject: OnClaim | OnSeries
    grade: Grade
    at_risk: Money
    state: FlagState
    first_by: str | None
    second_by: str | None
    hearing: Hearing
    round: int
    proposal: Proposal | None
    decision: int
    deduction: Deduction
    deducted: Money
    told: int
    version: int
    raised_at: datetime
    due_on: date | None
    score: Decimal | None = None
    lease: Lease | None = None

    @property
    def claim_id(self) -> UUID | None:
        """The claim that the flag stands on, if it does."""
        return self.subject.claim_id if isinstance(self.subject, OnClaim) else None

    @property
    def rule_family(self) -> str | None:
        """The family whose rules raised it, if it stands on a claim."""
        return self.subject.rule_family if isinstance(self.subject, OnClaim) else None

    @property
    def in_review(self) -> bool:
        """Whether it waits for somebody."""
        return self.state in IN_REVIEW

    @property
    def shown_to_institution(self) -> bool:
        """Whether its institution was told of it: asked for a statement, or decided upon."""
        return self.round > 0 or self.state is FlagState.DECIDED

    def held_against(self, by: str, at: datetime) -> bool:
        """Whether somebody else works on it at an instant."""
        return self.lease is not None and self.lease.by != by and self.lease.until > at


def raise_flag(flag_id: UUID, finding: Finding, at: datetime) -> Flag:
    """A new flag on a claim, with its first finding."""
    subject = OnClaim(finding.claim_id, finding.rule_family)
    return new_flag(
        flag_id, finding.pool_code, finding.institution_code, subject, finding.grade,
        finding.at_risk, at,
    )  # fmt: skip


def new_flag(
    flag_id: UUID, pool_code: str, institution_code: str, subject: OnClaim | OnSeries,
    grade: Grade, at_risk: Money, at: datetime,
) -> Flag:  # fmt: skip
    """A flag that nobody has looked at."""
    return Flag(
        pool_code=pool_code,
        flag_id=flag_id,
        institution_code=institution_code,
        subject=subject,
        grade=grade,
        at_risk=at_risk,
        state=FlagState.OPEN,
        first_by=None,
        second_by=None,
        hearing=Hearing.NONE,
        round=0,
        proposal=None,
        decision=0,
        deduction=Deduction.NONE,
        deducted=NOTHING,
        told=1,
        version=1,
        raised_at=at,
        due_on=None,
    )


def answer(flag: Flag, said: DeductionAnswer) -> Flag:
    """Settlement took the amount of a decision, could not, or gave an earlier one back.

    A refusal opens the flag again. What was taken comes back when the claim is reversed before it
    was paid, or when a later decision dismisses the flag. The flag itself where that is no news:
    the answer of another decision changes nothing.
    """
    if flag.deduction is Deduction.RELEASING:
        if said.said is Answer.TAKEN:
            return flag
        return _changed(replace(flag, deduction=Deduction.RELEASED, deducted=NOTHING))
    lost = flag.deduction is Deduction.TAKEN and said.said is Answer.REFUSED
    awaited = flag.deduction is Deduction.PENDING and said.said is not Answer.RELEASED
    if flag.decision != said.decision or not (awaited or lost):
        return flag
    if said.said is Answer.TAKEN:
        return _changed(replace(flag, deduction=Deduction.TAKEN, deducted=said.amount))
    refused = replace(flag, deduction=Deduction.REFUSED, deducted=NOTHING)
    return _open_again(refused) if flag.state is FlagState.DECIDED else _changed(refused)


def ground_gone(flag: Flag) -> Flag:
    """Nothing live is left that the flag stands on; the flag itself where that changes nothing.

    A pending deduction stays pending: settlement's answer is still to come.
    """
    if flag.in_review:
        return _changed(begun_anew(flag, FlagState.CLOSED))
    return _open_again(flag) if _costs(flag) else flag


def found_again(flag: Flag) -> Flag:
    """A further finding came: a dismissal or a closing did not know of it."""
    if flag.state is FlagState.CLOSED or (flag.state is FlagState.DECIDED and not _costs(flag)):
        return _open_again(flag)
    return _changed(flag)


def opened_again(before: Flag, after: Flag) -> bool:
    """Whether a change opened a flag that was decided or closed; that is told."""
    return not before.in_review and after.state is FlagState.OPEN


def begun_anew(flag: Flag, state: FlagState) -> Flag:
    """The flag without what people said in the round that ends: open, or closed."""
    return replace(
        flag, state=state, first_by=None, second_by=None, hearing=Hearing.NONE, proposal=None
    )


def _costs(flag: Flag) -> bool:
    return (
        flag.state is FlagState.DECIDED
        and flag.proposal is not None
        and flag.proposal.outcome in COSTS
    )


def _open_again(flag: Flag) -> Flag:
    return _changed(replace(begun_anew(flag, FlagState.OPEN), told=flag.told + 1))


def _changed(flag: Flag) -> Flag:
    return replace(flag, version=flag.version + 1)
