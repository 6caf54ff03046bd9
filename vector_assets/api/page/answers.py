"""Search results as the page shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vector_assets.api.context import context_of, warning_of
from vector_assets.api.models import UnderstoodPart
from vector_assets.api.page.passages import Marks, passage_html, web_link
from vector_assets.index.answers import NOTHING_FITS, Answers
from vector_assets.monitoring.health import Health


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage of a document.

    Attributes:
        html: With words marked.
        link: Empty when it is of no page.
    """

    html: Markup
    link: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A document that was found.

    Attributes:
        title: As HTML, with words marked.
        passages: In the order of the document.
        link: Of the best passage; empty when it is no page.
        as_of: Newest activity of its source in the index, UTC.
        warning: What to know of its source; empty while that is fresh.
    """

    source: str
    title: Markup
    passages: tuple[PassageView, ...]
    link: str
    author: str
    container: str
    date: datetime
    as_of: datetime | None
    warning: str


@dataclass(frozen=True, slots=True)
class ResultsView:
    """Answers, how fresh their sources are, why they may be incomplete, and how it was asked."""

    answers: tuple[AnswerView, ...]
    as_of: Mapping[str, datetime | None]
    warnings: tuple[str, ...]
    understood: tuple[UnderstoodPart, ...]
    nothing_fits: str


def results_view(question: str, answers: Answers, health: Health | None) -> ResultsView:
    """Return what the page shows of the answers that the JSON route would give."""
    context = context_of(answers, health)
    marks = Marks(question)
    said = {source: warning_of(source, health) for source in context.as_of}
    return ResultsView(
        tuple(
            AnswerView(
                source=answer.source,
                title=marks.mark(answer.title or answer.document_id),
                passages=tuple(
                    PassageView(passage_html(passage.text, marks), web_link(passage.url))
                    for passage in answer.passages
                ),
                link=web_link(answer.link),
                author=answer.author,
                container=answer.container,
                date=answer.date,
                as_of=context.as_of.get(answer.source),
                warning=told if (told := said.get(answer.source, "")) in context.warnings else "",
            )
            for answer in context.answers
        ),
        context.as_of,
        tuple(context.warnings),
        tuple(context.understood),
        "" if answers.fits_well else NOTHING_FITS,
    )
