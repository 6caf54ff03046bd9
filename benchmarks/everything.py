"""All benchmarks, one after the other; what is missed in one does not keep the others from running.

    python benchmarks/everything.py [../shared/workspace-data] [--folder data]

Those that read a workspace are left out, and named, where there is none. Exits 1 when one of the
others misses a target or fails. Takes about an hour; speed and the limits it keeps take half of it.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path, nargs="?", default="../shared/workspace-data")
    parser.add_argument("--folder", type=Path, default=Path("data"))
    asked = parser.parse_args()
    real, index = asked.folder / "bench", asked.folder / "bench" / "lancedb"
    of_workspace = [
        ["real_input.py", asked.workspace, "--folder", real],
        ["completeness.py", asked.workspace, "--index", index],
        ["retrieval.py", asked.workspace, "--index", index],
    ]
    others = [
        ["local_model.py", asked.workspace],
        ["scale.py", "--folder", asked.folder / "scale"],
        ["law.py", "--folder", asked.folder / "law"],
        ["speed.py"],
    ]
    has_workspace = asked.workspace.is_dir()
    missed = [
        one[0] for one in [*(of_workspace if has_workspace else ()), *others] if not _met(one)
    ]
    shutil.rmtree(asked.folder / "scale", ignore_errors=True)
    if not has_workspace:
        names = ", ".join(str(one[0]) for one in of_workspace)
        print(f"left out, for there is no workspace at {asked.workspace}: {names}")
    if missed:
        sys.exit(f"a target is missed, or it failed: {', '.join(map(str, missed))}")


def _met(command: list[str | Path]) -> bool:
    """Run one, and tell whether it met its targets."""
    script, *arguments = map(str, command)
    print(f"\n== {script}", flush=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(FOLDER / script), *arguments], check=False)
    print(f"== {script}: exit {done.returncode}, {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
