"""Checks that every word that people wrote is in the index.

Syncs a folder of real data through the sandbox, or takes an index that a sync has filled. Compares
the words of each raw record with the words of its chunks and metadata, and prints missing words by
source and by their place in the record. Exits 1 when a word is lost without a rule below.

    python benchmarks/completeness.py ../shared/workspace-data [--index data/bench/lancedb]
"""

import argparse
import os
import re
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lancedb
from raw_words import pieces
from real_input import run, served

WORD = re.compile(r"\w+")

RULES = {
    ("fireflies", "participants"): "who attended decides who may read, and is no text",
    ("fireflies", "organizer"): "who attended decides who may read, and is no text",
    ("jira", "absent issue's summary"): "a linked issue that Jira does not show us is named by key",
    ("slack", "emoji"): "an emoji is shown as its character",
}
"""Places whose words do not count as lost, and why."""

SCHEMES = {"http", "https", "mailto"}
"""A link whose text is its own address is shown without its scheme."""

REDACTED = "[redacted: "


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--index", type=Path, help="A LanceDB that a sync of this folder filled.")
    parser.add_argument("--folder", type=Path, default=Path("data/completeness"))
    options = parser.parse_args()
    index = options.index or synced(options.workspace, options.folder)
    lost_count = sum(
        compare(source, raw, index) for source, raw in pieces(options.workspace).items()
    )
    print(f"{lost_count} words are lost" if lost_count else "no word is lost")
    sys.exit(1 if lost_count else 0)


def synced(workspace: Path, folder: Path) -> Path:
    """Sync a folder into a new index and return it; the sandbox's embeddings are the fastest."""
    shutil.rmtree(folder, ignore_errors=True)
    with served(workspace) as environment:
        os.environ.update(environment, VECTOR_STORE="lancedb", EMBEDDING_PROVIDER="openai")
        os.environ["LANCEDB_URI"] = str(folder / "lancedb")
        os.environ["EMBEDDING_DIMENSIONS"] = "64"
        for report in run("sync"):
            redacted, failed = report.total.redacted_secrets, report.total.failed_documents
            print(f"{report.source}: {redacted} secrets redacted, {failed} documents failed")
    return folder / "lancedb"


def compare(source: str, raw: Iterator[tuple[str, str, str]], index: Path) -> int:
    """Print the missing words of a source; return how many are lost without a rule."""
    texts, fields, secrets = stored(source, index)
    redacted: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    only_fields: Counter[str] = Counter()
    lost: defaultdict[str, list[str]] = defaultdict(list)
    missing: set[str] = set()
    for document, place, text in raw:
        if document not in texts:
            missing.add(document)
            continue
        for word in words(text) - SCHEMES:
            seen[place] += 1
            if word in texts[document]:
                continue
            if word in fields[document]:
                only_fields[place] += 1
            elif is_in_pieces(word, texts[document]):
                continue
            elif redacted[document] < secrets[document]:
                redacted[document] += 1
            else:
                lost[place].append(f"{word} ({document})")
    print(f"\n{source}: {len(texts):,} documents, {seen.total():,} words of raw records")
    if missing:
        print(f"  {len(missing)} documents are not in the index, such as {sorted(missing)[:3]}")
    if redacted:
        print(f"  {redacted.total()} by rule: secrets, of which {secrets.total()} were replaced")
    for place, count in seen.most_common():
        if only_fields[place]:
            print(f"  {place}: {only_fields[place]:,} of {count:,} stand in fields alone")
        if lost[place]:
            rule = RULES.get((source, place))
            examples = ", ".join(dict.fromkeys(lost[place]))[:400]
            reason = f"by rule: {rule}" if rule else f"LOST, such as {examples}"
            print(f"  {place}: {len(lost[place]):,} of {count:,} {reason}")
    return len(missing) + sum(
        len(lost_words) for place, lost_words in lost.items() if (source, place) not in RULES
    )


Words = dict[str, set[str]]


def stored(source: str, index: Path) -> tuple[Words, Words, Counter[str]]:
    """Return by document id the words of chunks, the words of fields, and the number of secrets."""
    table = lancedb.connect(str(index)).open_table(source)
    columns = [name for name in table.schema.names if name != "vector"]
    texts: defaultdict[str, set[str]] = defaultdict(set)
    fields: defaultdict[str, set[str]] = defaultdict(set)
    secrets: Counter[str] = Counter()
    for row in table.search().select(columns).limit(None).to_list():
        document_id = row["document_id"]
        texts[document_id] |= words(row["text"])
        fields[document_id] |= words(" ".join(flat(row)))
        secrets[document_id] += row["text"].count(REDACTED)
    return dict(texts), dict(fields), secrets


def flat(row: dict[str, Any]) -> Iterator[str]:
    """Yield the fields of a row as texts, without its `text`."""
    for name, value in row.items():
        if name != "text" and value is not None:
            yield " ".join(value) if isinstance(value, list) else str(value)


def words(text: str) -> set[str]:
    """Return the words of a text in lower case; underscores separate words, as in mark-up."""
    return {word for run_of in WORD.findall(text.lower()) for word in run_of.split("_") if word}


def is_in_pieces(word: str, kept: set[str]) -> bool:
    """Tell whether the pieces of a word are among the kept words.

    The end of a chunk may cut a long word, and a change of style within a word splits it in two.
    """
    if any(word[:n] in kept and word[n:] in kept for n in range(2, len(word) - 1)):
        return True
    rest = word
    while rest:
        piece = next((rest[:n] for n in range(len(rest), 7, -1) if rest[:n] in kept), None)
        if piece is None:
            return bool(rest != word and any(other.startswith(rest) for other in kept))
        rest = rest[len(piece) :]
    return True


if __name__ == "__main__":
    main()
