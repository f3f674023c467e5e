"""The web UI in a real browser: what a first visit loads and how long it takes, when an event is seen, the log view.

All on the loopback. The browser's own clock and the measuring program's are the same machine's, so spans may begin in
one and end in the other.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from benchmarks.figures import Figure, NotHere, Section
from tests.fixtures.browser import Platform, Visit, launched
from tests.fixtures.platform import Server
from tests.fixtures.requirement import Absent

LOADS = 10
EVENTS = 40
LINES_PER_S = 5_000
LOG_S = 10
_WATCH = """(text) => {
  window.seenAt = null;
  const look = () => {
    if (window.seenAt === null && document.querySelector("main").innerText.includes(text)) window.seenAt = Date.now();
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
_LOADED = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.endsWith(".js") && entry.initiatorType !== "prefetch")
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
_USABLE = """() => {
  const heading = document.querySelector("main h1");
  return heading && heading.getClientRects().length > 0 ? performance.now() : null;
}"""
_NEWEST = r"""() => new Promise((done) => requestAnimationFrame((first) => requestAnimationFrame((second) => {
  const text = document.querySelector("[aria-label^='Output of replica']").innerText;
  const found = [...text.matchAll(/line \d{7} (\d+\.\d{3})/g)];
  done([found.length ? Number(found.at(-1)[1]) : null, second - first]);
})))"""
_PRINTER = """
import sys, time
begin, number = time.monotonic(), 0
while (spent := time.monotonic() - begin) < {seconds}:
    due = int(spent * {rate})
    now = time.time()
    sys.stdout.write("".join(f"line {{n:07d}} {{now:.3f}} loss 0.1234, 2903 img/s\\n" for n in range(number, due)))
    sys.stdout.flush()
    number = due
    time.sleep(0.01)
print(f"printed {{number}}", flush=True)
time.sleep(2)
"""


def measure(section: Section) -> None:
    """First load, events, logs."""
    try:
        with launched() as browser, tempfile.TemporaryDirectory(prefix="lilac-bench-") as home:
            platform = Platform(Path(home), Server(Path(home) / "server").start())
            try:
                platform.add_agent("node-1")
                _first_load(section, browser, platform)
                visit = Visit(browser, platform.address)
                page = visit.sign_in()
                _events(section, page, visit, platform)
                _log(section, page, visit, platform)
            finally:
                platform.stop()
    except Absent as reason:
        raise NotHere(str(reason)) from None


def _first_load(section: Section, browser: Any, platform: Platform) -> None:
    """The dashboard of somebody signed in, with an empty cache each time."""
    usable: list[float] = []
    size = 0
    visit = Visit(browser, platform.address)
    visit.sign_in()
    state = visit.context.storage_state()
    visit.context.close()
    for _ in range(LOADS):
        fresh = browser.new_context(storage_state=state, viewport={"width": 1400, "height": 900})
        page = fresh.new_page()
        page.goto(f"{platform.address}/ui/", wait_until="commit")
        usable.append(page.wait_for_function(_USABLE, polling="raf").json_value() / 1000)
        page.wait_for_load_state("networkidle")
        size = max(size, page.evaluate(_LOADED))
        fresh.close()
    section.spread("web.first_load.usable", usable, "navigation → the dashboard's heading is drawn, empty cache")
    section.figures["web.first_load.javascript_kb"] = Figure(
        round(size / 1000, 1), LOADS, "JavaScript as transferred, dashboard, all chunks"
    )


def _events(section: Section, page: Page, visit: Visit, platform: Platform) -> None:
    """From the POST of a job to its row on the page of jobs."""
    visit.open("/jobs")
    page.get_by_role("heading", level=1).wait_for()
    page.get_by_text("Live", exact=True).filter(visible=True).wait_for()
    seen: list[float] = []
    for number in range(EVENTS):
        name = f"seen-{number:03d}"
        page.evaluate(_WATCH, name)
        sent = time.time()
        platform.api.submit("/bin/true", name=name)
        page.wait_for_function("() => window.seenAt !== null")
        seen.append(page.evaluate("() => window.seenAt") / 1000 - sent)
        time.sleep(0.7)
    section.spread("web.event_seen", seen, "POST of a job sent → its row is on the page of jobs")


def _log(section: Section, page: Page, visit: Visit, platform: Platform) -> None:
    """How far the followed log lags behind a job that prints many lines a second."""
    script = _PRINTER.format(seconds=LOG_S, rate=LINES_PER_S)
    job = platform.api.submit("python3", "-c", script, name="chatty")
    visit.open(f"/jobs/{job}?tab=logs")
    output = page.get_by_label("Output of replica")
    output.wait_for()
    lags: list[float] = []
    frames: list[float] = []
    end = time.monotonic() + LOG_S
    while time.monotonic() < end:
        last, frame = page.evaluate(_NEWEST)
        if last is not None:
            lags.append(time.time() - last)
            frames.append(frame / 1000)
        time.sleep(0.1)
    output.get_by_text("printed").wait_for(timeout=60_000)
    if len(lags) < 10:
        raise RuntimeError(f"the log view showed lines in {len(lags)} looks only")
    half = len(lags) // 2
    section.spread("web.log.lag", lags, f"age of the newest line seen at {LINES_PER_S} lines/s")
    section.spread("web.log.frame", frames, "time between two frames meanwhile")
    drift = sum(lags[half:]) / len(lags[half:]) - sum(lags[:half]) / half
    section.figures["web.log.drift_ms"] = Figure(
        round(drift * 1000, 1), len(lags), "second half's mean lag less the first's: at or below 0 it keeps up"
    )
