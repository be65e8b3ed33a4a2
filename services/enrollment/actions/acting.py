"""Who acts, when, by which book: what an edge hands to an action beside the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.plumbing.auth import Caller
from shared.plumbing.clock import business_day
from shared.plumbing.journal import Deed
from shared.plumbing.sealed import Vault
from shared.policy.book import Book


@dataclass(frozen=True, slots=True)
class Acting:
    """One act of one caller at one instant."""

    caller: Caller
    request_id: str
    at: datetime
    book: Book
    vault: Vault

    @property
    def pool_code(self) -> str:
        """The pool whose rows the caller may touch."""
        return self.caller.pool_code

    @property
    def today(self) -> date:
        """The business day of the act, which is also its knowledge date."""
        return business_day(self.at)

    def deed(
        self, action: str, subject: str, from_state: str, to_state: str,
        before: bytes = b"", after: bytes = b"",
    ) -> Deed:  # fmt: skip
        """What the log keeps of the act; neither subject nor states hold anything personal."""
        return Deed(
            pool_code=self.pool_code,
            at=self.at,
            actor=self.caller.client_id,
            institution_code=self.caller.institution_code,
            request_id=self.request_id,
            action=action,
            subject=subject,
            from_state=from_state,
            to_state=to_state,
            before=before,
            after=after,
        )
