"""Make a policy book current: one person proposes, another approves."""

from __future__ import annotations

from datetime import timedelta

from services.settlement.actions.scene import Scene
from services.settlement.domain.pricing import ENGINE
from services.settlement.domain.refusals import Refusal
from services.settlement.store import books
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.policy.book import Book

_NOTICE = timedelta(seconds=2)
"""Between approval and effect, so that every replica holds the book before it is current."""


async def propose_book(tx: Connection, scene: Scene, book: Book) -> int:
    """Archive a book and propose it; returns the proposal's number."""
    await books.archive(tx, book.hash, ENGINE, book.to_bytes(), scene.now)
    number = await books.propose(tx, book.hash, scene.actor, scene.now)
    await write_log(tx, [scene.deed("propose_book", f"book-appointment:{number}", "", "proposed")])
    return number


async def approve_book(tx: Connection, scene: Scene, number: int) -> str | Refusal:
    """Approve a proposal; returns the hash of the book that becomes current."""
    proposal = await books.proposal(tx, number)
    if proposal is None or proposal[2]:
        return Refusal.BOOK_UNKNOWN
    book_hash, proposed_by, _ = proposal
    if proposed_by == scene.actor:
        return Refusal.SECOND_PERSON_NEEDED
    await books.approve(tx, number, scene.actor, scene.now + _NOTICE)
    subject = f"book-appointment:{number}"
    await write_log(tx, [scene.deed("approve_book", subject, "proposed", "approved")])
    return book_hash
