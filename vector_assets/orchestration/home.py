"""The folder in which Dagster keeps its records, made ready to survive killed processes."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

CONFIGURATION = "dagster.yaml"


def prepare_home(folder: Path) -> Path:
    """Make a folder fit to be `DAGSTER_HOME`; a configuration that stands there stays.

    Its databases are made here and now: webserver and daemon that start together on an empty folder
    both make them, and one of the two dies of it.

    Args:
        folder: Made when it does not exist.

    Returns:
        Its absolute path.
    """
    home = folder.absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (home / CONFIGURATION).exists():
        with as_file(files("vector_assets.orchestration") / CONFIGURATION) as ours:
            shutil.copyfile(ours, home / CONFIGURATION)
    with dg.DagsterInstance.from_config(str(home)):
        pass
    return home
