"""Every error that this project raises by name.

A type says what to do; a message says what was seen, what was wanted and what to do next.

    VectorAssetsError
    ├── RetryableError            the same call may succeed later
    │   ├── RateLimitedError      a service throttles for longer than a run may wait
    │   ├── UnavailableError      a service did not answer, or answered 5xx
    │   └── SwitchedIndexError    the index was switched to another generation during the run
    ├── FatalError                a person has to change something first
    │   ├── SettingsError         a setting is missing, malformed or contradicts another
    │   ├── UsageError            a command was given an argument that it does not know
    │   ├── ForeignViewerError    a key was used for a viewer that it may not read for
    │   ├── CredentialsError      a service refuses the credentials, or they lack a scope
    │   ├── ContractError         a service answered what its contract rules out
    │   ├── IndexMismatchError    the index has another spec than the settings
    │   ├── LostWriteError        the index does not hold what was written to it
    │   ├── BudgetSpentError      a run was allowed so many calls or dollars, and they are spent
    │   └── CanaryError           search does not find the canary document
    └── SkippableError            one document is bad, its neighbours are not
        └── DocumentError         the document cannot be fetched, rendered, embedded or written
"""

from vector_assets.core.credentials import scrub

_MAX_CAUSE_CHARACTERS = 300


def cause_of(error: Exception) -> str:
    """Return any error as one line fit for a person, without our credentials.

    An error that is not ours means that a service answered what this code does not expect.
    """
    if isinstance(error, VectorAssetsError):
        return str(error)
    if isinstance(error, TimeoutError):
        return scrub(str(error) or "no answer in time")
    try:
        words = f"{error}"
    except Exception:  # noqa: BLE001 - an error without words has a name all the same
        words = "it has no words"
    message = " ".join(f"{type(error).__name__}: {words}".split())
    return scrub(f"the answer was not understood ({message[:_MAX_CAUSE_CHARACTERS]})")


class VectorAssetsError(Exception):
    """Base of every error in this project; its message is one line, without our credentials."""

    def __init__(self, *words: object) -> None:
        super().__init__(*(scrub(str(word)) for word in words))

    def __setattr__(self, name: str, value: object) -> None:
        clean = scrub(value) if isinstance(value, str) else value
        super().__setattr__(name, clean)


class RetryableError(VectorAssetsError):
    """The same call may succeed later; this run ends and the next one continues."""


class RateLimitedError(RetryableError):
    """A service throttles for longer than a run may wait."""

    def __init__(self, service: str, *, waited_seconds: float, ceiling_seconds: float) -> None:
        super().__init__(
            f"{service} is rate limited: waited {waited_seconds:.0f} s, at most "
            f"{ceiling_seconds:.0f} s are allowed in a row. Run the same days again later; "
            f"what was written stays."
        )
        self.service = service


class UnavailableError(RetryableError):
    """A service could not be reached, or answered with a server error."""

    def __init__(
        self, service: str, seen: str, next_step: str = "Run the same days again later."
    ) -> None:
        super().__init__(f"{service} did not answer: {seen}. {next_step}")
        self.service = service
        self.seen = seen


class SwitchedIndexError(RetryableError):
    """The index was switched to another generation during the run; its writes may not be live."""


class FatalError(VectorAssetsError):
    """The same call fails again until a person changes something."""


class SettingsError(FatalError):
    """A setting is missing, malformed, or contradicts another."""


class UsageError(FatalError):
    """A command was given an argument that it does not know."""


class ForeignViewerError(FatalError):
    """A key was used for a viewer that it may not read for."""


class CredentialsError(FatalError):
    """A service refuses our credentials, or they lack a permission that we need.

    `seen` is the service's own error, never the credential.
    """

    def __init__(self, service: str, seen: str, next_step: str) -> None:
        super().__init__(f"{service} refuses the credentials: {seen}. {next_step}")
        self.service = service
        self.seen = seen


class ContractError(FatalError):
    """A service answered what its contract rules out, such as the same page token twice."""

    def __init__(self, service: str, seen: str, wanted: str) -> None:
        super().__init__(
            f"{service} answered {seen}, where {wanted} was wanted. Nothing after this point was "
            f"read; if it happens again, report it with the vendor's status page in hand."
        )
        self.service = service
        self.seen = seen


class IndexMismatchError(FatalError):
    """The index has another spec than the settings: model, dimensions, chunker or layout."""


class LostWriteError(FatalError):
    """The index does not hold what was written to it; the run must fail."""


class BudgetSpentError(FatalError):
    """A run has spent its budget before it was finished; what it wrote stays."""

    def __init__(self, spent: str) -> None:
        super().__init__(
            f"the budget is spent: {spent}. What was written stays; the same command goes on from "
            f"there"
        )


class CanaryError(FatalError):
    """The canary was written and search does not find it: its answers cannot be trusted."""

    def __init__(self, seen: str) -> None:
        super().__init__(
            f"the canary was written into the index, and {seen}. Run `vector-assets doctor "
            f"--canary` to try again; look at the status pages of the index and the embedder"
        )
        self.seen = seen


class SkippableError(VectorAssetsError):
    """One document is bad; the others are not affected."""


class DocumentError(SkippableError):
    """A document cannot be fetched, rendered, embedded or written."""

    def __init__(self, document_id: str, cause: str) -> None:
        super().__init__(f"{document_id} was left as it stands in the index: {cause}")
        self.document_id = document_id
        self.cause = cause
