"""The split deployment: the services of `deploy/compose.yaml` as processes that share no disk.

It reads commands, environments and env files from that file, so that tests run what is deployed.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests
import yaml

from vector_assets_tests.deploy.database import Database
from vector_assets_tests.deploy.hosts import Host, Hosts
from vector_assets_tests.orchestration.dagster_processes import DagsterProcesses
from vector_assets_tests.support.patience import (
    COSTLY_PAUSE_SECONDS,
    PATIENCE_SECONDS,
    said_in,
    waited_for,
)
from vector_assets_tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent

PROCESSES = ("code", "webserver", "daemon", "serve")
_ON_FIRST_HOST = ("postgres", "webserver", "daemon")
_PORTS = {"postgres": 5432, "code": 4000, "webserver": 3000, "serve": 8090}


class SplitDeployment:
    """The processes of a deployment on two hosts.

    Args:
        hosts: Hosts of the processes.
        database: Dagster's storage.
        accounts: Content of `vector-assets.env`.
        receiver: Receives alerts.
        ports: Ports by process; those of the file if the hosts are apart.
    """

    def __init__(
        self,
        hosts: Hosts,
        database: Database,
        accounts: Mapping[str, str],
        receiver: Receiver,
        ports: Mapping[str, int],
    ) -> None:
        self.hosts = hosts
        self.receiver = receiver
        self.database = database
        self._ports = ports
        self._env_files = {"database.env": database.environment, "vector-assets.env": accounts}
        self._services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://{self._host('serve').outside}:{ports['serve']}"
        self._dagster_url = f"http://{self._host('webserver').outside}:{ports['webserver']}"

    @property
    def dagster(self) -> DagsterProcesses:
        return DagsterProcesses(
            self._processes["webserver"], self._dagster_url, self.hosts.folder / "webserver.log"
        )

    def migrate(self) -> None:
        """Run the service `migrate` and wait for its end."""
        self.start("migrate")
        code = self._processes.pop("migrate").wait(timeout=PATIENCE_SECONDS)
        assert code == 0, said_in(self.hosts.folder)

    def start(self, name: str) -> None:
        """Start a service of the file."""
        program, *arguments = self._services[name]["command"]
        command = [str(BIN / program), *map(self._local, arguments)]
        names = {host: self._host(host).address for host in _PORTS}
        self._processes[name] = self.hosts.start(
            name, self._host(name), command, self.environment_of(name), names
        )

    def start_all(self) -> None:
        """Start everything and wait until it answers."""
        self.migrate()
        for name in PROCESSES:
            self.start(name)
        self.dagster.wait_until_up()
        # Before the daemon's first heartbeat, backfills are refused.
        self.wait_until(lambda: not self.status()["problems"], "all of it")

    def kill(self, name: str) -> None:
        """Kill all processes of a service, as if its host went down."""
        process = self._processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def start_what_has_died(self) -> None:
        """Restart dead services, as the file's restart policy does."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                assert self._services[name]["restart"] == "unless-stopped"
                self.start(name)

    def stop(self) -> None:
        """Stop all services with their child processes."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for name, process in list(self._processes.items()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            self.kill(name)

    def environment_of(self, name: str) -> dict[str, str]:
        """Return the environment of a service: its env files, then its own variables."""
        service = self._services[name]
        environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        for file in service.get("env_file", []):
            environment |= self._env_files[file]
        for key, value in service.get("environment", {}).items():
            value = self._local(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))
            if not self.hosts.are_apart:
                value = re.sub(
                    r"^(code|webserver)$|(?<=//)(code|webserver)(?=:)", "127.0.0.1", value
                )
            environment[key] = value
        return environment

    def status(self) -> dict[str, Any]:
        """Return the sync status from `serve`."""
        return dict(self.get("/api/sync-status"))

    def get(self, path: str, **parameters: str) -> Any:
        """Send a GET request to `serve` with the read key."""
        headers = {"Authorization": "Bearer reading-key"}
        answer = requests.get(self.url + path, headers=headers, params=parameters, timeout=90)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def verdicts(self) -> dict[str, str]:
        """Return the verdict on each source."""
        return {status["source"]: status["verdict"] for status in self.status()["sources"]}

    def backfill(self, source: str, days: int) -> dict[str, Any]:
        """Request a backfill over HTTP."""
        answer = requests.post(
            f"{self.url}/api/backfill/{source}",
            params={"days": days},
            headers={"X-Admin-Key": "admin-key"},
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def wait_until(self, question: Callable[[], Any], what: str) -> Any:
        """Wait until a question has a truthy answer and return it."""
        return waited_for(
            question,
            what,
            patience_seconds=PATIENCE_SECONDS,
            logs=self.hosts.folder,
            pause_seconds=COSTLY_PAUSE_SECONDS,
        )

    def _host(self, name: str) -> Host:
        return self.hosts.first if name in (*_ON_FIRST_HOST, "migrate") else self.hosts.second

    def _local(self, text: str) -> str:
        """Adapt an address or port of the file to this machine; nothing changes with namespaces."""
        if self.hosts.are_apart:
            return text
        text = text.replace("0.0.0.0", "127.0.0.1")
        for name, port in _PORTS.items():
            text = re.sub(rf"\b{port}\b", str(self._ports[name]), text)
        return text


def ports_for(hosts: Hosts) -> dict[str, int]:
    """Return the ports of the file, or free ports if all processes share 127.0.0.1."""
    return dict(_PORTS) if hosts.are_apart else {name: _free_port() for name in _PORTS}


@contextmanager
def deployed(
    hosts: Hosts,
    database: Database,
    accounts: Mapping[str, str],
    receiver: Receiver,
    ports: Mapping[str, int],
) -> Iterator[SplitDeployment]:
    """Run the deployment until the block ends."""
    deployment = SplitDeployment(hosts, database, accounts, receiver, ports)
    try:
        deployment.start_all()
        yield deployment
    finally:
        deployment.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
