"""The order of the queue: what is expected to be recovered; and what is drawn at random."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
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
_HASH_BYTES = 8


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


def lot_key(secret: bytes) -> bytes:
    """The key of a lot, made of a secret that serves for something else too."""
    return blake2b(b"lot of claims", key=secret).digest()


def drawn(claim_ids: Iterable[str], key: bytes) -> NDArray[np.bool_]:
    """Which claims are drawn at random: under one key the same ones whenever they are asked.

    A hospital sees the ids of its claims: who has not the key cannot tell which will be looked at.
    """
    hashes = (blake2b(c.encode(), key=key, digest_size=_HASH_BYTES).digest() for c in claim_ids)
    hashed = np.fromiter((int.from_bytes(one) for one in hashes), dtype=np.uint64)
    return np.asarray(hashed < np.uint64(CHANCE_DRAWN * 2 ** (8 * _HASH_BYTES)))
