"""Copies a workspace without what would give its questions away.

- Jira's links between issues go: the question about a duplicate is the summary of the duplicate,
  which stands in the links of the issue that is to be found.
- Summaries of meetings go: the questions about meetings were written from them.

    python benchmarks/clean_workspace.py ../shared/workspace-data data/clean
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from raw_words import lines


def main() -> None:
    """Copy a workspace."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("copy", type=Path)
    options = parser.parse_args()
    copy_clean(options.workspace, options.copy)


def copy_clean(workspace: Path, copy: Path) -> None:
    """Copy a workspace to a folder that is replaced."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(workspace, copy, copy_function=shutil.copyfile)
    for folder in (copy, *copy.glob("**/")):
        folder.chmod(0o755)
    issues = list(lines(workspace / "jira/issues.jsonl"))
    for issue in issues:
        issue["fields"]["issuelinks"] = []
    _write(copy / "jira/issues.jsonl", issues)
    meetings = [
        {**transcript, "summary": {}}
        for transcript in lines(workspace / "fireflies/transcripts.jsonl")
    ]
    _write(copy / "fireflies/transcripts.jsonl", meetings)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


if __name__ == "__main__":
    main()
