"""Committed events, handed to whoever waits for them in this process.

Two ways to wait: a `Subscription` gets every event in commit order (event streams), `watching(job_id)` tells of the
next event about one job (waiting for a job to end). A slow subscriber never slows the others: its buffer is bounded,
and when it overflows the subscription says so and its reader goes on from the store.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lilac.model.events import Event
from lilac.model.ids import JobId

_BUFFER = 2048


class Subscription:
    """An async iterator of events from the moment of subscribing on. Use as `async with`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._buffer: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self.overflowed = False
        """Set when events were dropped because the reader was slow: read the store from the last seq on."""

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._bus.unsubscribe(self)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while not self._buffer:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._buffer.popleft()

    def put(self, events: Sequence[Event]) -> None:
        if len(self._buffer) + len(events) > _BUFFER:
            self._buffer.clear()
            self.overflowed = True
        self._buffer.extend(events[-_BUFFER:])
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()


class Bus:
    """Not thread-safe: everything happens on the event loop's thread."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._job_waiters: dict[JobId, list[asyncio.Future[None]]] = {}
        self.closed = asyncio.Event()

    def publish(self, events: Sequence[Event]) -> None:
        """Take the events of one commit, in order."""
        for subscription in self._subscriptions:
            subscription.put(events)
        if self._job_waiters:
            for event in events:
                for waiter in self._job_waiters.pop(event.job_id, ()) if event.job_id else ():
                    if not waiter.done():
                        waiter.set_result(None)

    def subscribe(self) -> Subscription:
        subscription = Subscription(self)
        if self.closed.is_set():
            subscription.close()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        subscription.close()

    @contextmanager
    def watching(self, job_id: JobId) -> Iterator[asyncio.Future[None]]:
        """A future that resolves at the next event about this job, or when the bus closes; forgotten at the end."""
        future = self._changed(job_id)
        try:
            yield future
        finally:
            future.cancel()

    def close(self) -> None:
        """Let every waiter go: the process is ending."""
        self.closed.set()
        for subscription in list(self._subscriptions):
            subscription.close()
        for waiters in list(self._job_waiters.values()):
            for waiter in list(waiters):
                if not waiter.done():
                    waiter.set_result(None)
        self._job_waiters.clear()

    def _changed(self, job_id: JobId) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.closed.is_set():
            future.set_result(None)
            return future
        waiters = self._job_waiters.setdefault(job_id, [])
        waiters.append(future)
        future.add_done_callback(lambda done: self._forget(job_id, done))
        return future

    def _forget(self, job_id: JobId, future: asyncio.Future[None]) -> None:
        waiters = self._job_waiters.get(job_id)
        if waiters is not None and future in waiters:
            waiters.remove(future)
            if not waiters:
                del self._job_waiters[job_id]
