"""Our errors in Dagster's words: what may succeed later is tried again, the rest fails by name.

An error that is not ours is a bug: it passes through and ends the run with its own traceback.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from vector_assets.core.credentials import scrub_error
from vector_assets.core.errors import RateLimitedError, RetryableError, VectorAssetsError


@dataclass(frozen=True, slots=True)
class Attempt:
    """Where a step stands with its retries.

    Attributes:
        number: 0 for the first attempt.
        max_retries: Attempts after the first.
        delay_seconds: Before the second attempt; doubles with each one after it.
    """

    number: int
    max_retries: int
    delay_seconds: float

    def is_retried_after(self, error: BaseException) -> bool:
        """Tell whether this error leads to another attempt.

        A rate limit does not: its ceiling is what a run may wait, and a second attempt would begin
        by asking for everything again.
        """
        may_pass = isinstance(error, RetryableError) and not isinstance(error, RateLimitedError)
        return may_pass and self.number < self.max_retries


@contextmanager
def failing_by_name(attempt: Attempt) -> Iterator[None]:
    """Turn this project's errors into a retry, or into a failure whose text is the message.

    Raises:
        RetryRequested: For a retryable error while attempts are left. A `RetryPolicy` would try
            every error again, wrong credentials and bugs among them.
        Failure: For every other error of ours.
    """
    try:
        with _without_credentials():
            yield
    except VectorAssetsError as error:
        if attempt.is_retried_after(error):
            raise dg.RetryRequested(
                max_retries=attempt.max_retries,
                seconds_to_wait=attempt.delay_seconds * 2**attempt.number,
            ) from error
        raise dg.Failure(description=str(error), allow_retries=False) from error


@contextmanager
def _without_credentials() -> Iterator[None]:
    """Free any error that passes from credentials: Dagster records it with all of its causes."""
    try:
        yield
    except BaseException as error:
        scrub_error(error)
        raise
