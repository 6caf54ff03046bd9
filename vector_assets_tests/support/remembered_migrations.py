"""Alembic's list of Dagster's migrations, read once for all databases of a test process.

To note in a new database that it needs no migration, alembic imports the 89 files of all migrations
anew. Dagster makes such a database for each instance in memory and for each run on disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory


@contextmanager
def remembered_migrations() -> Iterator[None]:
    """Let every database of this process read the same list, until the block ends."""
    read = ScriptDirectory.from_config
    directory_by_place: dict[tuple[str, str | None], ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        place = (str(config.config_file_name), config.get_main_option("script_location"))
        if place not in directory_by_place:
            directory_by_place[place] = read(config)
        return directory_by_place[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", from_config)
        yield
