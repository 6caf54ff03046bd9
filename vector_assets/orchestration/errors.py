"""Turns our errors into Dagster's retries and failures; others keep their traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from vector_assets.core.credentials import scrub_error
from vector_assets.core.errors import RateLimitedError, RetryableError, VectorAssetsError


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of a step.

    Attributes:
        delay_seconds: Before the second attempt; doubles with each one after it.
    """

    number: int
    max_retries: int
    delay_seconds: float

    def is_retried_after(self, error: BaseException) -> bool:
        """Return whether this error leads to another attempt.

        A rate limit does not: the run has already waited as long as allowed, and another attempt
        would repeat its requests.
        """
        is_temporary = isinstance(error, RetryableError) and not isinstance(error, RateLimitedError)
        return is_temporary and self.number < self.max_retries


@contextmanager
def converted_errors(attempt: Attempt) -> Iterator[None]:
    """Turn our errors into a retry, or into a failure with the error's message.

    Raises:
        RetryRequested: For a retryable error while attempts are left. A `RetryPolicy` would retry
            every error, even wrong credentials and bugs.
        Failure: For our other errors.
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
    """Remove credentials from any error: Dagster records it with all of its causes."""
    try:
        yield
    except BaseException as error:
        scrub_error(error)
        raise
