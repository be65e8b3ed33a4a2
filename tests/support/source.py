"""The project's own source, as the house tests read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("enrollment", "settlement", "audit")


def python_files(*folders: str) -> Iterator[Path]:
    """All Python files below these folders of the project."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def built_services() -> list[str]:
    """The services that have been built so far: those with a main.py."""
    return [name for name in SERVICES if (ROOT / "services" / name / "main.py").exists()]


def room_of(path: Path) -> str:
    """The room a file stands in: "domain", "store" ..., or "shared.policy"; "" for the doorstep."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "shared":
        return f"shared.{parts[1].removesuffix('.py')}"
    return parts[2] if len(parts) > 3 else ""
