"""What is acknowledged is in the queue, and whoever waits hears of any failure."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from vector_assets.api.hooks import writer as module
from vector_assets.api.hooks.writer import QueueWriter
from vector_assets.core.errors import RetryableError, UnavailableError
from vector_assets.index.ledger import Ledger
from vector_assets.index.queue import Change, ChangeQueue
from vector_assets.stores.lancedb.store import LanceDBStore

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def change(number: int) -> list[Change]:
    return [Change(f"jira:{number}", NOW)]


class Slow(ChangeQueue):
    """A queue whose first group waits until it is let go; records its groups."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.groups: list[int] = []
        self.may_end = threading.Event()

    def add(self, changes: Sequence[Change]) -> None:  # type: ignore[override]
        assert self.may_end.wait(60)
        self.groups.append(len(changes))
        super().add(changes)


@pytest.fixture
def queue(tmp_path: object) -> Slow:
    return Slow(Ledger(LanceDBStore(str(tmp_path)), 8))


def test_changes_that_come_meanwhile_are_written_together(queue: Slow) -> None:
    async def deliver() -> None:
        writer = QueueWriter(lambda: queue)
        first = asyncio.create_task(writer.write(change(0)))
        await asyncio.sleep(0)
        others = [asyncio.create_task(writer.write(change(number))) for number in range(1, 20)]
        await asyncio.sleep(0)
        assert not first.done()
        queue.may_end.set()
        await asyncio.gather(first, *others)

    asyncio.run(deliver())
    assert queue.groups == [1, 19]
    assert len(queue.waiting()) == 20


def test_a_full_queue_is_refused_and_takes_more_later(
    queue: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 2)

    async def deliver() -> None:
        writer = QueueWriter(lambda: queue)
        accepted = []
        for number in range(3):
            accepted.append(asyncio.create_task(writer.write(change(number))))
            await asyncio.sleep(0)
        with pytest.raises(RetryableError, match="2 changes wait to be written"):
            await writer.write(change(9))
        queue.may_end.set()
        await asyncio.gather(*accepted)
        await writer.write(change(10))

    asyncio.run(deliver())
    assert {each.document_id for each in queue.waiting()} == {
        f"jira:{number}" for number in (0, 1, 2, 10)
    }


@pytest.mark.parametrize(
    ("raised", "seen", "words"),
    [
        (UnavailableError("the index", "it is away"), RetryableError, "could not be queued: the"),
        (ValueError("a bug"), ValueError, "a bug"),
    ],
)
def test_whoever_waits_gets_any_failure(
    raised: Exception, seen: type[Exception], words: str
) -> None:
    def away() -> ChangeQueue:
        raise raised

    async def deliver() -> None:
        writer = QueueWriter(away)
        for number in range(2):
            with pytest.raises(seen, match=words):
                await writer.write(change(number))

    asyncio.run(deliver())
