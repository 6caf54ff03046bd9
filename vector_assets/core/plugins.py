"""Sources that other packages bring, by the entry-point group `vector_assets.sources`.

A package that cannot be used is kept with the reason, so that it is told and the others work.
"""

import inspect
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUP = "vector_assets.sources"

BUILT_IN = ("jira", "slack", "notion", "fireflies", "files")

_TAKEN = (*BUILT_IN, "ledger", "canary", "embedding", "index")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_BASE = ("vector_assets.sources.base", "Source")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A source of another package.

    Attributes:
        path: Import path of its class, `package.module:Class`.
        error: Why it cannot be used; empty when it can, and else the rest is empty.
        required_variables: Without these it is off.
        secret_variables: Their values are removed from errors and logs.
    """

    name: str
    package: str
    path: str
    description: str = ""
    error: str = ""
    required_variables: tuple[str, ...] = ()
    secret_variables: tuple[str, ...] = ()

    @property
    def missing_variables(self) -> tuple[str, ...]:
        """Variables that it needs and that are not set."""
        return tuple(
            name for name in self.required_variables if not os.environ.get(name, "").strip()
        )

    @property
    def secrets(self) -> Iterator[str]:
        """The values of its secret variables."""
        return (value for name in self.secret_variables if (value := os.environ.get(name, "")))


@cache
def plugins() -> dict[str, Plugin]:
    """Return the sources of installed packages that can be used, by name; imports them."""
    return {plugin.name: plugin for plugin in _all() if not plugin.error}


@cache
def broken_plugins() -> tuple[Plugin, ...]:
    """Return the sources of installed packages that cannot be used, with the reasons."""
    return tuple(plugin for plugin in _all() if plugin.error)


@cache
def _all() -> tuple[Plugin, ...]:
    points = {
        (point.name, point.value, _package(point)): point for point in entry_points(group=GROUP)
    }
    names = Counter(name for name, _, _ in points)
    return tuple(
        _plugin(point, is_repeated=names[point.name] > 1)
        for point in sorted(points.values(), key=lambda point: (point.name, _package(point)))
    )


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value.partition(":")[0]


def _plugin(point: EntryPoint, *, is_repeated: bool) -> Plugin:
    package = _package(point)
    problem = _problem_of_name(point.name, is_repeated=is_repeated)
    cls: Any = None
    if not problem:
        try:
            cls = point.load()
        except Exception as error:  # noqa: BLE001 - another package's import may raise anything
            problem = f"importing {point.value} raises {type(error).__name__}: {error}"
        else:
            problem = _problem_of_class(cls, point.name)
    if problem:
        words = " ".join(problem.split())[:500]
        advice = f"Fix or update {package}, or uninstall it (pip uninstall {package})."
        error_text = (
            f"the source {point.name!r} of the package {package} is not used: {words}. {advice}"
        )
        return Plugin(point.name, package, point.value, error=error_text)
    return Plugin(
        point.name,
        package,
        point.value,
        " ".join(cls.description.split()),
        "",
        tuple(cls.required_variables),
        tuple(cls.secret_variables),
    )


def _problem_of_name(name: str, *, is_repeated: bool) -> str:
    if name in _TAKEN:
        return f"vector-assets itself has the name {name!r}; it needs another"
    if not _NAME.fullmatch(name):
        return (
            "its name has to be lower-case letters, digits and underscores, at most 32, and to "
            "begin with a letter"
        )
    return "another package has a source of that name too" if is_repeated else ""


def _problem_of_class(cls: Any, name: str) -> str:
    bases = cls.__mro__ if isinstance(cls, type) else ()
    if _BASE not in [(base.__module__, base.__name__) for base in bases]:
        return f"it is {cls!r}, and has to be a subclass of vector_assets.Source"
    if inspect.isabstract(cls):
        return f"{cls.__name__} does not implement {', '.join(sorted(cls.__abstractmethods__))}"
    if getattr(cls, "name", None) != name:
        return f"{cls.__name__}.name is {getattr(cls, 'name', None)!r}, and has to be {name!r}"
    if not isinstance(getattr(cls, "overlap", None), timedelta):
        return f"{cls.__name__}.overlap has to be a timedelta"
    if not isinstance(cls.description, str) or not cls.description.strip():
        return f"{cls.__name__}.description has to say in a line what a document is"
    for attribute in ("required_variables", "secret_variables"):
        names = getattr(cls, attribute)
        if not isinstance(names, tuple | list) or not all(
            isinstance(variable, str) and _VARIABLE.fullmatch(variable) for variable in names
        ):
            return (
                f"{cls.__name__}.{attribute} is {names!r}, and has to be a tuple of names of "
                f"environment variables such as ('GITHUB_TOKEN',)"
            )
    return ""
