"""What a source has to be: a class with four verbs, so that a fifth source is a form to fill.

Keep out: anything that one vendor alone needs.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Self

from vector_assets.documents import SourceItem, Window
from vector_assets.meter import Meter
from vector_assets.settings import Settings


class Source(ABC):
    """A place where a team keeps its knowledge, read through its vendor's own SDK.

    Attributes:
        name: As it stands in ids, namespaces and asset names: `jira`.
        overlap: How far before a day its window begins, because the vendor's search lags.
        newest_every: How often `newest` may be asked by those who watch all day.
    """

    name: ClassVar[str]
    overlap: ClassVar[timedelta]
    newest_every: ClassVar[timedelta] = timedelta(minutes=10)

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, meter: Meter) -> Self:
        """Build it from the settings; no request is made until a verb is called.

        Raises:
            SettingsError: A setting that it needs is missing; names the variables.
        """

    @abstractmethod
    def documents(self, window: Window) -> Iterator[SourceItem]:
        """Yield each document whose last activity lies in the window, whole, once.

        A document that cannot be read is yielded as a `DocumentFailure` and the others go on. A
        listing that fails part-way raises: a cut listing must never pass for a complete one.

        Raises:
            RetryableError: The vendor throttles past the ceiling, or does not answer.
            CredentialsError: The vendor refuses the credentials.
            ContractError: The vendor's answer cannot be what it says, such as a repeated page.
        """

    @abstractmethod
    def newest(self) -> datetime | None:
        """Return the last activity of the newest item at the vendor, with one cheap request.

        None when the vendor holds nothing that we may read.
        """

    @abstractmethod
    def check(self) -> str:
        """Ask the vendor whether the credentials work; return who we are, in one line.

        Raises:
            CredentialsError: With what to fix.
            UnavailableError: The vendor cannot be reached.
        """
