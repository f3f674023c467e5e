"""How far a job is that is still starting: one line on a terminal, drawn over itself.

While somebody waits for the first output of a job, a thread asks for the job now and then and draws what it tells. Its
first question comes late enough that a job with a cached image never sees one. Where standard error is no terminal
nothing is drawn. Drawn by hand, as the tables are: see decision 3.
"""

from __future__ import annotations

import shutil
import sys
import threading
from typing import TYPE_CHECKING

from lilac.cli import wording
from lilac.model.errors import LilacError

if TYPE_CHECKING:
    from types import TracebackType

    from lilac.client import Client
    from lilac.client.shapes import Progress

FIRST_LOOK_S = 0.7
LOOK_EVERY_S = 0.5
_BAR = 24
_WORDS = {"pull": "Pulling the image"}


def in_words(progress: Progress) -> str:
    """`Pulling the image: 312 MB of 1.2 GB (26 %)`; without a total just what has come."""
    what = _WORDS.get(progress["step"], progress["step"])
    done, total = progress["done"], progress["total"]
    if not total:
        return f"{what}: {wording.size(done)}"
    return f"{what}: {wording.size(done)} of {wording.size(total)} ({_share(done, total):.0%})"


def line(progress: Progress, width: int) -> str:
    """The same with a bar, at most `width` columns wide."""
    words = in_words(progress)
    total = progress["total"]
    if not total:
        return words[:width]
    full = round(_share(progress["done"], total) * _BAR)
    return f"[{'#' * full}{'-' * (_BAR - full)}] {words}"[:width]


class Watch:
    """Draws the progress of a job until `stop` or the end of the block."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._stopped = threading.Event()
        self._drawing = threading.Lock()
        self._drawn = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        if sys.stderr.isatty():
            self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def stop(self) -> None:
        """Draw no more, and clear the line: what follows is the job's output."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        with self._drawing:
            self._draw("")

    def _look(self) -> None:
        pause_s = FIRST_LOOK_S
        while not self._stopped.wait(pause_s):
            pause_s = LOOK_EVERY_S
            try:
                job = self._client.jobs.get(self._job_id)
            except LilacError:
                continue  # the one who follows the output tells it
            except Exception:
                return None  # the connection was closed meanwhile
            if job["job_status"] not in ("queued", "starting"):
                return self.stop()
            progress = job.get("progress")
            with self._drawing:
                if not self._stopped.is_set():
                    self._draw(line(progress, shutil.get_terminal_size().columns - 1) if progress else "")
        return None

    def _draw(self, text: str) -> None:
        if text or self._drawn:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        self._drawn = bool(text)


def _share(done: int, total: int) -> float:
    return min(1.0, done / total)
