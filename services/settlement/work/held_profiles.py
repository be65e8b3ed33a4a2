"""The profiles of hospitals that speak the national interface, each asked for once a second."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.settlement.domain.his_profile import HisProfile
from services.settlement.store import his_profiles
from shared.plumbing.clock import Clock
from shared.plumbing.database import AGENCY, Pool, transaction
from shared.plumbing.sealed import Vault

_HELD = timedelta(seconds=1)
"""How long another replica may go on by a profile that was replaced here."""


class HeldProfiles:
    """Holds a profile while its hospital's calls follow each other within the second."""

    def __init__(self, pool: Pool, clock: Clock, vault: Vault) -> None:
        self._pool = pool
        self._clock = clock
        self._vault = vault
        self._held: dict[str, tuple[datetime, HisProfile]] = {}

    async def of(self, institution_code: str) -> HisProfile | None:
        """An institution's profile; None where it has none, which is not held.

        Raises cryptography's InvalidTag or KeyNotHeld where its secret does not open.
        """
        now = self._clock.now()
        since, profile = self._held.get(institution_code, (now, None))
        if profile is not None and timedelta(0) <= now - since < _HELD:
            return profile
        async with transaction(self._pool, [AGENCY]) as tx:
            profile = await his_profiles.current(tx, institution_code, now, self._vault)
        if profile is None:
            self._held.pop(institution_code, None)
        else:
            self._held[institution_code] = (now, profile)
        return profile

    def forget(self) -> None:
        """Forget them all, because one was replaced."""
        self._held.clear()
