"""What the tools of the MCP server return, made from what the index returned."""

from vector_assets.api.context import (
    NOT_KNOWN,
    confirmation_of,
    left_out_of,
    understood_of,
    warning_of,
    warnings_of,
)
from vector_assets.api.mcp_models import FoundPassages, OpenedDocument, Passage, QuotedPassage
from vector_assets.index.answers import Answer, Answers
from vector_assets.index.document import Page
from vector_assets.monitoring.health import Health


def found_passages(answers: Answers, health: Health | None) -> FoundPassages:
    """Return the answers to a question."""
    return FoundPassages(
        is_complete=answers.is_complete,
        fits_well=answers.fits_well,
        answers=[_passage(answer, answers, health) for answer in answers.answers],
        as_of=dict(answers.as_of),
        left_out=left_out_of(answers),
        warnings=warnings_of(answers, health),
        understood=understood_of(answers),
    )


def _passage(answer: Answer, answers: Answers, health: Health | None) -> Passage:
    return Passage(
        title=answer.title,
        passage=answer.passage,
        link=answer.url,
        passages=[
            QuotedPassage(text=passage.text, url=passage.url, chunk=passage.chunk)
            for passage in answer.passages
        ],
        author=", ".join(answer.authors),
        date=answer.updated_at,
        source=answer.source,
        container=answer.container,
        document_id=answer.document_id,
        score=answer.score,
        as_of=answers.as_of.get(answer.source),
        verdict=_verdict(answer.source, health),
        warning=warning_of(answer.source, health) if health else NOT_KNOWN,
        confirmation=confirmation_of(answer, answers),
    )


def opened_document(page: Page, health: Health | None) -> OpenedDocument:
    """Return a page of a document."""
    warnings = []
    if page.missing_chunks:
        warnings.append(
            f"{page.missing_chunks} parts of this page are missing from the index: open the link "
            f"for the whole text."
        )
    if not page.is_whole_version:
        warnings.append(
            "The document was not written completely: parts may be of an older version."
        )
    return OpenedDocument(
        document_id=page.document_id,
        title=page.title,
        text=page.text,
        link=page.url,
        author=", ".join(page.authors),
        created=page.created_at,
        date=page.updated_at,
        source=page.source,
        container=page.container,
        verdict=_verdict(page.source, health),
        warning=warning_of(page.source, health) if health else NOT_KNOWN,
        next_cursor=page.next_cursor,
        warnings=warnings,
    )


def _verdict(source: str, health: Health | None) -> str:
    measured = {state.source: state.verdict for state in health.sources} if health else {}
    return str(measured.get(source, "unknown"))
