"""`lilac top`: draws the screen and takes the keys, by curses."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from lilac.cli.output import clean
from lilac.cli.top.screen import Line, State, draw, listing, move
from lilac.model.errors import InvalidInput, LilacError

if TYPE_CHECKING:
    from lilac.cli.top.watching import Seen
    from lilac.client import Client

_TICK_MS = 200


@click.command("top")
@click.option("--once", is_flag=True, help="Print everything once, for scripts and pipes.")
def top(*, once: bool) -> None:
    """The cluster at a glance, live: nodes, queues, what runs and what waits.

    Keys: q quits, arrows or j and k select a job, enter shows it, c cancels it, p pauses the screen.
    """
    from lilac.cli.session import connected
    from lilac.cli.top.watching import look

    if not once and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("`lilac top` needs a terminal; `lilac top --once` prints everything once.")
    with connected() as client:
        if once:
            state = _with(State(endpoint=client.endpoint), look(client))
            for line in listing(state, time.time()):
                click.echo(line)
            return
        look(client)  # what is wrong with endpoint or key is told before the screen is taken
        _run(client)


def _run(client: Client) -> None:
    import curses
    import locale

    from lilac.cli.top.watching import Watch

    locale.setlocale(locale.LC_ALL, "")
    os.environ.setdefault("ESCDELAY", "25")
    news: SimpleQueue[Seen | str] = SimpleQueue()
    watch = Watch(lambda: _another(client), news.put)
    watch.start()
    try:
        curses.wrapper(lambda window: _Screen(window, client, news).run())
    except KeyboardInterrupt:
        return
    finally:
        watch.close()


def _another(client: Client) -> Client:
    from lilac.client import Client as NewClient

    connection = client.connection
    return NewClient(connection.all_endpoints, connection.api_key, ca_file=connection.ca_file)


def _with(state: State, seen: Seen) -> State:
    state = replace(
        state,
        nodes=seen.nodes,
        queues=seen.queues,
        jobs=seen.jobs,
        more_jobs=seen.more_jobs,
        waits=seen.waits,
        uses=seen.uses,
        loaded=True,
        trouble=None,
    )
    if state.selected is not None and all(job["job_id"] != state.selected for job in seen.jobs):
        return replace(state, selected=None, remark=None)
    return state


class _Screen:
    def __init__(self, window: Any, client: Client, news: SimpleQueue[Seen | str]) -> None:
        self._window = window
        self._client = client
        self._news = news
        self._state = State(endpoint=client.endpoint)
        self._asking: str | None = None
        """The job whose cancelling waits for a yes."""

    def run(self) -> None:
        import curses

        with suppress(curses.error):
            curses.curs_set(0)
        self._styles = _styles()
        self._window.timeout(_TICK_MS)
        while True:
            self._hear()
            self._draw()
            try:
                key = self._window.get_wch()
            except curses.error:
                continue
            if not self._take(key):
                return

    def _hear(self) -> None:
        with suppress(Empty):
            while True:
                told = self._news.get_nowait()
                if isinstance(told, str):
                    self._state = replace(self._state, trouble=told)
                elif not self._state.paused:
                    self._state = _with(self._state, told)

    def _draw(self) -> None:
        import curses

        height, width = self._window.getmaxyx()
        self._window.erase()
        for row, line in enumerate(draw(self._state, width, height, time.time())):
            with suppress(curses.error):  # the terminal has just become smaller
                self._window.addstr(row, 0, line.text, self._style(line))
        self._window.refresh()

    def _style(self, line: Line) -> int:
        return self._styles.get(line.style, 0)

    def _take(self, key: str | int) -> bool:
        """Act on a key; whether to go on."""
        import curses

        if self._asking is not None:
            self._answer(key)
            return True
        if self._state.details:
            self._state = replace(self._state, details=())
            return key != "q"
        match key:
            case "q" | "Q":
                return False
            case curses.KEY_DOWN | "j":
                self._select(1)
            case curses.KEY_UP | "k":
                self._select(-1)
            case curses.KEY_NPAGE:
                self._select(10)
            case curses.KEY_PPAGE:
                self._select(-10)
            case "\n" | "\r" | curses.KEY_ENTER:
                self._show()
            case "c":
                self._ask()
            case "p":
                self._state = replace(self._state, paused=not self._state.paused)
            case _:
                pass
        return True

    def _select(self, by: int) -> None:
        self._state = move(self._state, by)
        job = next((job for job in self._state.jobs if job["job_id"] == self._state.selected), None)
        if job is not None and job["job_status"] == "queued":
            self._remark(self._reason(job["job_id"]))

    def _reason(self, job_id: str) -> str:
        try:
            waiting = self._client.jobs.get(job_id).get("waiting")
        except LilacError as error:
            return str(error)
        return clean(waiting["message"]) if waiting else ""

    def _show(self) -> None:
        if self._state.selected is None:
            return
        try:
            self._state = replace(self._state, details=tuple(_details(self._client, self._state.selected)))
        except LilacError as error:
            self._remark(str(error))

    def _ask(self) -> None:
        job = next((job for job in self._state.jobs if job["job_id"] == self._state.selected), None)
        if job is None:
            self._remark("Select a job first, with the arrows.")
            return
        self._asking = job["job_id"]
        self._remark(f"Cancel {clean(job['job_name'])} ({job['job_id'][:8]})? y or n")

    def _answer(self, key: str | int) -> None:
        job_id, self._asking = self._asking, None
        if key not in ("y", "Y") or job_id is None:
            self._remark("Not cancelled.")
            return
        try:
            self._client.jobs.cancel(job_id)
            self._remark("Cancelled.")
        except LilacError as error:
            self._remark(str(error))

    def _remark(self, text: str) -> None:
        self._state = replace(self._state, remark=text)


def _details(client: Client, job_id: str) -> list[str]:
    """The page of `lilac jobs show`, as lines."""
    from contextlib import redirect_stdout
    from io import StringIO

    from lilac.cli.job_page import print_job
    from lilac.cli.live_use import of_job

    text = StringIO()
    with redirect_stdout(text):
        job = client.jobs.get(job_id)
        print_job(job, use=of_job(client, job_id) if job["job_status"] == "running" else None)
    return ["", *text.getvalue().splitlines()]


def _styles() -> dict[str, int]:
    import curses

    styles = {
        "title": curses.A_BOLD,
        "heading": curses.A_BOLD | curses.A_UNDERLINE,
        "selected": curses.A_REVERSE,
        "dim": curses.A_DIM,
        "alarm": curses.A_BOLD,
    }
    if curses.has_colors() and not os.environ.get("NO_COLOR"):
        curses.use_default_colors()
        curses.init_pair(1, curses.COLOR_RED, -1)
        curses.init_pair(2, curses.COLOR_MAGENTA, -1)
        styles["alarm"] |= curses.color_pair(1)
        styles["title"] |= curses.color_pair(2)
    return styles
