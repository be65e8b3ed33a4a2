"""Who acts, for whom, and when: what every action is told beside its own facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.plumbing.clock import business_day
from shared.plumbing.journal import Deed


@dataclass(frozen=True, slots=True)
class Scene:
    """One request or message: the actor and institution come from the credential."""

    pool_code: str
    institution_code: str
    actor: str
    request_id: str
    now: datetime

    @property
    def today(self) -> date:
        """The business day in Asia/Shanghai."""
        return business_day(self.now)

    def deed(self, action: str, subject: str, from_state: str, to_state: str) -> Deed:
        """The log's row of what was done."""
        return Deed(
            pool_code=self.pool_code,
            at=self.now,
            actor=self.actor,
            institution_code=self.institution_code,
            request_id=self.request_id,
            action=action,
            subject=subject,
            from_state=from_state,
            to_state=to_state,
        )
