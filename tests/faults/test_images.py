"""What an image holds starts, and a service that imports another dies at its start.

The folder is what `deploy/images/service.Dockerfile` copies; only the interpreter is this one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.agency import SERVICES
from tests.support.source import ROOT

DOCKERFILE = ROOT / "deploy" / "images" / "service.Dockerfile"
START_SECONDS_MAX = 60


def copied(service: str) -> list[str]:
    """The places in the source that the image of a service gets."""
    lines = DOCKERFILE.read_text(encoding="utf-8").rpartition("FROM ")[2].splitlines()
    copies = [re.match(r"COPY (?!--from)(\S+) \S+$", line) for line in lines]
    return [found[1].replace("${SERVICE}", service) for found in copies if found]


def image_of(service: str, folder: Path) -> Path:
    """A folder with what the image holds."""
    for place in copied(service):
        source, target = ROOT / place, folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    return folder


def started(service: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The image's own command, asked what it can do: all that serves is imported by then."""
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}", "--help"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True, text=True, check=False, timeout=START_SECONDS_MAX,
    )  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_its_image_holds(service: str, tmp_path: Path) -> None:
    folder = image_of(service, tmp_path)
    assert {place.name for place in (folder / "services").iterdir()} == {"__init__.py", service}
    done = started(service, folder)
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_imports_another_dies_at_its_start(service: str, tmp_path: Path) -> None:
    folder = image_of(service, tmp_path)
    other = next(name for name in SERVICES if name != service)
    file = folder / "services" / service / "main.py"
    file.write_text(
        file.read_text("utf-8").replace(
            "from __future__ import annotations\n",
            f"from __future__ import annotations\n\nimport services.{other}.main\n",
        ),
        "utf-8",
    )
    done = started(service, folder)
    assert done.returncode != 0
    assert f"No module named 'services.{other}'" in done.stderr
