"""A real browser: Debian's chromium, installed where that is allowed; else tests are skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
)  # fmt: skip


@cache
def chromium() -> str:
    """Where chromium is; as root on Debian, or with CI=true, it is installed if missing."""
    found = shutil.which("chromium")
    if found is None and shutil.which("apt-get"):
        as_root: list[str] | None = None
        if os.geteuid() == 0:
            as_root = []
        elif os.environ.get("CI") == "true":
            as_root = ["sudo", "-n"]
        if as_root is not None:
            install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
            subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
            subprocess.run(
                [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", *install],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            found = shutil.which("chromium")
    if found is None:
        pytest.skip("no browser: install the package chromium")
    return found


def visit(address: str, folder: Path, *, milliseconds: int, languages: str = "en") -> str:
    """The page's document after so long on its own clock; what is asked for goes to a log."""
    seen = subprocess.run(
        [
            chromium(), *_QUIET, f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={folder / 'net.json'}", f"--accept-lang={languages}",
            f"--virtual-time-budget={milliseconds}", "--dump-dom", address,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return seen.stdout


expect.set_options(timeout=60_000)  # a browser beside other work takes longer than its usual five


@asynccontextmanager
async def browsing(language: str = "zh-CN") -> AsyncIterator[Page]:
    """A page of the browser, to click and to type in."""
    browser = chromium()
    async with async_playwright() as driver:
        running = await driver.chromium.launch(executable_path=browser, args=[*_QUIET])
        try:
            yield await running.new_page(locale=language)
        finally:
            await running.close()


def asked_for(folder: Path, address: str) -> list[str]:
    """What a visit to an address asked for, in order: the page, and whatever the page asked for.

    The browser itself asks its maker for updates; such requests have no page as their origin.
    """
    log = json.loads((folder / "net.json").read_text(encoding="utf-8"))
    kind = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    origin = address.rstrip("/")
    asked = []
    for event in log["events"]:
        facts = event.get("params", {})
        if event["type"] != kind or "url" not in facts:
            continue
        if facts["url"] == address or facts.get("initiator") == origin:
            asked.append(facts["url"])
    return asked
