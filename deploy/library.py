"""The library of rules that audit runs with on this machine, for what reads beside it."""

from __future__ import annotations

import os
from pathlib import Path

from services.audit.domain.library import Library, read_library


def library_in_use() -> Library:
    """What `AUDIT_LIBRARY` names, else what ships. Raises BadLibrary."""
    named = os.environ.get("AUDIT_LIBRARY")
    return read_library(Path(named) if named else None)
