"""The order of the queue: what is expected to be recovered; and what is drawn at random."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.audit.scoring.thresholds import THRESHOLDS

Floats = NDArray[np.float64]

TOP: Final[float] = THRESHOLDS["lot"]["looked_at"]
"""The share of claims that reviewers can look at."""
AT_RANDOM: Final[float] = THRESHOLDS["lot"]["at_random"]
"""The share of those that is drawn whatever the score says, so that rates stay estimable."""
CHANCE_DRAWN: Final = TOP * AT_RANDOM
"""Every claim's chance to be drawn; known, so that what is found among them tells of all."""
# Money counts less than in full: sums stretch over four powers of ten and are surer of the kind of
# wrong than of its size, and a queue of the dearest alone would teach nothing of the others. What
# was learned from reviews has seen the sums already.
_WEIGHT_OF_MONEY, _ONCE_LEARNED = 0.5, 0.35
_DRAWS = 1_000_000


def order(chance: Floats, yuan: Floats, learned: Floats | None = None) -> Floats:
    """A claim's score: higher comes first. Grows with the chance that it is wrong and with the yuan
    at risk; always finite and not negative.

    `chance` is by evidence. What was `learned` is believed as much as that, no more: reviewers saw
    the claims that evidence showed them, and teach nothing of the kinds that they never met.
    """
    weight = _WEIGHT_OF_MONEY
    if learned is not None:
        chance, weight = np.sqrt(chance * learned), _ONCE_LEARNED
    scores: Floats = chance * np.maximum(yuan, 1.0) ** weight
    return scores


def drawn(claim_ids: Iterable[str]) -> NDArray[np.bool_]:
    """Which claims are drawn at random: the same ones whenever they are asked."""
    hashed = np.fromiter((zlib.crc32(b"drawn " + c.encode()) for c in claim_ids), dtype=np.int64)
    return np.asarray(hashed % _DRAWS < CHANCE_DRAWN * _DRAWS)
