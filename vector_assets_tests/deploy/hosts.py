"""Two hosts on one machine: network namespaces joined by a cable, and a disk for each process.

Where the machine allows no namespaces, all is on 127.0.0.1, each process in a folder of its own.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Runs in the namespace's own view of the mounts: what is mounted here, nobody else sees.
_BOOT = """
set -e
mount --bind "$VA_HOSTS" /etc/hosts
mount -t tmpfs tmpfs "$TMPDIR"
mount -t tmpfs tmpfs "$DAGSTER_HOME"
cp {config}/dagster.yaml {config}/workspace.yaml "$DAGSTER_HOME"
mount -o remount,ro "$DAGSTER_HOME"
cd "$DAGSTER_HOME"
exec "$@"
"""


@dataclass(frozen=True)
class Host:
    """A machine of its own, as far as its processes can tell.

    Attributes:
        name: Of its network namespace; empty where there is none.
        address: Where the other host reaches it.
        outside: Where the test reaches it.
    """

    name: str
    address: str
    outside: str

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before a command, so that it runs there."""
        return ("ip", "netns", "exec", self.name) if self.name else ()


@dataclass(frozen=True)
class Hosts:
    """Two hosts, and the world that both of them reach.

    Attributes:
        one: The first.
        two: The second.
        world: Address at which vendors, and those who are alerted, are reached.
        folder: For logs, and for mount points.
        config: Folder of `dagster.yaml` and `workspace.yaml`.
    """

    one: Host
    two: Host
    world: str
    folder: Path
    config: Path

    @property
    def are_apart(self) -> bool:
        """Whether they are namespaces, and not both 127.0.0.1."""
        return bool(self.one.name)

    def start(
        self,
        name: str,
        host: Host,
        command: Sequence[str],
        environment: Mapping[str, str],
        names: Mapping[str, str],
    ) -> "subprocess.Popen[bytes]":
        """Start a process with an empty disk of its own and a read-only `DAGSTER_HOME`.

        Args:
            name: Of its log.
            host: Where.
            command: Program and arguments.
            environment: All of it.
            names: Addresses by the names of hosts, for its `/etc/hosts`.
        """
        # Namespaces: the same path for all, with another disk behind it for each.
        disk = self.folder / ("disk" if self.are_apart else name)
        home, temporary = disk / "dagster_home", disk / "tmp"
        for folder in (home, temporary):
            folder.mkdir(parents=True, exist_ok=True)
        private = {
            **environment,
            "DAGSTER_HOME": str(home),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
        }
        if self.are_apart:
            hosts = self.folder / "hosts"
            hosts.write_text("".join(f"{names[one]} {one}\n" for one in names))
            private["VA_HOSTS"] = str(hosts)
            boot = ["sh", "-c", _BOOT.format(config=self.config), "boot"]
            command = [*host.enter, *boot, *command]
        else:
            for file in ("dagster.yaml", "workspace.yaml"):
                shutil.copy(self.config / file, home)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                list(command),
                cwd=home,
                env=private,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@contextmanager
def two_hosts(folder: Path, config: Path) -> Iterator[Hosts]:
    """Give two hosts until the block ends; what still runs on them then is killed.

    Args:
        folder: For logs and disks.
        config: Folder of `dagster.yaml` and `workspace.yaml`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not _can_be_apart():
        here = Host("", "127.0.0.1", "127.0.0.1")
        yield Hosts(here, here, "127.0.0.1", folder, config)
        return
    number = os.getpid() % 2**15
    one, two = f"va{number}a", f"va{number}b"
    net = f"10.{64 + number // 256}.{number % 256}"
    try:
        _ip("netns", "add", one)
        _ip("netns", "add", two)
        # The world's cables to both, and the one between them.
        _cable((f"va{number}0", "", f"{net}.1"), ("world", one, f"{net}.2"))
        _cable((f"va{number}1", "", f"{net}.5"), ("world", two, f"{net}.6"))
        _cable(("peer", one, f"{net}.9"), ("peer", two, f"{net}.10"))
        _ip("-n", two, "route", "add", f"{net}.0/30", "via", f"{net}.5")
        yield Hosts(
            Host(one, f"{net}.9", f"{net}.2"),
            Host(two, f"{net}.10", f"{net}.6"),
            f"{net}.1",
            folder,
            config,
        )
    finally:
        for name in (one, two):
            for pid in _pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # The cables go with the namespaces.
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _can_be_apart() -> bool:
    """Return whether this machine lets us make namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"va{os.getpid()}try"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if made.returncode:
        return False
    mounts = ["ip", "netns", "exec", name, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    mounted = subprocess.run(mounts, check=False, capture_output=True)
    subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    return mounted.returncode == 0


def _cable(left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
    """Lay a cable between two interfaces, each given as name, namespace and address."""
    ends = []
    for name, namespace, _ in (left, right):
        ends.append([name, *(["netns", namespace] if namespace else [])])
    _ip("link", "add", *ends[0], "type", "veth", "peer", "name", *ends[1])
    for name, namespace, address in (left, right):
        there = ["-n", namespace] if namespace else []
        _ip(*there, "address", "add", f"{address}/30", "dev", name)
        _ip(*there, "link", "set", name, "up")
        if namespace:
            _ip(*there, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _pids(name: str) -> list[int]:
    found = subprocess.run(
        ["ip", "netns", "pids", name], check=False, capture_output=True, text=True
    )
    return [int(one) for one in found.stdout.split()]
