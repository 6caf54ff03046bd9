"""A team's own questions: the file that `QUALITY_QUESTIONS` names, and the documents it means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from vector_assets.core.documents import PUBLIC
from vector_assets.core.errors import SettingsError
from vector_assets.index.document import is_document_id
from vector_assets.index.source_search import KEYED_SOURCE
from vector_assets.maintenance.quality.questions import Kind, Question
from vector_assets.maintenance.quality.words import fingerprint_of, words_of
from vector_assets.sources import SOURCES, source_class
from vector_assets.stores.base import Filter, VectorStore
from vector_assets.stores.records import document_id_of

MAX_QUESTIONS = 200

EXAMPLE = (
    'a list of entries such as `- {question: "How do I reset the VPN?", document: '
    '"https://acme.atlassian.net/browse/OPS-1"}`'
)


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question as the file has it, with the links of the documents that answer it."""

    text: str = field(repr=False)
    links: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """The questions that can be asked, and the links that name no public document."""

    questions: tuple[Question, ...] = ()
    unknown_links: tuple[str, ...] = ()


def read_own(path: str) -> tuple[OwnQuestion, ...]:
    """Read and check the file; none without a path.

    Raises:
        SettingsError: The file cannot be read, or an entry is not as wanted; says which line.
    """
    if not path:
        return ()
    try:
        text = Path(path).read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise SettingsError(
            f"QUALITY_QUESTIONS is {path}, which cannot be read: {reason}. Name a file of YAML "
            f"with {EXAMPLE}, or unset it"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise _refused(
            path, line, f"is no YAML ({getattr(error, 'problem', 'not read')})"
        ) from None
    if root is None:
        return ()
    if not isinstance(root, yaml.SequenceNode):
        raise _refused(path, _line(root), "is no list")
    if len(root.value) > MAX_QUESTIONS:
        raise SettingsError(
            f"{path} (QUALITY_QUESTIONS) has {len(root.value)} questions, at most {MAX_QUESTIONS} "
            f"are asked: keep those that matter most"
        )
    return tuple(_entry(path, node) for node in root.value)


def known_documents(store: VectorStore, own: Sequence[OwnQuestion]) -> OwnQuestions:
    """Return the questions with the ids of their documents, and links that name none.

    A document that is not public counts as not there: questions are asked in nobody's name.
    """
    questions, unknown = [], []
    for entry in own:
        ids = []
        for link in entry.links:
            known = _documents_of(store, link)
            ids += known
            if not known:
                unknown.append(link)
        if ids:
            words = words_of(entry.text)
            fingerprint = fingerprint_of([*words, *sorted(ids)])
            questions.append(
                Question(tuple(ids), Kind.OWN, fingerprint, len(words), 0, 0.0, entry.text)
            )
    return OwnQuestions(tuple(questions), tuple(dict.fromkeys(unknown)))


def _documents_of(store: VectorStore, link: str) -> list[str]:
    for name in SOURCES:
        source = source_class(name)
        document_id = source.document_id_of(link)
        if document_id is None:
            continue
        possible = [document_id, *source.other_ids(document_id)]
        heads = store.heads(
            name, [document_id for document_id in possible if is_document_id(document_id)]
        )
        public = [
            document_id
            for document_id in possible
            if document_id in heads and PUBLIC in heads[document_id].access
        ]
        if not public and name == KEYED_SOURCE:
            key = document_id.partition(":")[2]
            hits = store.lookup(name, where=Filter(issue_key=key), limit=1)
            public = [document_id_of(hit.id) for hit in hits]
        return public
    return []


def _entry(path: str, node: yaml.Node) -> OwnQuestion:
    if not isinstance(node, yaml.MappingNode):
        raise _refused(path, _line(node), "is no entry of question and document")
    values: dict[str, yaml.Node] = {}
    for name, value in node.value:
        if name.value not in {"question", "document", "documents"}:
            raise _refused(path, _line(name), f"has {str(name.value)!r}")
        values["question" if name.value == "question" else "document"] = value
    for name in ("question", "document"):
        if name not in values:
            raise _refused(path, _line(node), f"has no {name}")
    texts = list(_texts(path, values["question"], "question"))
    if len(texts) != 1:
        raise _refused(path, _line(values["question"]), "has a list as question")
    links = tuple(_texts(path, values["document"], "document"))
    if not links:
        raise _refused(path, _line(values["document"]), "has no document")
    return OwnQuestion(texts[0], links, _line(node))


def _texts(path: str, node: yaml.Node, name: str) -> Iterator[str]:
    """Yield a text, or the texts of a list."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for text_node in nodes:
        if not isinstance(text_node, yaml.ScalarNode) or not text_node.value.strip():
            raise _refused(path, _line(text_node), f"has a {name} that is no text")
        yield text_node.value.strip()


def _refused(path: str, line: int, seen: str) -> SettingsError:
    return SettingsError(
        f"line {line} of {path} (QUALITY_QUESTIONS) {seen}; wanted is {EXAMPLE}; `document` may "
        f"be a list of links. Correct that line"
    )


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
