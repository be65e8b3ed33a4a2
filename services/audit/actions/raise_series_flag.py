"""Raise a flag for what was found of an institution's channel, or add to the one that is open."""

from __future__ import annotations

from datetime import datetime

from services.audit.actions.record_changes import AUDIT, Change, record_changes
from services.audit.domain.flag import Flag, OnSeries, found_again, new_flag
from services.audit.domain.rule import Grade
from services.audit.domain.series import SeriesFinding
from services.audit.domain.time_limits import TimeLimits
from services.audit.store import flags, series
from services.audit.told.raised import series_flag_raised
from shared.ids import new_id
from shared.plumbing.database import Connection
from shared.plumbing.outbox import tell


async def raise_series_flag(
    tx: Connection, finding: SeriesFinding, cause: str, time_limits: TimeLimits, at: datetime
) -> Flag | None:
    """The flag that the finding lies under now; None where the same model said it before.

    Statistics suspect; only people confirm. A channel has one flag under review: further months
    are added to it. `cause` names the run that found it.
    """
    if await series.is_known(tx, finding):
        return None
    place = (finding.pool_code, finding.institution_code, finding.channel)
    standing = await flags.lock_open_of_channels(tx, [place])
    if standing:
        change = Change(
            standing[0], found_again(standing[0]), "finding-added", AUDIT, "new-finding", cause,
            finding.at_risk,
        )  # fmt: skip
    else:
        flag = new_flag(
            new_id(), finding.pool_code, finding.institution_code,
            OnSeries(finding.channel, finding.month), Grade.SUSPICIOUS, finding.at_risk, at,
        )  # fmt: skip
        change = Change(None, flag, "raised", AUDIT, finding.channel, cause, finding.at_risk)
    [flag] = await record_changes(tx, [change], time_limits, at)
    await series.insert(tx, flag.flag_id, finding, at)
    if change.before is None:
        await tell(tx, [series_flag_raised(flag, finding, cause)])
    return flag
