"""Runs all benchmarks in sequence; a failure of one does not stop the others.

    python benchmarks/everything.py [../shared/workspace-data] [--folder data]

Without a workspace it skips the benchmarks that read one and names them. Exits 1 when a benchmark
misses a target or fails. Takes about an hour, half of it for `speed.py`.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?", default="../shared/workspace-data")
    parser.add_argument("--folder", type=Path, default=Path("data"))
    options = parser.parse_args()
    real, index = options.folder / "bench", options.folder / "bench" / "lancedb"
    of_workspace = [
        ["real_input.py", options.workspace, "--folder", real],
        ["completeness.py", options.workspace, "--index", index],
        ["redaction.py", options.workspace],
        ["retrieval.py", options.workspace, "--folder", options.folder / "retrieval"],
        ["typed_questions.py", "--index", index],
        ["passages.py", options.workspace, "--index", index],
    ]
    others = [
        ["local_model.py", options.workspace],
        ["scale.py", "--folder", options.folder / "scale"],
        ["law.py", "--folder", options.folder / "law"],
        ["serving.py", "--folder", options.folder / "serving"],
        ["events.py", "--folder", options.folder / "events"],
        ["flood.py", "--folder", options.folder / "flood"],
        ["speed.py"],
    ]
    has_workspace = options.workspace.is_dir()
    commands = [*of_workspace, *others] if has_workspace else others
    missed = [command[0] for command in commands if not _met(command)]
    shutil.rmtree(options.folder / "scale", ignore_errors=True)
    if not has_workspace:
        names = ", ".join(str(command[0]) for command in of_workspace)
        print(f"left out, for there is no workspace at {options.workspace}: {names}")
    if missed:
        sys.exit(f"a target is missed, or it failed: {', '.join(map(str, missed))}")


def _met(command: list[str | Path]) -> bool:
    """Run a benchmark and tell whether it met its targets."""
    script, *arguments = map(str, command)
    print(f"\n== {script}", flush=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(FOLDER / script), *arguments], check=False)
    print(f"== {script}: exit {done.returncode}, {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
