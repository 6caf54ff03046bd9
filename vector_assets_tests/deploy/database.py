"""Runs a real Postgres in a temporary folder."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vector_assets_tests.deploy.hosts import Host
from vector_assets_tests.support.patience import first_answer

PASSWORD = "of the test's database/+"

_PATIENCE_SECONDS = 30.0


def binaries() -> Path | None:
    """Return the folder of the newest Postgres installed by Debian; None if there is none."""
    servers = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: float(path.parts[-3]),
    )
    return servers[-1].parent if servers else None


class Database:
    """A server; a process reaches it with `environment`.

    Args:
        folder: Holds its data.
        host: Host that runs it.
        name: Name of that host for other processes.
        port: Port to listen on.
    """

    def __init__(self, folder: Path, host: Host, name: str, port: int) -> None:
        folder_of_binaries = binaries()
        assert folder_of_binaries is not None, "Postgres is not installed"
        self._bin = folder_of_binaries
        self._folder = folder
        self._host = host
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            "POSTGRES_HOST": name,
            "POSTGRES_PORT": str(port),
            "POSTGRES_DB": "postgres",
            "POSTGRES_USER": "dagster",
            "POSTGRES_PASSWORD": PASSWORD,
        }

    def make(self) -> None:
        """Create an empty cluster."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            shutil.chown(secret, "postgres", "postgres")
        arguments = ["-U", "dagster", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        command = [*self._as_user(), str(self._bin / "initdb"), "-D", self._data, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder)
        with Path(self._data, "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "listen_addresses": "*" if self._host.name else "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._host.enter, *self._as_user(), str(self._bin / "postgres")]
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-D", self._data, *options],
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if not first_answer(self._is_up, patience_seconds=_PATIENCE_SECONDS, pause_seconds=0.1):
            raise TimeoutError((self._folder / "postgres.log").read_text()[-2000:])

    def _is_up(self) -> bool:
        with suppress(OSError):
            socket.create_connection((self._host.outside, self._port), 1).close()
            return True
        return False

    def stop(self) -> None:
        """Stop it at once; committed data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _as_user(self) -> list[str]:
        """Return what runs a command as another user, as Postgres refuses to run as root."""
        if os.geteuid() != 0:
            return []
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@contextmanager
def running_database(host: Host, name: str, port: int) -> Iterator[Database]:
    """Run a database until the block ends.

    Args:
        host: Host that runs it.
        name: Name of that host for other processes.
        port: Port to listen on.
    """
    # Only root can read pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="vector-assets-postgres-"))
    database = Database(folder, host, name, port)
    try:
        database.make()
        database.start()
        yield database
    finally:
        database.stop()
        shutil.rmtree(folder)
