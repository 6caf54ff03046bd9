"""Response models of the HTTP routes, as OpenAPI shows them."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from vector_assets.index.question.parsed import Kind
from vector_assets.monitoring.why.answer import Cause


class Refusal(BaseModel):
    """Why a request was not served."""

    detail: str


class Pulse(BaseModel):
    """The overall verdict."""

    verdict: str = Field(description="fresh, late, unknown or stale.")


class DocumentConfirmation(BaseModel):
    """What a document's source says of it, when it is asked."""

    verdict: str = Field(description="unchanged, edited, or no answer.")
    edited_at: datetime | None = Field(
        description="Last activity at the source, UTC, of what was edited; null if it is not told."
    )
    reason: str = Field(description="Why there is no answer; empty otherwise.")


class FoundPassage(BaseModel):
    """A part of a document that was found."""

    text: str = Field(description="In Markdown.")
    url: str = Field(description="Of the passage: the comment, the message, the second.")
    chunk: int = Field(description="Its place in the document, from 0.")


class FoundAnswer(BaseModel):
    """A document that was found, with its passages that answer."""

    title: str
    text: str = Field(description="The best passage, in Markdown.")
    link: str = Field(description="Of the best passage.")
    passages: list[FoundPassage] = Field(
        description="At most three, the best among them, in the order of the document."
    )
    author: str
    date: datetime = Field(description="Of the last activity, UTC.")
    score: float = Field(description="From 0 to 1, comparable between questions.")
    source: str
    container: str = Field(description="Project, channel or database.")
    document_id: str
    confirmation: DocumentConfirmation | None = Field(
        default=None, description="What its source says now; absent without `confirm`."
    )


class UnderstoodPart(BaseModel):
    """A part of the question that was taken for more than words."""

    words: str = Field(description="As they stand in the question.")
    kind: Kind = Field(description="Name it in `ignore` to take it back.")
    meaning: str = Field(description="What the words were understood as.")
    applied: bool = Field(description="Whether it changed the answers; if not, `meaning` says why.")


class FoundContext(BaseModel):
    """The answers to a question."""

    answers: list[FoundAnswer] = Field(description="Best first, each document once.")
    as_of: dict[str, datetime | None] = Field(
        description="By source, the newest activity in the index; null when it has none."
    )
    left_out: dict[str, int] | None = Field(
        default=None,
        description="With `confirm`, how many documents are `deleted` or `not readable` at their "
        "source, and so not among the answers; absent without.",
    )
    warnings: list[str] = Field(description="Reasons why the answers may be incomplete or old.")
    fits_well: bool = Field(
        description="False when nothing in the index fits the question well, so that the answers "
        "are only the nearest."
    )
    understood: list[UnderstoodPart] = Field(
        description="How the question was understood; empty when it was taken word for word."
    )


class Places(BaseModel):
    """In which places a question puts a document, from 1; null below all candidates."""

    by_words: int | None
    by_meaning: int | None
    fused: int | None = Field(description="In the answer, if it had no limit.")
    limit: int = Field(description="How many documents the answer has at most.")


class Explained(BaseModel):
    """Why a document is not found."""

    asked: str = Field(description="As it was sent.")
    cause: Cause = Field(description="The first place on its way where it is lost.")
    sentence: str
    advice: str = Field(description="What to do; empty when there is nothing to do.")
    document_id: str = Field(description="Empty when none is known to who asks.")
    title: str = Field(description="Of the document in the index.")
    link: str
    ranks: Places | None = Field(description="Null without a question.")
    notes: list[str]


class NotRead(BaseModel):
    """Something of a source that is not read."""

    subject: str
    reason: str
    advice: str = Field(description="Empty when there is nothing to do.")
    count: int


class InQuarantine(BaseModel):
    """A document that failed; each nightly run retries it."""

    document_id: str
    cause: str = Field(description="Of the last failure.")
    day: date | None = Field(description="UTC day of its last activity, if known.")
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


class EventLag(BaseModel):
    """How long changes took from their event to being found, in seconds, as upper bounds."""

    p50_at_most: float | None = Field(description="Of half of them; null beyond an hour.")
    p95_at_most: float | None = Field(description="Of 95 %; null beyond an hour.")


class AnswerQuality(BaseModel):
    """How questions whose answer is known were answered in the newest examination."""

    asked: int = Field(description="Number of questions.")
    hit_at_1: float = Field(description="Share whose document came first.")
    hit_at_10: float = Field(description="Share whose document was among the first ten.")
    mrr: float = Field(description="Mean reciprocal rank.")
    p95_seconds: float = Field(description="Within which 95 % of them were answered.")


class SourceAge(BaseModel):
    """How fresh a source is."""

    source: str
    verdict: str = Field(description="fresh, late, unknown or stale.")
    reasons: list[str]
    last_sync: datetime | None
    age_hours: float | None
    is_stale: bool = Field(description="Whether the verdict is not fresh.")
    watermark: datetime | None = Field(description="Newest activity in the index.")
    newest_at_source: datetime | None
    lag_seconds: float | None
    vectors: int
    newest_day: date | None = Field(description="Newest materialized day.")
    missing_days: list[date]
    documents: int | None = Field(description="Number of documents of the newest day.")
    usual_documents: float | None
    failed_documents: int = Field(description="Number of documents in quarantine.")
    quarantine: list[InQuarantine] = Field(
        description="The first hundred of them; for keys for any viewer only, as readers of a "
        "document that failed are not known."
    )
    waiting_changes: int = Field(description="Documents that events said have changed.")
    changes_wait_since: datetime | None
    event_lag_seconds: EventLag | None = Field(description="Null before the first event.")
    rereads: dict[str, int] = Field(
        description="Documents that the next nightly run reads again, because confirmed answers "
        "showed them changed; by what their source says of them."
    )
    gaps: list[NotRead] = Field(description="What the newest run did not read, and why.")
    quality: AnswerQuality | None = Field(description="Null when none was asked of it.")


class SyncStatus(BaseModel):
    """How fresh everything is."""

    verdict: str
    checked_at: datetime
    all_fresh: bool
    stale_count: int
    sources: list[SourceAge]
    canary_found_at: datetime | None = Field(
        description="When search last found the document that is written each night."
    )
    examined_at: datetime | None = Field(description="When the answers were last examined.")
    answers: str | None = Field(
        description="`not worse`, `worse`, `nothing to compare with yet`, `not enough to examine`."
    )
    own_questions: AnswerQuality | None = Field(
        description="Of the questions that QUALITY_QUESTIONS names."
    )
    problems: list[str] = Field(description="Such as a dead daemon.")
    notes: list[str]


class BackfillLaunched(BaseModel):
    """A backfill that Dagster has accepted."""

    backfill_id: str
    source: str
    days: list[date]
    status_url: str


class BackfillState(BaseModel):
    """The state of a backfill."""

    backfill_id: str
    source: str
    status: str = Field(description="Dagster's own status.")
    days: dict[date, str] = Field(description="waiting, running, materialized or failed.")
    is_finished: bool
    has_failed: bool
    error: str
