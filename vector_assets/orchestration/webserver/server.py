"""Runs Dagster's webserver behind the guard."""

import os
import signal
import socket
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vector_assets.core.errors import SettingsError
from vector_assets.core.memory import collecting_later
from vector_assets.core.settings import Settings
from vector_assets.monitoring.dagster_state.observe import require_packages
from vector_assets.orchestration.webserver.guard import Guard
from vector_assets.orchestration.webserver.hosts import allowed_hosts

if TYPE_CHECKING:
    import dagster as dg

# The defaults of `dagster-webserver`.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3600
_POOL_MAX_OVERFLOW = 20
_POLL_MS = 2000

_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Code:
    """Where Dagster's code is.

    With none of them, `workspace.yaml` in the working folder, or else the package's own code.

    Attributes:
        workspaces: Workspace files.
        modules: Python modules.
        files: Python files.
    """

    workspaces: Sequence[str] = ()
    modules: Sequence[str] = ()
    files: Sequence[str] = ()


def serve(
    settings: Settings,
    code: Code,
    *,
    host: str,
    port: int,
    path_prefix: str = "",
    is_read_only: bool = False,
    started: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve Dagster's UI and GraphQL until the process is stopped.

    Args:
        settings: Hosts under which it answers.
        code: What to load.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
        path_prefix: Path before all others, such as `/dagster`.
        is_read_only: Dagster then refuses every mutation.
        started: Called with the URL.

    Raises:
        SettingsError: `DAGSTER_HOME` is not set, or a host or the path prefix is none.
        OSError: The address is not free.
    """
    if not os.environ.get("DAGSTER_HOME"):
        raise SettingsError("DAGSTER_HOME is not set: set it to the folder of Dagster's records")
    require_packages(Path(os.environ["DAGSTER_HOME"]))
    if path_prefix and (not path_prefix.startswith("/") or path_prefix.endswith("/")):
        raise SettingsError(
            f"the path prefix is {path_prefix!r}: begin it with a slash, and end it without one"
        )
    hosts = allowed_hosts(host, settings.dagster_url, settings.dagster_allowed_hosts)
    # As Ctrl-C, so that code servers are stopped as well: uvicorn raises the signal again.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host.strip("[]"), port), family=family) as listening,
        _dagster_instance() as instance,
        guarded_app(
            instance, code, hosts, path_prefix=path_prefix, is_read_only=is_read_only
        ) as app,
    ):
        import uvicorn

        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS)
        name = f"[{host.strip('[]')}]" if ":" in host else host
        started(f"http://{name}:{listening.getsockname()[1]}{path_prefix}")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _dagster_instance() -> Iterator["dg.DagsterInstance"]:
    # Imported here, so that a wrong setting is told two seconds earlier.
    with collecting_later():
        import dagster as dg
    with dg.DagsterInstance.get() as instance:
        yield instance


@contextmanager
def guarded_app(
    instance: "dg.DagsterInstance",
    code: Code,
    hosts: Collection[str],
    *,
    path_prefix: str = "",
    is_read_only: bool = False,
) -> Iterator[Guard]:
    """Yield Dagster's webserver behind the guard, with the code loaded.

    Args:
        instance: Dagster's records.
        code: What to load.
        hosts: Names under which it answers, as `allowed_hosts` returns them.
        path_prefix: Path before all others.
        is_read_only: Dagster then refuses every mutation.
    """
    with collecting_later():
        # Not private, but documented nowhere. `dagster_webserver.cli` hands its result to uvicorn.
        from dagster_webserver.app import create_app_from_workspace_process_context
        from dagster_webserver.version import __version__ as webserver_version

        from vector_assets.monitoring.dagster_state.private import build_workspace
    instance.optimize_for_webserver(
        _STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW
    )
    code = with_packaged_workspace(code)
    with build_workspace(
        instance,
        tuple(code.workspaces),
        tuple(code.modules),
        tuple(code.files),
        version=webserver_version,
        is_read_only=is_read_only,
    ) as workspace:
        app = create_app_from_workspace_process_context(workspace, path_prefix, _POLL_MS)
        yield Guard(app, hosts)


def with_packaged_workspace(code: Code) -> Code:
    """Return where our own code is as the packaged workspace file, so that it has one name."""
    from vector_assets.orchestration.local import MODULE, packaged_workspace

    is_named = any((code.workspaces, code.modules, code.files))
    is_here = Path("workspace.yaml").exists() or _has_dagster_block(Path("pyproject.toml"))
    is_meant = MODULE in code.modules or not (is_named or is_here)
    if not is_meant:
        return code
    return Code(
        workspaces=(*code.workspaces, str(packaged_workspace())),
        modules=tuple(name for name in code.modules if name != MODULE),
        files=code.files,
    )


def _has_dagster_block(pyproject: Path) -> bool:
    """Tell whether Dagster's own commands find their code in a file."""
    return pyproject.is_file() and "dagster" in tomllib.loads(pyproject.read_text()).get("tool", {})
