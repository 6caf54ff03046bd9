"""Rules of the house that no linter knows: sizes, docstrings, documents that match the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from vector_assets.cli.main import app
from vector_assets.core import errors
from vector_assets.core.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = sorted((ROOT / "vector_assets").rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
TESTS = sorted((ROOT / "vector_assets_tests").rglob("*.py"))
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports_of(node: ast.AST) -> list[str]:
    """Return each module and name that a statement imports, with dots."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_a_file_holds_one_concept_and_says_which(path: Path) -> None:
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text)) or ""
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert docstring
    is_package = path.name == "__init__.py" and path.parent != ROOT / "vector_assets"
    assert ("Keep out: " in docstring) == is_package


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    long = [
        f"{function.name}: {function.end_lineno - function.lineno + 1} lines"
        for function in functions(ast.parse(path.read_text()))
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_numbers_of_something_say_of_what(path: Path) -> None:
    unclear = re.compile(r"^(timeout|delay|interval|size|limit|length|duration|age|budget)$")
    bare = [
        f"{node.lineno}: {target.id}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and unclear.match(target.id.lower())
    ]
    assert bare == []


@pytest.mark.parametrize("path", [*CODE, *BENCHMARKS], ids=name_of)
def test_variables_are_named_for_what_they_are(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    assigned = [
        (node.id, node.lineno)
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    arguments = [(node.arg, node.lineno) for node in nodes if isinstance(node, ast.arg)]
    vague = {"each", "found", "it", "one", "stuff", "thing", "things", "tmp"}
    assert [(name, line) for name, line in assigned + arguments if name in vague] == []


@pytest.mark.parametrize("path", sorted((ROOT / "vector_assets" / "orchestration").glob("*.py")),
                         ids=name_of)  # fmt: skip
def test_modules_of_dagster_do_not_postpone_annotations(path: Path) -> None:
    assert "from __future__ import annotations" not in path.read_text()


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_every_expected_error_is_expected_by_its_words(path: Path) -> None:
    careless = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "pytest.raises"
        and not any(keyword.arg == "match" for keyword in node.keywords)
    ]
    assert careless == []


def test_only_generations_open_an_index_without_asking_which_one_is_live() -> None:
    opened = [
        name_of(path)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "vector_assets.stores"
        and any(name.name == "build_store" for name in node.names)
    ]
    assert opened == ["vector_assets/index/generations.py"], (
        "import it from vector_assets.index.generations"
    )


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=name_of)
def test_one_module_imports_what_dagster_keeps_private(path: Path) -> None:
    """A new release of Dagster may break these imports: one file then shows which."""
    imported = [
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imports_of(node)
        if name.startswith(("dagster._", "dagster_shared."))
    ]
    allowed = {
        "vector_assets/monitoring/dagster_state/private.py",
        "vector_assets_tests/support/dagster_private.py",
    }
    assert bool(imported) == (name_of(path) in allowed), imported


def test_suppressions_are_few() -> None:
    lines = [line for path in CODE for line in path.read_text().splitlines()]
    suppressed = [line for line in lines if re.search(r"#\s*(noqa|type:\s*ignore)", line)]
    assert len(suppressed) <= 3 * len(lines) / 1000


def test_every_error_stands_in_the_tree_of_its_module() -> None:
    names = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert all(name.endswith("Error") for name in names)
    assert [name for name in names if name not in (errors.__doc__ or "")] == []


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`", text))
    assert documented == {name.upper() for name in Settings.model_fields}


def commands() -> dict[str, click.Command]:
    return dict(app.commands)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_in_the_documents_and_teaches(name: str) -> None:
    everything = "\n".join(path.read_text() for path in DOCS)
    assert f"vector-assets {name}" in everything
    command = commands()[name]
    assert command.help
    assert all(
        option.help or option.name == "as_json" or option.name in {"host", "limit"}
        for option in command.params
        if isinstance(option, click.Option)
    )


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_files_named_in_documents_exist(path: Path) -> None:
    text = path.read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|\.md|\.toml|\.yaml|/))`", text))
    links = set(re.findall(r"\]\((?!http)([^)#]+)\)", text))
    roots = [ROOT, ROOT / "vector_assets", ROOT / "vector_assets_tests", path.parent]
    # Vendor packages share file names: `client.py` alone names each of them.
    shared = {
        path_below.name + "/" * path_below.is_dir()
        for path_below in (ROOT / "vector_assets").rglob("[a-z]*")
    }
    missing = [
        name
        for name in (named | links) - shared
        if not any((root / name).exists() for root in roots)
    ]
    assert missing == []
