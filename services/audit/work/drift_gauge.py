"""Show operators how many warnings of drift the last runs of scoring gave."""

from __future__ import annotations

from prometheus_client import Gauge

from services.audit.domain.claim_score import DRIFTS
from services.audit.store import scoring_runs
from shared.plumbing.database import AGENCY, Pool, transaction

_WARNINGS = Gauge(
    "audit_drift_warnings",
    "figures of a pool's last scoring outside their band, by kind of drift",
    ["pool", "kind"],
)


class DriftGauge:
    """Reads what the watch, a process of its own, wrote of its last run."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def sample(self) -> None:
        """Read all once."""
        async with transaction(self._pool, [AGENCY]) as tx:
            counted = await scoring_runs.warnings(tx)
        for pool_code, of_pool in counted.items():
            for kind in DRIFTS:
                _WARNINGS.labels(pool_code, kind).set(of_pool.get(kind, 0))
