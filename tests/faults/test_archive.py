"""What PostgreSQL's archive_command runs: nothing half, nothing replaced, no anchor cut."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.source import ROOT

SEGMENT = "000000010000000000000007"


class Disk:
    """A data folder with one segment and the anchors of one service, and its archive."""

    def __init__(self, place: Path) -> None:
        self.data, self.archive = place / "data", place / "archive"
        self.wal = self.data / "postgres" / "pgdata" / "pg_wal"
        self.wal.mkdir(parents=True)
        self.archive.mkdir()
        self.anchors = self.data / "settlement.anchors"
        self.anchors.write_text("1 aa\n2 bb\n", encoding="ascii")
        self.copy = self.archive / self.anchors.name
        (self.wal / SEGMENT).write_bytes(b"seven")

    def archived(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        command = [ROOT / "deploy/local/archive.sh", self.data, self.archive, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def segment(self) -> subprocess.CompletedProcess[str]:
        """Run it as PostgreSQL does."""
        return self.archived(str(self.wal / SEGMENT), SEGMENT)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_a_segment_comes_with_the_anchors_so_far(disk: Disk) -> None:
    assert disk.segment().returncode == 0
    assert (disk.archive / SEGMENT).read_bytes() == b"seven"
    assert disk.copy.read_text() == "1 aa\n2 bb\n"
    disk.anchors.write_text("1 aa\n2 bb\n3 cc\n", encoding="ascii")
    again = disk.segment()  # PostgreSQL asks again where it did not hear the answer
    assert again.returncode == 0
    assert disk.copy.read_text() == "1 aa\n2 bb\n3 cc\n"
    assert sorted(path.name for path in disk.archive.iterdir()) == [SEGMENT, disk.copy.name]


@pytest.mark.parametrize("now", ["1 aa\n", "", "1 aa\n2 ff\n3 cc\n"])
def test_anchors_that_were_cut_or_rewritten_replace_no_copy(disk: Disk, now: str) -> None:
    disk.segment()
    disk.anchors.write_text(now, encoding="ascii")
    after = disk.segment()
    assert after.returncode == 0  # the log goes on being archived
    assert "no longer begins with" in after.stderr
    assert disk.copy.read_text() == "1 aa\n2 bb\n"
    assert disk.copy.with_name(f"{disk.copy.name}.other").read_text() == now


def test_another_segment_of_the_same_name_is_refused(disk: Disk) -> None:
    disk.segment()
    (disk.wal / SEGMENT).write_bytes(b"other")
    assert disk.segment().returncode != 0
    assert (disk.archive / SEGMENT).read_bytes() == b"seven"


def test_what_a_dead_disk_still_holds_is_taken_and_replaces_nothing(disk: Disk) -> None:
    disk.segment()
    (disk.wal / SEGMENT).write_bytes(b"in use again")
    later = SEGMENT[:-1] + "8"
    (disk.wal / later).write_bytes(b"eight")
    disk.anchors.write_text("1 aa\n2 bb\n3 cc\n", encoding="ascii")
    taken = disk.archived()
    assert taken.returncode == 0, taken.stderr
    assert (disk.archive / SEGMENT).read_bytes() == b"seven"
    assert (disk.archive / later).read_bytes() == b"eight"
    assert disk.copy.read_text() == "1 aa\n2 bb\n3 cc\n"
