"""What the HTTP routes answer, as the OpenAPI page shows it."""

from datetime import date, datetime

from pydantic import BaseModel, Field


class Refusal(BaseModel):
    """Why a request was not served."""

    detail: str


class Pulse(BaseModel):
    """How everything is, in one word."""

    verdict: str = Field(description="fresh, late, unknown or stale.")


class FoundAnswer(BaseModel):
    """A document that answers, with the passage that does so best."""

    title: str
    text: str = Field(description="The passage, in Markdown.")
    link: str
    author: str
    date: datetime = Field(description="Of the last activity, UTC.")
    score: float = Field(description="From 0 to 1; comparable within one question only.")
    source: str
    container: str = Field(description="Project, channel or database.")
    document_id: str


class FoundContext(BaseModel):
    """What a question found."""

    answers: list[FoundAnswer] = Field(description="Best first, each document once.")
    as_of: dict[str, datetime | None] = Field(
        description="By source, the newest activity that the index knows; null when it has none."
    )
    warnings: list[str] = Field(description="What to know before trusting the answers.")


class NotRead(BaseModel):
    """Something of a source that is not read."""

    subject: str
    reason: str
    advice: str = Field(description="Empty when nothing need be done.")
    count: int


class InQuarantine(BaseModel):
    """A document that failed; it is tried again each night."""

    document_id: str
    cause: str = Field(description="Of its last failure.")
    day: date | None = Field(description="UTC day of its last activity, where that is known.")
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


class SourceAge(BaseModel):
    """How fresh a source is."""

    source: str
    verdict: str = Field(description="fresh, late, unknown or stale.")
    reasons: list[str]
    last_sync: datetime | None
    age_hours: float | None
    is_stale: bool = Field(description="Whether the verdict is anything but fresh.")
    watermark: datetime | None = Field(description="Newest activity in the index.")
    newest_at_source: datetime | None
    lag_seconds: float | None
    vectors: int
    newest_day: date | None = Field(description="Newest day that has been materialized.")
    missing_days: list[date]
    documents: int | None = Field(description="That the newest day brought.")
    usual_documents: float | None
    failed_documents: int = Field(description="How many are in quarantine.")
    quarantine: list[InQuarantine] = Field(description="The first hundred of them.")
    gaps: list[NotRead] = Field(description="What the newest run did not read, and why.")


class SyncStatus(BaseModel):
    """How fresh everything is."""

    verdict: str
    checked_at: datetime
    all_fresh: bool
    stale_count: int
    sources: list[SourceAge]
    canary_found_at: datetime | None = Field(
        description="When the document that is written each night was last found by search."
    )
    problems: list[str] = Field(description="Such as a daemon that is dead.")
    notes: list[str]


class BackfillLaunched(BaseModel):
    """A backfill that Dagster has taken."""

    backfill_id: str
    source: str
    days: list[date]
    status_url: str


class BackfillState(BaseModel):
    """How far a backfill is."""

    backfill_id: str
    source: str
    status: str = Field(description="Dagster's own word.")
    days: dict[date, str] = Field(description="waiting, running, materialized or failed.")
    is_finished: bool
    has_failed: bool
    error: str
