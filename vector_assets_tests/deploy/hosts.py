"""Two hosts on one machine: connected network namespaces, and a disk for each process.

Without permission for namespaces, all processes share 127.0.0.1, each in a folder of its own.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# Runs in a private mount namespace.
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
    """A host, as its processes see it.

    Attributes:
        name: Name of its network namespace; empty without namespaces.
        address: Its address for the other host.
        outside: Its address for the test.
    """

    name: str
    address: str
    outside: str

    @property
    def enter(self) -> tuple[str, ...]:
        """Prefix of a command that runs it on this host."""
        return ("ip", "netns", "exec", self.name) if self.name else ()


@dataclass(frozen=True)
class Hosts:
    """Two hosts and the outside world.

    Attributes:
        first: A host.
        second: The other host.
        world: Address of vendors and of alert receivers.
        folder: Holds logs and mount points.
        config: Folder of `dagster.yaml` and `workspace.yaml`.
    """

    first: Host
    second: Host
    world: str
    folder: Path
    config: Path

    @property
    def are_apart(self) -> bool:
        """Whether they are namespaces instead of both 127.0.0.1."""
        return bool(self.first.name)

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
            name: Name of its log.
            host: Host that runs it.
            command: Program and arguments.
            environment: Its whole environment.
            names: Addresses by host name, for its `/etc/hosts`.
        """
        # With namespaces all processes share a path, where each mounts its own disk.
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
            hosts.write_text("".join(f"{names[known]} {known}\n" for known in names))
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
    """Create two hosts until the block ends, then kill their processes.

    Args:
        folder: Holds logs and disks.
        config: Folder of `dagster.yaml` and `workspace.yaml`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not _can_be_apart():
        here = Host("", "127.0.0.1", "127.0.0.1")
        yield Hosts(here, here, "127.0.0.1", folder, config)
        return
    number = os.getpid() % 2**15
    first, second = f"va{number}a", f"va{number}b"
    net = f"10.{64 + number // 256}.{number % 256}"
    try:
        _ip("netns", "add", first)
        _ip("netns", "add", second)
        # Two links to the world, and a link between the hosts.
        _link((f"va{number}0", "", f"{net}.1"), ("world", first, f"{net}.2"))
        _link((f"va{number}1", "", f"{net}.5"), ("world", second, f"{net}.6"))
        _link(("peer", first, f"{net}.9"), ("peer", second, f"{net}.10"))
        _ip("-n", second, "route", "add", f"{net}.0/30", "via", f"{net}.5")
        yield Hosts(
            Host(first, f"{net}.9", f"{net}.2"),
            Host(second, f"{net}.10", f"{net}.6"),
            f"{net}.1",
            folder,
            config,
        )
    finally:
        for name in (first, second):
            for pid in _pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # Deleting the namespaces deletes the links.
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _can_be_apart() -> bool:
    """Return whether this machine permits namespaces."""
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


def _link(left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
    """Link two interfaces, each given as name, namespace and address."""
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
    done = subprocess.run(
        ["ip", "netns", "pids", name], check=False, capture_output=True, text=True
    )
    return [int(pid) for pid in done.stdout.split()]
