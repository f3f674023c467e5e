"""Keeps what `lilac top` shows up to date: told by the event stream when to look, looking at most once a second.

Two threads with a client each (a client is for one thread): one follows the events and only says that something
changed, the other looks. While the control plane cannot be reached both try again for ever, and say so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lilac.cli.live_use import Uses
from lilac.cli.top.screen import LIVE
from lilac.client.patience import Patience
from lilac.model.errors import Forbidden, LilacError, NotFound, Unavailable

if TYPE_CHECKING:
    from lilac.client import Client
    from lilac.client.shapes import Job, Node, Queue, UsageSample

LOOK_AT_MOST_EVERY_S = 1.0
LOOK_AT_LEAST_EVERY_S = 10.0
MOST_JOBS = 500
TURNS = 50
USES_AT_ONCE = 10
USES_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    nodes: Sequence[Node]
    queues: Sequence[Queue]
    jobs: Sequence[Job]
    more_jobs: bool
    waits: Mapping[str, str]
    """Why jobs wait, of those at the head of their queues."""
    uses: Mapping[str, UsageSample]


def look(client: Client, uses: Uses | None = None) -> Seen:
    """One look at everything: nodes, queues, each state of jobs, each queue in which some wait, and what a few use."""
    pages = [client.jobs.list(status=word, limit=MOST_JOBS) for word in LIVE]
    jobs = [job for page, word in zip(pages, LIVE, strict=True) for job in _in_order(page["jobs"], word)]
    queues = client.queues.list()
    uses = Uses(client) if uses is None else uses
    return Seen(
        nodes=sorted(client.nodes.list(), key=lambda node: node.get("name") or node["id"]),
        queues=queues,
        jobs=jobs,
        more_jobs=any(page.get("next") for page in pages),
        waits=_reasons(client, queues),
        uses=uses.look(jobs, most=USES_AT_ONCE, every_s=USES_EVERY_S),
    )


def _reasons(client: Client, queues: Sequence[Queue]) -> Mapping[str, str]:
    reasons: dict[str, str] = {}
    for queue in queues:
        if queue.get("waiting_jobs"):
            with suppress(NotFound, Forbidden):  # It has just gone, or is an original control plane's.
                line = client.queues.line(queue["id"], limit=TURNS)["jobs"]
                reasons |= {turn["job_id"]: turn["message"] for turn in line if turn["message"]}
    return reasons


class Watch:
    """Runs the two threads. `told` gets each new look, or the sentence of what is wrong."""

    def __init__(self, connect: Callable[[], Client], told: Callable[[Seen | str], None]) -> None:
        self._connect = connect
        self._told = told
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._changed.set()
        self._threads = [
            threading.Thread(target=work, name=f"lilac-top-{name}", daemon=True)
            for name, work in (("events", self._follow), ("looking", self._look))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def refresh(self) -> None:
        """Look again soon."""
        self._changed.set()

    def close(self) -> None:
        """Both threads end by themselves; a stream that is silent is left to the end of the process."""
        self._closed.set()
        self._changed.set()

    def _follow(self) -> None:
        while not self._closed.is_set():
            try:
                with self._connect() as client:
                    for _ in client.events.follow(patience=Patience(limit_s=float("inf"), told=self._broken)):
                        self._changed.set()
                        if self._closed.is_set():
                            return
            except LilacError:
                self._closed.wait(LOOK_AT_MOST_EVERY_S)

    def _broken(self, _error: Unavailable) -> None:
        self._changed.set()  # the look will say why

    def _look(self) -> None:
        with self._connect() as client:
            uses = Uses(client)
            while not self._closed.is_set():
                began = time.monotonic()
                self._changed.clear()
                try:
                    self._told(look(client, uses))
                except Unavailable as error:
                    self._told(f"Reconnecting: {error}")
                    self._changed.set()
                except LilacError as error:
                    self._told(str(error))
                self._closed.wait(max(0.0, began + LOOK_AT_MOST_EVERY_S - time.monotonic()))
                self._changed.wait(LOOK_AT_LEAST_EVERY_S)


def _in_order(jobs: Sequence[Job], state: str) -> Sequence[Job]:
    """Waiting ones in the order of their turn as far as it can be told here, the others newest first."""
    return list(reversed(jobs)) if state == "queued" else jobs
