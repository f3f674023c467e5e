"""Jobs in the browser: why one waits, its output as it comes, many at once, and a list of a hundred thousand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.browser import Platform, Visit, check_accessible

MARKUP = "<img src=x onerror=\"document.title='hacked'\">"
JOBS = 100_000
AT_ONCE = 10_000


def needs(millicores: int) -> dict[str, Any]:
    return {"cpu_millicores": millicores, "memory_mb": 16, "gpus": None}


def test_a_waiting_job_says_why_and_the_change_that_would_start_it_is_taken_along(
    platform: Platform, admin: Visit
) -> None:
    total = platform.api.get("/clusters/default/usage")["capacity"]["cpu_millicores"]
    hog = platform.api.submit("sleep", "600", name="hog", resource_requirements=needs(total // 2))
    platform.api.wait_until(hog, "running")
    waits = platform.api.submit("true", name="waits", resource_requirements=needs(total))
    page = admin.open("/jobs?status=queued")
    expect(page.get_by_role("row").filter(has_text="waits")).to_contain_text(re.compile("needs .* CPUs"))
    page.get_by_role("link", name="waits").click()
    expect(page).to_have_url(f"{platform.address}/ui/jobs/{waits}")
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    expect(page.get_by_role("link", name="hog")).to_be_visible()
    check_accessible(page)
    page.get_by_role("button", name="Use this change").click()
    expect(page).to_have_url(re.compile("/ui/submit"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("waits")
    page.go_back()
    platform.api.post(f"/training_jobs/{hog}/cancel")
    expect(page.get_by_role("heading", level=1)).to_contain_text("succeeded")


def test_a_job_is_cancelled_after_asking_and_run_again(platform: Platform, admin: Visit) -> None:
    job = platform.api.submit("sleep", "600", name="long")
    platform.api.wait_until(job, "running")
    page = admin.open(f"/jobs/{job}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Keep as it is").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    page.get_by_role("button", name="Retry").click()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("link", name="runs another job again")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")


def output(page: Page) -> str:
    return page.get_by_role("region", name="Output of replica 0").inner_text()


def test_output_is_followed_line_by_line_survives_a_restart_of_the_server_and_is_searched(
    platform: Platform, admin: Visit, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"""
import os, time
print('first \\x1b[31mred\\x1b[0m äöü', flush=True)
print('10%\\r55%\\r99%', flush=True)
for n in range(2):
    while not os.path.exists({str(go)!r} + str(n)): time.sleep(0.05)
    print('step', n, flush=True)
print({MARKUP!r}, flush=True)
"""
    job = platform.api.submit("python3", "-c", script, name=MARKUP, labels={"note": "<b>x"})
    page = admin.open(f"/jobs/{job}?tab=logs")
    region = page.get_by_role("region", name="Output of replica 0")
    expect(region).to_contain_text("first red äöü")
    assert "99%" in output(page)
    assert "55%" not in output(page)
    (tmp_path / "go0").touch()
    expect(region).to_contain_text("step 0")
    admin.expect_complaint("502|503|ERR_|Failed to load|NetworkError")
    platform.server.kill()
    platform.server.restart()
    (tmp_path / "go1").touch()
    expect(region).to_contain_text("step 1")
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()
    lines = [line for line in output(page).splitlines() if line]
    assert lines == ["first red äöü", "99%", "step 0", "step 1", MARKUP]
    page.get_by_label("Search the output").fill("STEP")
    expect(page.get_by_text("2 lines", exact=True)).to_be_visible()
    page.get_by_role("button", name="Previous match").click()
    expect(page.locator("mark")).to_have_count(2)
    assert page.title() != "hacked"
    assert page.locator('img[src="x"]').count() == 0
    check_accessible(page)


def test_long_output_opens_at_its_end_and_is_read_from_its_start(platform: Platform, admin: Visit) -> None:
    job = platform.api.submit("python3", "-c", "for n in range(300_000): print(f'line {n:06d}', 'x' * 40)")
    platform.api.wait(job)
    page = admin.open(f"/jobs/{job}?tab=logs")
    region = page.get_by_role("region", name="Output of replica 0")
    expect(region).to_contain_text("line 299999")
    page.get_by_role("button", name="Start").click()
    expect(region).to_contain_text("line 000000")
    page.get_by_role("button", name="End").click()
    expect(region).to_contain_text("line 299999")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).stat().st_size == 300_000 * 53


def test_many_jobs_are_ticked_with_shift_and_cancelled_together(platform: Platform, admin: Visit) -> None:
    platform.api.post("/queues/default/pause")
    for n in range(6):
        platform.api.submit("true", name=f"many-{n}")
    page = admin.open("/jobs")
    page.get_by_role("checkbox", name="Select many-4").click()
    page.get_by_role("checkbox", name="Select many-1").click(modifiers=["Shift"])
    check_accessible(page)
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_role("button", name="Cancel 4 jobs").click()
    expect(page.get_by_text("4 cancelled.")).to_be_visible()
    expect(page.get_by_role("button", name="cancelled 4")).to_be_visible()
    expect(page.get_by_role("button", name="queued 2")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)], ids=["desk-dark", "phone"])
def test_the_pages_are_accessible_and_fit(
    platform: Platform, visit: Callable[..., Visit], width: int, dark: bool
) -> None:
    array = platform.api.submit("sh", "-c", "exit $((LILAC_ARRAY_INDEX % 2))", name="sweep", array="0-9")
    job = platform.api.submit("sh", "-c", "echo hello; exit 3", name="a" * 200, labels={"team": "x" * 60})
    platform.api.wait(job)
    person = visit(platform, dark=dark)
    page = person.sign_in(to="/jobs")
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.get_by_role("link", name="sweep")).to_be_visible()
    tabs = ("overview", "logs", "attempts", "usage", "events", "request")
    for place in ("/jobs", f"/jobs/{array}", *(f"/jobs/{job}?tab={tab}" for tab in tabs)):
        person.open(place)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        check_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{place} is wider than {width}"


def test_a_list_of_a_hundred_thousand_is_paged_filtered_and_live(platform: Platform, admin: Visit) -> None:
    platform.api.post("/queues/default/pause")
    body = {
        "definition": "",
        "queue_id": "default",
        "runtime": "process",
        "command": ["true"],
        "resource_requirements": needs(100),
    }
    for first in range(0, JOBS, AT_ONCE):
        jobs = [{**body, "name": f"job-{n:06d}"} for n in range(first, first + AT_ONCE)]
        platform.api.post("/training_jobs/bulk", {"jobs": jobs})
    began = time.monotonic()
    page = admin.open("/jobs")
    expect(page.get_by_role("link", name="job-099999")).to_be_visible()
    expect(page.get_by_role("button", name="queued 100,000")).to_be_visible()
    assert time.monotonic() - began < 10
    rows = page.get_by_role("row")
    for turn in range(1, 31):
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        expect(page.get_by_text(re.compile(f"^{(turn + 1) * 100:,} listed"))).to_be_visible()
    assert rows.count() < 150, "rows out of sight are in the page"
    place = page.evaluate("scrollY")
    platform.api.submit("true", name="the-newest")
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert page.evaluate("scrollY") == place, "the page moved under the reader"
    page.get_by_role("button", name="1 new").click()
    expect(page.get_by_role("link", name="the-newest")).to_be_visible()
    page.get_by_label("Text in the name").fill("job-000042")
    expect(page.get_by_role("link", name="job-000042")).to_be_visible()
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"q=job-000042"))
