"""Kafka's jars: resolved by Maven once, then kept in a cache outside of git."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


class KafkaUnavailableError(RuntimeError):
    """No broker can run here; the message says why and what to do."""


def what_is_missing() -> str:
    """Why no broker can be started on this machine, or an empty string."""
    if os.environ.get("KAFKA_BOOTSTRAP"):
        return ""
    if shutil.which("java") is None:
        return "no java found: a broker needs Java 17, or KAFKA_BOOTSTRAP naming a running broker"
    if shutil.which("mvn") is None and not _folder().exists():
        return "no mvn found: the broker's jars come from Maven Central"
    return ""


def jars() -> Path:
    """The folder with the jars, fetched first where needed. Raises KafkaUnavailableError."""
    folder = _folder()
    if folder.exists():
        return folder
    missing = what_is_missing()
    if missing:
        raise KafkaUnavailableError(missing)
    # Under another name until complete: an interrupted download must not look finished.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = ["mvn", "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise KafkaUnavailableError(f"mvn could not fetch Kafka:\n{done.stdout[-2000:]}")
    partial.rename(folder)
    return folder


def _folder() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / f"libs-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
