"""What is supposed of how money is taken: `mechanisms.toml`, each with its reason."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

_SUPPOSED = tomllib.loads(Path(__file__).with_name("mechanisms.toml").read_text(encoding="utf-8"))

DOUBLED_CHARGES: Final[tuple[str, ...]] = tuple(_SUPPOSED["doubled"]["charges"])
"""Columns of charges that a bill can hold twice."""
NIGHTS: Final[int] = _SUPPOSED["lengthened"]["nights"]
"""By how many nights a stay is made longer."""
BEFORE_BIRTH: Final[float] = _SUPPOSED["touching"]["before_birth"]
BIRTH: Final[float] = _SUPPOSED["touching"]["birth"]
OTHER_PART: Final[float] = _SUPPOSED["touching"]["other"]
"""How far each part of a stay cut in two is the one that should not be."""
LESSER_PART: Final[float] = _SUPPOSED["touching"]["lesser_part"]
"""What of a part's money is lost where it is not known to be the part too many."""
TOUCHING_ITSELF: Final[float] = _SUPPOSED["touching"]["by_itself"]
"""The chance where nothing is known of the hospital's months."""
