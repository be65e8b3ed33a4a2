"""Record persons' next states, tell them, and log the act."""

from __future__ import annotations

from collections.abc import Mapping

from services.enrollment.actions.acting import Acting
from services.enrollment.domain.id_number import IdNumber
from services.enrollment.domain.membership import History
from services.enrollment.store.histories import Known, State, insert_states
from services.enrollment.told.person_state import person_state, told_state
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.outbox import tell


async def record_states(
    tx: Connection, acting: Acting, action: str, changed: Mapping[str, tuple[Known, History]],
    numbers: Mapping[str, IdNumber],
) -> dict[str, int]:  # fmt: skip
    """Write each person's history under the version after the one it was read with.

    Returns the new versions. Each is one row of `person_version`, one event and one log row.
    `numbers` are the persons' ID numbers, of which the event tells sex and month of birth.
    """
    states, events, deeds = [], [], []
    for person_ref, (known, history) in changed.items():
        version, number = known.version + 1, numbers[person_ref]
        state = person_state(person_ref, version, history, number)
        events.append(told_state(state, acting.pool_code, acting.at))
        states.append(State(person_ref, version, acting.at, events[-1].data))
        before = person_state(person_ref, known.version, known.history, number).to_bytes()
        deeds.append(
            acting.deed(
                action,
                f"person:{person_ref}",
                f"version {known.version}",
                f"version {version}",
                before if known.version else b"",
                states[-1].data,
            )
        )
    await insert_states(tx, states)
    await tell(tx, events)
    await write_log(tx, deeds)
    return {state.person_ref: state.version for state in states}
