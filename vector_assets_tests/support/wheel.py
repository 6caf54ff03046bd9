"""The package as others get it: its wheel, in an environment outside the repository.

Belongs here: building the wheel from a copy, an environment that holds it, and programs of that
environment. Keep what is checked about the package out.
"""

import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, folder: Path) -> str:
    """Run a command; return its output."""
    ended = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def copy_sources(folder: Path) -> None:
    """Copy into a folder what the package is built from."""
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("vector_assets", "vector_assets_tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def build_wheel(folder: Path) -> Path:
    """Return the wheel that a copy of the repository in this empty folder makes."""
    copy_sources(folder)
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", ".", folder=folder)
    [wheel] = (folder / "dist").glob("*.whl")
    return wheel


def install_wheel(wheel: Path, environment: Path) -> Path:
    """Make a new environment with this wheel; return its Python.

    Its dependencies come from the environment of the tests, so that nothing is fetched; only the
    package itself is the wheel's.
    """
    run(sys.executable, "-m", "venv", "--without-pip", environment, folder=wheel.parent)
    python = environment / "bin" / "python"
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index",
        "--disable-pip-version-check", wheel, folder=wheel.parent,
    )  # fmt: skip
    # A path in a .pth file is searched, but its own .pth files, an editable install, are not read.
    dependencies = sysconfig.get_path("purelib")
    (packages(environment) / "dependencies.pth").write_text(dependencies + "\n")
    return python


def packages(environment: Path) -> Path:
    """Return the folder of an environment that packages are installed into."""
    [folder] = (environment / "lib").glob("python*/site-packages")
    return folder


def add_program(python: Path, name: str) -> None:
    """Put a program of the dependencies beside an environment's Python, to run in it."""
    [entry] = entry_points(group="console_scripts", name=name)
    program = python.parent / name
    program.write_text(
        f"#!{python}\n"
        f"import sys\nfrom {entry.module} import {entry.attr} as main\n"
        # A step that runs in a process of its own imports this file again.
        "if __name__ == '__main__':\n    sys.exit(main())\n"
    )
    program.chmod(0o755)
