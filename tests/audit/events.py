"""Settlement's events as audit meets them: made by the contracts, numbered per claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.claim import (
    ClaimReversed,
    ClaimSettled,
    DeductionRefused,
    DeductionReleased,
    DeductionTaken,
    Parts,
    Posting,
)
from shared.contracts.contract import Contract
from shared.ids import new_id
from shared.money import Money
from shared.plumbing.bus.record import Record
from shared.plumbing.clock import to_wire

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
POOL, OTHER_POOL = "653000", "320100"
HOSPITAL, OTHER_HOSPITAL = "H65300001", "H65300002"


def parts(total: str = "9000.00", fund: str = "7000.00") -> Parts:
    member = (Money.from_wire(total) - Money.from_wire(fund)).to_wire()
    return Parts(
        total=total, fund=fund, member=member, member_account="0.00", member_cash=member,
        institution="0.00", other_fund="0.00", desk_fund=fund, desk_member=member,
    )  # fmt: skip


@dataclass
class Telling:
    """What settlement tells of one claim, event by event."""

    person: str = "p1"
    born: str = "2026-02-01"
    hospital: str = HOSPITAL
    pool: str = POOL
    settled_at: datetime = NOW
    parts: Parts = field(default_factory=parts)
    claim_id: UUID = field(default_factory=new_id)
    said: int = 0
    benefit: str = "delivery"
    until: str = ""

    def settled(self) -> Record:
        birth = self.benefit == "delivery"
        event = ClaimSettled(
            claim_id=str(self.claim_id), pool_code=self.pool, county_code=self.pool,
            institution_code=self.hospital, institution_level=3, stay_id=str(new_id()),
            person_ref=self.person, person_state_version=3, pregnancy_id=str(new_id()),
            benefit=self.benefit, insurance_type="510", expenditure_item="maternity",
            member_kind="employee", mode="vaginal" if birth else None,
            infants=1 if birth else None, admitted_on=self.born,
            event_on=self.born, discharged_on=self.until or self.born,
            settled_at=to_wire(self.settled_at),
            account_month="2026-03", parts=self.parts, line_count=4, out_of_scope="0.00",
            postings=[Posting(account="fund", amount="0.00")], book="b" * 64, engine="1",
        )  # fmt: skip
        return self._record(event)

    def reversed(self) -> Record:
        return self._record(
            ClaimReversed(
                claim_id=str(self.claim_id),
                reversal_id=str(new_id()),
                pool_code=self.pool,
                institution_code=self.hospital,
                reversed_at=to_wire(self.settled_at + timedelta(hours=1)),
                account_month="2026-03",
                parts=self.parts,
                postings=[],
                book="b" * 64,
                engine="1",
            )
        )

    def taken(self, flag_id: str, decision: int, amount: str) -> Record:
        return self._record(
            DeductionTaken(
                claim_id=str(self.claim_id),
                flag_id=flag_id,
                decision=decision,
                deduction_id=str(new_id()),
                pool_code=self.pool,
                institution_code=self.hospital,
                amount=amount,
                taken_at=to_wire(NOW),
            )
        )

    def refused(self, flag_id: str, decision: int, amount: str, reason: str) -> Record:
        return self._record(
            DeductionRefused(
                claim_id=str(self.claim_id),
                flag_id=flag_id,
                decision=decision,
                pool_code=self.pool,
                institution_code=self.hospital,
                amount=amount,
                reason=reason,
                refused_at=to_wire(NOW),
            )
        )

    def released(self, flag_id: str, decision: int, released_by: int, amount: str) -> Record:
        return self._record(
            DeductionReleased(
                claim_id=str(self.claim_id),
                flag_id=flag_id,
                decision=decision,
                released_by=released_by,
                deduction_id=str(new_id()),
                pool_code=self.pool,
                institution_code=self.hospital,
                amount=amount,
                released_at=to_wire(NOW),
            )
        )

    def _record(self, event: Contract) -> Record:
        self.said += 1
        return record(event.topic, event.type, str(self.claim_id), self.said, event.to_bytes())


def record(topic: str, type_: str, key: str, sequence: int, data: bytes) -> Record:
    headers = {
        "ce_id": str(new_id()),
        "ce_type": type_,
        "ce_sequence": str(sequence),
        "ce_specversion": "1.0",
    }
    return Record(topic, 0, 0, key, headers, data)
