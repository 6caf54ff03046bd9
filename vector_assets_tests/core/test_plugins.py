"""Sources that other packages bring: which are used, and what is told of those that are not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vector_assets.core import plugins
from vector_assets.core.errors import SettingsError, UsageError
from vector_assets.core.meter import Meter
from vector_assets.core.settings import Settings
from vector_assets.definitions import build_defs
from vector_assets.monitoring.doctor import examine
from vector_assets.monitoring.health import measure
from vector_assets.monitoring.probes import Probes
from vector_assets.monitoring.verdict import Verdict
from vector_assets.sources import SOURCES, build_source, require_known, shown_sources

SOURCE = """
from datetime import datetime, timedelta
from vector_assets import Source
from vector_assets.core.errors import UnavailableError

class Wiki(Source):
    name = "{name}"
    description = "Pages of the wiki."
    overlap = timedelta(0)
    required_variables = ("WIKI_TOKEN",)
    secret_variables = ("WIKI_TOKEN",)

    @classmethod
    def from_settings(cls, settings, meter):
        settings.require_credentials(cls.name)
        return cls()

    def documents(self, window):
        return iter(())

    def newest(self):
        return None

    def check(self):
        import os
        raise UnavailableError("wiki", "it was asked with " + os.environ["WIKI_TOKEN"])
"""


def _forget() -> None:
    for cached in (plugins._all, plugins.plugins, plugins.broken_plugins):
        cached.cache_clear()


class Site:
    """A folder on the import path with installed packages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, package: str, entry_points: str, code: str) -> None:
        module = package.replace("-", "_")
        (self._folder / f"{module}.py").write_text(code)
        info = self._folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[vector_assets.sources]\n{entry_points}\n")
        _forget()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Site(folder)
    _forget()


def test_a_source_of_another_package_is_off_until_its_variables_are_set(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("wiki-one", "wiki = wiki_one:Wiki", SOURCE.format(name="wiki"))
    assert "wiki" in SOURCES
    assert Settings().missing_credentials("wiki") == ("WIKI_TOKEN",)
    assert "wiki" not in shown_sources(Settings())
    with pytest.raises(SettingsError, match="wiki needs WIKI_TOKEN: not set"):
        build_source("wiki", Settings(), Meter())
    monkeypatch.setenv("WIKI_TOKEN", "sesame-open-now")
    assert Settings().enabled_sources == ("wiki",)
    assert Settings(vector_assets_sources="wiki,files").enabled_sources == ("files", "wiki")
    keys = {key.to_user_string() for key in build_defs(Settings()).resolve_all_asset_keys()}
    assert {"wiki_documents", "wiki_prune"} <= keys


def test_its_secrets_are_in_no_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("wiki-two", "wiki = wiki_two:Wiki", SOURCE.format(name="wiki"))
    monkeypatch.setenv("WIKI_TOKEN", "sesame-open-now")
    [check] = [check for check in examine(Settings()) if check.service == "wiki"]
    assert check.state == "broken"
    assert "it was asked with" in check.line
    assert "sesame" not in check.line


BROKEN = {
    "import error": ("pkg_a:Wiki", "wiki", "import no_such_module", "No module named"),
    "error of its own": ("pkg_b:Wiki", "wiki", "raise RuntimeError('it is old')", "it is old"),
    "syntax error": ("pkg_c:Wiki", "wiki", "def", "SyntaxError"),
    "no such class": ("pkg_d:Wiki", "wiki", "x = 1", "AttributeError"),
    "no source": ("pkg_e:Wiki", "wiki", "class Wiki: pass", "has to be a subclass of"),
    "no class": ("pkg_f:Wiki", "wiki", "Wiki = 7", "has to be a subclass of"),
    "abstract": (
        "pkg_g:Wiki",
        "wiki",
        "from vector_assets import Source\nclass Wiki(Source): name = 'wiki'",
        "does not implement check, documents, from_settings, newest",
    ),
    "another name": ("pkg_h:Wiki", "wiki", SOURCE.format(name="pages"), "and has to be 'wiki'"),
    "a name of ours": ("pkg_i:Wiki", "jira", SOURCE.format(name="jira"), "itself has the name"),
    "an invalid name": ("pkg_j:Wiki", "My-Wiki", SOURCE.format(name="My-Wiki"), "lower-case"),
    "reserved": ("pkg_k:Wiki", "ledger", SOURCE.format(name="ledger"), "itself has the name"),
    "variables are a text": (
        "pkg_l:Wiki",
        "wiki",
        SOURCE.format(name="wiki").replace('("WIKI_TOKEN",)', '"WIKI_TOKEN"'),
        "has to be a tuple of names",
    ),
    "no description": (
        "pkg_m:Wiki",
        "wiki",
        SOURCE.format(name="wiki").replace("Pages of the wiki.", " "),
        "description has to say",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_package_that_cannot_be_used_is_named_and_the_others_work(
    site: Site, kind: str, tmp_path: Path
) -> None:
    path, name, code, words = BROKEN[kind]
    package = path.partition(":")[0].replace("_", "-")
    site.install(package, f"{name} = {path}", code)
    [broken] = plugins.broken_plugins()
    assert broken.error.startswith(f"the source {name!r} of the package {package} is not used: ")
    assert words in broken.error
    settings = Settings(files_path=str(tmp_path), vector_assets_sources="files")
    assert settings.enabled_sources == ("files",)
    assert build_defs(settings).resolve_all_asset_keys()
    assert broken.error in [check.line for check in examine(settings) if check.state == "broken"]
    health = measure(settings, Probes(settings), None)
    assert [problem.detail for problem in health.problems] == [broken.error]
    assert health.verdict is not Verdict.FRESH
    if name not in plugins.BUILT_IN:
        with pytest.raises(UsageError, match=f"package {package} is not used"):
            require_known(name)
        # Listing it in the settings stops nothing either.
        assert Settings(vector_assets_sources=f"files,{name}").enabled_sources == ("files",)


def test_two_packages_with_one_name_are_both_named(site: Site) -> None:
    site.install("wiki-three", "wiki = wiki_three:Wiki", SOURCE.format(name="wiki"))
    site.install("wiki-four", "wiki = wiki_four:Wiki", SOURCE.format(name="wiki"))
    assert {plugin.package for plugin in plugins.broken_plugins()} == {"wiki-three", "wiki-four"}
    assert all("another package has a source" in each.error for each in plugins.broken_plugins())
    assert "wiki" not in SOURCES
