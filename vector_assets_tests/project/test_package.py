"""The package as an index would get it: what it holds, how it reads there, and that it runs."""

import re
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from vector_assets_tests.support.wheel import ROOT, copy_sources, install_wheel, packages, run

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT: dict[str, Any] = PYPROJECT["project"]
NAME = f"vector_assets-{PROJECT['version']}"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
OF_REPOSITORY = re.compile(
    r"https://(?:github\.com/vector-assets/vector-assets/(?:blob|tree)"
    r"|raw\.githubusercontent\.com/vector-assets/vector-assets)/main/([^#]+)"
)


def source_files() -> set[str]:
    """Return every file of the package, from the repository's root."""
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "vector_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the wheel and the source distribution, built from a copy."""
    copy = tmp_path_factory.mktemp("copy")
    copy_sources(copy)
    # What lies about in a folder where somebody works.
    for name in (".env", "data/up/sandbox.env", "build/lib/vector_assets/old.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("secret\n")
    run(sys.executable, "-m", "build", "--no-isolation", ".", folder=copy)
    return copy / "dist"


def test_both_files_pass_the_checks_of_an_index(built: Path) -> None:
    files = sorted(built.iterdir())
    assert [path.name for path in files] == [f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"]
    checked = run(sys.executable, "-m", "twine", "check", "--strict", *files, folder=built)
    assert checked.count("PASSED") == 2


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    info = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    assert names - info == source_files()
    assert f"{NAME}.dist-info/licenses/LICENSE" in info
    assert {
        "vector_assets/py.typed",
        "vector_assets/orchestration/dagster.yaml",
        "vector_assets/pipeline/redaction/redaction_rules.yml",
        "vector_assets/sandbox/sample_workspace/slack/users.json",
    } <= names


def test_the_source_distribution_builds_the_same_and_holds_no_tests(built: Path) -> None:
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        names = {
            member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()
        }
    own = {name for name in names if not name.startswith("vector_assets.egg-info/")}
    assert own == source_files() | {
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
    }


def test_the_installed_wheel_runs_outside_the_repository(built: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    python = install_wheel(built / f"{NAME}-py3-none-any.whl", fresh)
    place = run(
        python, "-c", "import vector_assets; print(vector_assets.__file__)", folder=tmp_path
    )
    assert place.strip() == str(packages(fresh) / "vector_assets" / "__init__.py")
    shown = run(fresh / "bin" / "vector-assets", "--help", folder=tmp_path)
    assert "Keep a vector index" in shown


def test_no_link_of_the_readme_is_relative_and_those_into_the_repository_lead_to_a_file() -> None:
    links = [first or second for first, second in LINK.findall((ROOT / "README.md").read_text())]
    assert len(links) > 10
    assert [link for link in links if not link.startswith("https://")] == []
    paths = [match[1] for link in links if (match := OF_REPOSITORY.match(link))]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_link_of_the_metadata_is_to_the_repository_that_the_readme_names() -> None:
    assert all(url.startswith(PROJECT["urls"]["Homepage"]) for url in PROJECT["urls"].values())
    assert f"{PROJECT['urls']['Homepage']}/blob/main/LICENSE" in (ROOT / "README.md").read_text()


def pythons() -> list[str]:
    """Return the Python versions that the metadata names."""
    prefix = "Programming Language :: Python :: "
    return [
        value.removeprefix(prefix)
        for value in PROJECT["classifiers"]
        if re.fullmatch(rf"{prefix}3\.\d+", value)
    ]


def test_the_workflows_test_every_python_that_is_named() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == pythons()
    first, last = pythons()[0], pythons()[-1]
    after = f"3.{int(last.split('.')[1]) + 1}"
    assert PROJECT["requires-python"] == f">={first},<{after}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_valid_and_runs_commands_that_exist(path: Path) -> None:
    tool = Path(sys.executable).parent / "check-jsonschema"
    run(tool, "--builtin-schema", "vendor.github-workflows", path, folder=ROOT)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"\bmake ((?:[a-z-]+ ?)+)", path.read_text())
    assert named
    assert {target for names in named for target in names.split()} <= set(targets)


def test_the_core_of_the_tests_is_files_that_exist() -> None:
    shown = run("make", "--dry-run", "--silent", "test-core", folder=ROOT)
    paths = re.findall(r"vector_assets_tests/[a-z_/0-9.]+", shown)
    assert len(paths) >= 4
    assert [path for path in paths if not (ROOT / path).exists()] == []


def normalized(requirement: str) -> str:
    """Return the name of a requirement as an index writes it."""
    name = re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_lock_is_of_this_pyproject() -> None:
    """Run `make lock` when it is not."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    [own] = [package for package in lock["package"] if package["name"] == PROJECT["name"]]
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *(entry for names in extras.values() for entry in names)]
    assert lock["requires-python"] == PROJECT["requires-python"].replace(",", ", ")
    locked = {
        entry["name"]: entry.get("specifier", "") for entry in own["metadata"]["requires-dist"]
    }
    assert set(locked) == {normalized(requirement) for requirement in wanted}
    for requirement in wanted:
        bounds = re.findall(r"[<>=!~]=?[\d.]+", requirement.partition(";")[0])
        assert sorted(re.findall(r"[<>=!~]=?[\d.]+", locked[normalized(requirement)])) == sorted(
            bounds
        )


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r'"(\w+://[^/"]+)', (ROOT / "uv.lock").read_text()))
    assert hosts <= {
        "https://pypi.org",
        "https://files.pythonhosted.org",
        "https://download.pytorch.org",
    }


def pinned(name: str) -> dict[str, str]:
    """Return the version of each package in a file of constraints."""
    lines = (ROOT / name).read_text().splitlines()
    return {normalized(line): line.partition("==")[2] for line in lines if "==" in line}


def applies(requirement: Requirement) -> bool:
    """Tell whether a requirement is one of Python 3.11, without an extra."""
    environment = {"python_version": "3.11", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(environment)


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
def test_the_constraints_lie_in_the_range_of_every_dependency(name: str) -> None:
    pins = pinned(name)
    optional = PROJECT["optional-dependencies"]
    requirements = [
        Requirement(entry)
        for entry in [
            *PROJECT["dependencies"], *optional["postgres"], *optional["kubernetes"],
            *optional["dev"],
        ]
    ]  # fmt: skip
    needed = [entry for entry in requirements if applies(entry)]
    assert [str(entry) for entry in needed if normalized(entry.name) not in pins] == []
    assert [
        str(entry) for entry in needed if pins[normalized(entry.name)] not in entry.specifier
    ] == []


def test_what_the_oldest_set_pins_does_not_exclude_each_other() -> None:
    """Run `make constraints` when it does; told only of releases that are installed here."""
    pins = pinned("constraints-oldest.txt")
    same = [each for each in distributions() if pins.get(normalized(each.name)) == each.version]
    assert len(same) > len(pins) // 4
    requirements = [
        (each.name, requirement)
        for each in same
        for requirement in map(Requirement, each.requires or ())
        if applies(requirement)
    ]
    assert [
        f"{name} wants {requirement}"
        for name, requirement in requirements
        if pins.get(normalized(requirement.name), "") not in requirement.specifier
    ] == []


def test_the_oldest_set_is_the_lowest_of_dagsters_range() -> None:
    pins = (ROOT / "constraints-oldest.txt").read_text().splitlines()
    lowest = [
        re.sub(r"(>=)([\d.]+),.*", r"==\2", entry)
        for entry in PROJECT["dependencies"]
        if entry.startswith("dagster")
    ]
    assert len(lowest) == 2
    assert set(lowest) <= set(pins)
