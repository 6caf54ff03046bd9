"""Words of the command line that several commands take: days, sources, `--json`.

Keep out: the commands themselves (`cli.py` and the `cli_*.py` beside it).
"""

from datetime import date
from typing import Any

import click

from vector_assets.errors import UsageError
from vector_assets.settings import Settings
from vector_assets.sources import require_known


class DayType(click.ParamType[date]):
    """A UTC day, `YYYY-MM-DD`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with what was wanted."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: write it as 2026-03-31", param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
"""Every command that has a result takes it."""


def named_or_enabled(sources: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """Return the sources to work on, each checked.

    Raises:
        UsageError: A name is unknown, or none is given and none is on.
        SettingsError: A named source has no credentials.
    """
    for name in sources:
        require_known(name)
        settings.require_credentials(name)
    names = tuple(dict.fromkeys(sources)) or settings.enabled_sources
    if not names:
        raise UsageError(
            "no source is on: set the credentials of one (`vector-assets doctor` names them), "
            "or try `vector-assets demo`"
        )
    return names
