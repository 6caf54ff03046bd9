"""Search results with the freshness of their sources, as every interface returns them."""

from typing import Any

from vector_assets.api.models import (
    DocumentConfirmation,
    FoundAnswer,
    FoundContext,
    FoundPassage,
    UnderstoodPart,
)
from vector_assets.index.answers import Answer, Answers
from vector_assets.monitoring.health import Health
from vector_assets.monitoring.verdict import Verdict

NOT_KNOWN = "How fresh the sources are is not known: the watcher has not checked lately."


def warning_of(source: str, health: Health | None) -> str:
    """Return what a reader has to know of a source that is not fresh; empty when it is."""
    measured = (
        next((state for state in health.sources if state.source == source), None)
        if health
        else None
    )
    if measured is None or measured.verdict is Verdict.FRESH:
        return ""
    return f"{source} is {measured.verdict}: {'; '.join(measured.reasons_for_readers)}"


def warnings_of(answers: Answers, health: Health | None) -> list[str]:
    """Return why the answers may be incomplete or old."""
    watermarks = {state.source: state.watermark for state in health.sources} if health else {}
    warnings = list(answers.warnings)
    for name, as_of in answers.as_of.items():
        # What was synced after the watcher's check is newer than its verdict.
        if name in watermarks and as_of == watermarks[name] and (said := warning_of(name, health)):
            warnings.append(said)
    if health is None:
        warnings.append(NOT_KNOWN)
    return warnings


def confirmation_of(answer: Answer, answers: Answers) -> DocumentConfirmation | None:
    """Return what the source of an answer says of it; None when it was not asked."""
    if answers.confirmation is None:
        return None
    confirmed = answers.confirmation.by_document[answer.document_id]
    return DocumentConfirmation(
        verdict=confirmed.verdict, edited_at=confirmed.edited_at, reason=confirmed.reason
    )


def passages_of(answer: Answer) -> list[FoundPassage]:
    """Return the passages of an answer, in the order of its document."""
    return [
        FoundPassage(text=passage.text, url=passage.url, chunk=passage.chunk)
        for passage in answer.passages
    ]


def left_out_of(answers: Answers) -> dict[str, int] | None:
    """Return how many documents are not handed out, by verdict; None when none was asked for."""
    if answers.confirmation is None:
        return None
    return {str(verdict): count for verdict, count in answers.confirmation.left_out.items()}


def understood_of(answers: Answers) -> list[UnderstoodPart]:
    """Return how the question was understood."""
    return [
        UnderstoodPart.model_validate(constraint.as_json()) for constraint in answers.understood
    ]


def context_of(answers: Answers, health: Health | None) -> FoundContext:
    """Return answers as the HTTP route shows them; `health` is None when it is not known."""
    return FoundContext(
        answers=[
            FoundAnswer(
                title=answer.title,
                text=answer.passage,
                link=answer.url,
                passages=passages_of(answer),
                author=", ".join(answer.authors),
                date=answer.updated_at,
                score=answer.score,
                source=answer.source,
                container=answer.container,
                document_id=answer.document_id,
                **_if_any(confirmation=confirmation_of(answer, answers)),
            )
            for answer in answers.answers
        ],
        as_of=dict(answers.as_of),
        warnings=warnings_of(answers, health),
        fits_well=answers.fits_well,
        understood=understood_of(answers),
        **_if_any(left_out=left_out_of(answers)),
    )


def _if_any(**fields: Any) -> dict[str, Any]:
    """Return fields that have a value; the route leaves out those that are not given."""
    return {name: value for name, value in fields.items() if value is not None}
