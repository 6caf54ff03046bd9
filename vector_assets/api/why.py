"""`GET /api/why`: why a document is not found, as far as who asks may know."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Query, Request

from vector_assets.api.keys import require_read_or_admin_key
from vector_assets.api.models import Explained, Places
from vector_assets.api.parameters import Day, IgnoredKinds, WordForWord, require_known
from vector_assets.api.reading import (
    MAX_ANSWERS,
    MAX_QUESTION_CHARACTERS,
    Question,
    source_names,
    why_of,
)
from vector_assets.core.read_keys import ReadKey
from vector_assets.index.question.parsed import ParseOptions
from vector_assets.monitoring.why.answer import Why

if TYPE_CHECKING:
    from vector_assets.api.app import Services

PATH = "/api/why"

DocumentName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=MAX_QUESTION_CHARACTERS,
        description="A link, an id, a key, or words of it in quotation marks.",
    ),
]
AskingViewer = Annotated[
    str,
    Query(
        description="E-mail of the person who asks, who is told what they may read. Without one, "
        "the admin key and keys for any viewer are told everything."
    ),
]


def add_why(app: FastAPI, services: "Services", responses: dict[int | str, dict[str, Any]]) -> None:
    """Add the route."""

    @app.get(PATH, dependencies=[Depends(require_known)], responses=responses)
    async def why(
        request: Request,
        key: Annotated[ReadKey, Depends(require_read_or_admin_key)],
        document: DocumentName,
        q: Annotated[
            str,
            Query(
                max_length=MAX_QUESTION_CHARACTERS,
                description="Question that should have found it.",
            ),
        ] = "",
        source: Annotated[
            list[str] | None,
            Query(description="That it was narrowed to; may be repeated or comma-separated."),
        ] = None,
        container: Annotated[list[str] | None, Query(description="Likewise.")] = None,
        since: Annotated[Day | None, Query(description="First day asked for.")] = None,
        until: Annotated[Day | None, Query(description="Day before which was asked.")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_ANSWERS)] = 10,
        literal: WordForWord = False,
        ignore: IgnoredKinds = None,
        viewer: AskingViewer = "",
    ) -> Explained:
        """Tell why a document is not found: the first place on its way where it is lost."""
        question = Question(
            q,
            source_names(source or ()),
            tuple(container or ()),
            since,
            until,
            limit,
            parse_options=ParseOptions.of(literal=literal, ignore=ignore or ()),
        )
        return Explained.model_validate(
            explained(await why_of(document, question, key, viewer, request, services))
        )


def explained(answer: Why) -> dict[str, Any]:
    """Return the fields of an answer, as each interface sends them."""
    ranks = answer.ranks
    return {
        **answer.as_json(),
        "notes": list(answer.notes),
        "ranks": Places(
            by_words=ranks.by_words,
            by_meaning=ranks.by_meaning,
            fused=ranks.fused,
            limit=ranks.limit,
        )
        if ranks
        else None,
    }
