"""Set how an institution speaks the national interface: one person proposes, another approves."""

from __future__ import annotations

from services.settlement.actions.scene import Scene
from services.settlement.domain.his_profile import HisProfile
from services.settlement.domain.refusals import Refusal
from services.settlement.store import his_profiles
from shared.plumbing.database import Connection
from shared.plumbing.journal import write_log
from shared.plumbing.sealed import Vault


async def propose_his_profile(
    tx: Connection, scene: Scene, profile: HisProfile, vault: Vault
) -> int | Refusal:
    """Propose a profile; returns the proposal's number."""
    number = await his_profiles.propose(tx, profile, vault, scene.actor, scene.now)
    if number is None:
        return Refusal.INSTITUTION_OF_ANOTHER_POOL
    await write_log(tx, [scene.deed("propose_profile", f"his-profile:{number}", "", "proposed")])
    return number


async def approve_his_profile(tx: Connection, scene: Scene, number: int) -> str | Refusal:
    """Approve a proposal of the pool; returns the institution whose profile it is from now on."""
    found = await his_profiles.proposal(tx, scene.pool_code, number)
    if found is None or found.approved:
        return Refusal.PROFILE_UNKNOWN
    institution_code = found.profile.institution_code
    if found.proposed_by == scene.actor:
        return Refusal.SECOND_PERSON_NEEDED
    await his_profiles.lock(tx)
    if found.profile.line_meets(await his_profiles.other_lines(tx, institution_code)):
        return Refusal.LINE_OF_ANOTHER
    await his_profiles.approve(tx, number, scene.actor, scene.now)
    subject = f"his-profile:{number}"
    await write_log(tx, [scene.deed("approve_profile", subject, "proposed", "approved")])
    return institution_code
