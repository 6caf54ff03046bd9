"""Maps over an iterator with threads, in order, with a bounded number of items in flight."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL_SECONDS = 0.1


def run_both(here: Callable[[], Item], there: Callable[[], Result]) -> tuple[Item, Result]:
    """Make two calls concurrently and return both results; raise what either raises."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(there)
        return here(), asked.result()


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items while a thread draws the next two, such as pages that each take a request.

    What drawing raises is raised here, after the items before it.
    """
    return map_ordered(lambda item: item, items, in_flight=1)


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], *, in_flight: int
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in the items' order, several at a time.

    One thread draws the items while others work and the caller consumes. What drawing or a call
    raises is raised here, after the results before it. Closing the iterator stops the threads
    after their current call, and closes the items where they are drawn. While the consumer holds a
    result, `in_flight` items are worked on or wait for it; one more is drawn before drawing waits.
    """
    handover: queue.Queue[Future[Result] | None] = queue.Queue(maxsize=max(1, in_flight - 1))
    stop = threading.Event()
    own_threads: set[int | None] = set()
    pool = ThreadPoolExecutor(
        in_flight,
        thread_name_prefix="work",
        initializer=lambda: own_threads.add(threading.get_ident()),
    )
    drawer = threading.Thread(
        target=_draw, args=(function, items, pool, handover, stop), name="draw", daemon=True
    )
    drawer.start()
    own_threads.add(drawer.ident)
    try:
        while (future := handover.get()) is not None:
            yield future.result()
    finally:
        stop.set()
        # An iterator that nobody closed may be collected in one of its own threads, which cannot
        # wait for itself.
        is_outside = threading.get_ident() not in own_threads
        if is_outside:
            drawer.join()
        pool.shutdown(wait=is_outside, cancel_futures=True)


def _draw(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    pool: ThreadPoolExecutor,
    handover: "queue.Queue[Future[Result] | None]",
    stop: threading.Event,
) -> None:
    """Draw items and hand over the future of each; end with None, or with what drawing raised."""

    def hand_over(future: Future[Result] | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                handover.put(future, timeout=_POLL_SECONDS)
                return

    iterator = iter(items)
    try:
        for item in iterator:
            if stop.is_set():
                return
            hand_over(pool.submit(function, item))
    except BaseException as error:  # noqa: BLE001 - carried to the consumer, who raises it
        failed: Future[Result] = Future()
        failed.set_exception(error)
        hand_over(failed)
    else:
        hand_over(None)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
