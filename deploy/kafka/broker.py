"""One broker in KRaft combined mode, formatted, started and stopped, with its data in a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.kafka.jars import KafkaUnavailableError, jars
from deploy.local.databases import run_apart
from deploy.local.ports import free_port

HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
LOGGING = Path(__file__).with_name("log4j2.properties")
START_SECONDS_MAX = 90
STOP_SECONDS_MAX = 15

# Each internal topic has as many replicas as there are brokers. Topics are created by deploy.topics
# only.
PROPERTIES = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{proxied_at}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{advertised_at}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={brokers}
min.insync.replicas={insync}
offsets.topic.replication.factor={brokers}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={brokers}
transaction.state.log.min.isr={insync}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={brokers}
share.coordinator.state.topic.min.isr={insync}
group.initial.rebalance.delay.ms=0
"""


@dataclass(frozen=True)
class Place:
    """A broker's place in a cluster: its number from 1 on, every controller's port, its name."""

    number: int
    controller_ports: tuple[int, ...]
    cluster: str


class KafkaBroker:
    """A broker for as long as the `with` block lasts, or between `start` and `stop`.

    Where KAFKA_BOOTSTRAP is set, that broker is used instead and never started or stopped.
    A detached broker outlives this process; another one dies with the thread that started it.
    `proxied` is (port, proxy): the broker also listens on the port, and tells whoever comes there
    that it is to be found at the proxy. `place` makes it one of several, each of which it knows.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, detached: bool = False,
        proxied: tuple[int, int] | None = None, place: Place | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder.resolve()
        self.bootstrap = os.environ.get("KAFKA_BOOTSTRAP", "")
        self._foreign = bool(self.bootstrap)
        self._port = port
        self._detached = detached
        self.proxied = None if self._foreign else proxied
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the broker running on this folder; 0 when none does."""
        try:
            pid = int((self.folder / "pid").read_text())
            if self._process is not None and self._process.pid == pid:
                # Our own child: its command line is empty for a moment while setpriv becomes java.
                return pid if self._process.poll() is None else 0
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return 0
        return pid if str(self._properties).encode() in words else 0

    def start(self) -> None:
        """Start, formatting the folder first where needed. Raises KafkaUnavailableError."""
        if self._foreign:
            run_apart(_answers(self.bootstrap, START_SECONDS_MAX))
            return
        if self.pid:
            self.bootstrap = (self.folder / "bootstrap").read_text()
            return
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start without waiting for it: of a cluster's brokers none answers before most run."""
        classpath = f"{jars()}/*"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        port = self._port or free_port()
        place = self._place or Place(1, (free_port(),), "")
        brokers = len(place.controller_ports)
        self._properties.write_text(
            PROPERTIES.format(
                number=place.number,
                voters=",".join(
                    f"{n}@127.0.0.1:{at}" for n, at in enumerate(place.controller_ports, 1)
                ),
                port=port,
                controller_port=place.controller_ports[place.number - 1],
                data=self.folder / "data",
                brokers=brokers,
                insync=brokers // 2 + 1,
                proxied_at=_proxied(self.proxied[0] if self.proxied else 0),
                advertised_at=_proxied(self.proxied[1] if self.proxied else 0),
            )
        )
        self._format(classpath, place.cluster)
        self._launch(classpath)
        self.bootstrap = f"127.0.0.1:{port}"
        (self.folder / "bootstrap").write_text(self.bootstrap)

    def wait(self) -> None:
        """Wait until it answers. Raises KafkaUnavailableError, and then it is stopped."""
        try:
            run_apart(_answers(self.bootstrap, START_SECONDS_MAX, lambda: bool(self.pid)))
        except BaseException as failure:
            self.stop()
            if isinstance(failure, KafkaUnavailableError):
                failure.add_note(self._log.read_text(errors="replace")[-2000:])
            raise

    def stop(self) -> None:
        """Ask the broker to end, and insist after a while. What it acknowledged is kept."""
        pid = 0 if self._foreign else self.pid
        if not pid:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while self._runs(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        (self.folder / "pid").unlink(missing_ok=True)

    def reset(self) -> None:
        """Stop, and forget every message and offset."""
        self.stop()
        if not self._foreign:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log(self) -> Path:
        return self.folder / "kafka.log"

    def _format(self, classpath: str, name: str) -> None:
        cluster = self.folder / "cluster-id"
        if not cluster.exists():
            cluster.write_text(name or new_cluster())
        command = ["java", *HEAP, f"-Dlog4j2.configurationFile={LOGGING}", "-cp", classpath]
        command += ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
        # In one word: an id may begin with a hyphen.
        command += [f"--cluster-id={cluster.read_text()}", "-c", str(self._properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise KafkaUnavailableError(f"formatting failed: {done.stderr or done.stdout}")

    def _launch(self, classpath: str) -> None:
        bound = not self._detached and shutil.which("setpriv") is not None
        command = ["setpriv", "--pdeathsig", "KILL", "--"] if bound else []
        command += ["java", *HEAP, f"-Dlog4j2.configurationFile={LOGGING}", "-cp", classpath]
        command += ["kafka.Kafka", str(self._properties)]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )
        self._process = process
        # In one step: whoever looks meanwhile finds no file or a whole one.
        written = self.folder / "pid.new"
        written.write_text(str(process.pid))
        written.replace(self.folder / "pid")

    def _runs(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None  # also reaps our own child
        return Path(f"/proc/{pid}").exists()


def new_cluster() -> str:
    """The name of a new cluster."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _proxied(port: int) -> str:
    return f",PROXIED://127.0.0.1:{port}" if port else ""


async def _answers(bootstrap: str, seconds: int, alive: Callable[[], bool] = lambda: True) -> None:
    """Wait until the broker answers a metadata request. Raises KafkaUnavailableError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and alive():
        # The client logs each refused connection, so it only starts once somebody listens.
        if await _listens(bootstrap) and await _knows_itself(bootstrap):
            return
        await asyncio.sleep(0.1)
    raise KafkaUnavailableError(f"no broker answers at {bootstrap}")


async def _listens(bootstrap: str) -> bool:
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


async def _knows_itself(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return False
    finally:
        with contextlib.suppress(Exception):
            await client.close()
    return True
