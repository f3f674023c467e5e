"""People in the browser: what each role may do, keys, the submit form, sessions that end, queues and the audit log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.browser import Platform, Visit, check_accessible
from tests.fixtures.platform import PASSWORD

MARKUP = "<img src=x onerror=\"document.title='broken'\"><b>bold"


def fill_submission(page: Page, *, name: str, command: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Runs").select_option("process")
    page.get_by_label("Command").fill(command)
    page.get_by_label("Cores").fill("0.1")
    page.get_by_label("Memory", exact=True).fill("32MiB")


def test_members_manage_no_users_and_no_queues_and_viewers_do_not_submit(
    platform: Platform, visit: Callable[..., Visit]
) -> None:
    platform.user("ada")
    platform.user("vi", "viewer")
    member = visit(platform)
    page = member.sign_in("ada", to="/queues")
    expect(page.get_by_role("link", name="default")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("New queue|Edit|Delete|Pause"))).to_have_count(0)
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    member.open("/users")
    expect(page.get_by_text("Only administrators manage accounts.")).to_be_visible()
    viewer = visit(platform)
    page = viewer.sign_in("vi", to="/submit")
    expect(page.get_by_text("Viewers may look but not submit.")).to_be_visible()
    expect(page.get_by_role("link", name="Submit")).to_have_count(0)


def test_a_key_is_shown_once_is_good_for_what_its_scope_says_and_not_after_it_is_revoked(
    platform: Platform, visit: Callable[..., Visit]
) -> None:
    platform.user("ada")
    person = visit(platform)
    page = person.sign_in("ada", to="/account?tab=keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_label("It may").select_option("read")
    page.get_by_role("button", name="Make key").click()
    dialog = page.get_by_role("dialog")
    key = dialog.get_by_text(re.compile("^lilac_sk_")).inner_text()
    check_accessible(page)
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_text(key)).to_have_count(0)

    def status(method: str, path: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.request(method, platform.address + path, headers=headers, trust_env=False, **more).status_code

    assert status("GET", "/training_jobs") == 200
    assert status("POST", "/volumes", json={"name": "data"}) == 403
    page.get_by_role("button", name="Revoke laptop").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You have no API key.")).to_be_visible()
    assert status("GET", "/training_jobs") == 401


def test_a_job_is_submitted_by_the_form_which_says_where_it_would_run(platform: Platform, admin: Visit) -> None:
    page = admin.open("/submit")
    fill_submission(page, name="by-form", command='echo "it\'s $GREETING"')
    expect(page.get_by_text("It would start now on node-1.")).to_be_visible()
    page.get_by_label("Cores").fill("5000")
    expect(page.get_by_text("It would wait for ever: no node could run it.")).to_be_visible()
    page.get_by_label("Cores").fill("0.1")
    yaml = page.get_by_label("As YAML")
    yaml.fill(yaml.input_value() + "env:\n  GREETING: no\n")
    page.get_by_text("Variables and secrets").click()
    expect(page.get_by_label("Value of variable 1")).to_have_value("no")
    expect(page.get_by_text("-e GREETING=no")).to_be_visible()
    yaml.fill("name: by-form\nimag: x\n")
    expect(
        page.get_by_text(re.compile(r"Line 2, column 1: unknown key 'imag'; did you mean 'image'\?"))
    ).to_be_visible()
    page.get_by_role("button", name="Take the form's instead").click()
    check_accessible(page)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile("/ui/jobs/"))
    job = page.url.rpartition("/")[2].partition("?")[0]
    assert platform.api.wait(job)["job_status"] == "succeeded"
    assert platform.api.text(f"/training_jobs/{job}/logs") == "it's no\n"


def test_what_was_typed_is_there_again_after_the_session_was_lost(
    platform: Platform, visit: Callable[..., Visit]
) -> None:
    platform.user("ada")
    person = visit(platform)
    page = person.sign_in("ada", to="/submit")
    fill_submission(page, name="half-typed", command="sleep 1")
    expect(page.get_by_text("It would start now on node-1.")).to_be_visible()
    person.expect_complaint("401")
    person.context.clear_cookies()
    page.get_by_label("Cores").fill("0.2")
    expect(page.get_by_text("Your session is over. Sign in to go on where you were.")).to_be_visible()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("half-typed")
    expect(page.get_by_label("Cores")).to_have_value("0.2")
    expect(page).to_have_url(f"{platform.address}/ui/submit")


def test_signing_in_leads_back_with_the_search_and_never_to_another_server(
    platform: Platform, visit: Callable[..., Visit]
) -> None:
    for back, lands in (
        ("%2Fevents%3Fkind%3Djob.*", "/ui/events?kind=job.*"),
        ("%2F%2Fevil.example%2F", "/ui/"),
        ("https%3A%2F%2Fevil.example%2F", "/ui/"),
        ("%2F%5Cevil.example", "/ui/"),
    ):
        page = visit(platform).sign_in(to=f"/login?back={back}")
        expect(page).to_have_url(platform.address + lands)


def test_too_many_wrong_passwords_count_the_seconds_down(
    make_platform: Callable[..., Platform], visit: Callable[..., Visit]
) -> None:
    person = visit(make_platform(LILAC_LOGIN_MAX_FAILURES="1"))
    person.expect_complaint("401|429")
    page = person.open("/login")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill("wrong")
    button = page.get_by_role("button", name="Sign in")
    button.click()
    expect(page.get_by_role("alert")).to_be_visible()
    button.click()
    expect(page.get_by_text(re.compile(r"You can try again in \d+ s"))).to_be_visible()
    expect(button).to_be_disabled()
    expect(button).to_be_enabled()


@pytest.mark.parametrize("width", [1400, 390], ids=["desk", "phone"])
def test_a_queue_is_made_reordered_and_deleted_and_its_line_is_shown_in_turn(
    platform: Platform, visit: Callable[..., Visit], width: int
) -> None:
    platform.api.post("/clusters", {"cluster_name": "east"})
    person = visit(platform)
    page = person.sign_in(to="/queues")
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="New queue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(MARKUP)
    dialog.get_by_label("Clusters", exact=True).select_option(label="default")
    dialog.get_by_label("Clusters", exact=True).select_option(label="east")
    dialog.get_by_role("button", name="Move east up").press("Enter")
    expect(dialog.get_by_role("listitem")).to_contain_text(["east", "default"])
    check_accessible(page)
    dialog.get_by_role("button", name="Create queue").click()
    link = page.get_by_role("link", name=MARKUP)
    expect(link).to_be_visible()
    [queue] = [each for each in platform.api.get("/queues") if each["name"] == MARKUP]
    assert len(queue["cluster_targets"]) == 2
    for name in ("second", MARKUP):
        platform.api.submit("true", name=name, queue=queue["id"], resource_requirements=TOO_MUCH)
    link.click()
    table = page.get_by_role("table", name=re.compile("Waiting jobs"))
    expect(table.get_by_role("row").filter(has=page.get_by_role("link"))).to_have_count(2)
    expect(table.get_by_role("link").first).to_have_text("second")
    table.get_by_role("button", name=f"Move {MARKUP}").click()
    page.get_by_label("Priority").fill("1")
    page.get_by_role("dialog").get_by_role("button", name="Move", exact=True).click()
    expect(table.get_by_role("link").first).to_have_text(MARKUP)
    check_accessible(page)
    assert page.title() != "broken", "markup in a name was taken for the page's own"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name=f"Delete {MARKUP}").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("2 jobs wait in it")
    dialog.get_by_label("Cancel all 2 for good").check()
    dialog.get_by_role("button", name="Cancel 2 jobs and delete").click()
    expect(page).to_have_url(f"{platform.address}/ui/queues")
    expect(page.get_by_role("link", name="default")).to_be_visible()


TOO_MUCH = {"cpu_millicores": 900_000, "memory_mb": 16, "gpus": None}


def test_the_audit_log_is_live_filtered_and_exported(platform: Platform, admin: Visit, tmp_path: Path) -> None:
    page = admin.open("/events?kind=volume.*")
    expect(page.get_by_text("Nothing happened that matches.")).to_be_visible()
    platform.api.post("/volumes", {"name": "data"})
    platform.api.submit("true", name="unseen")
    expect(page.get_by_role("table", name="Events")).to_contain_text("data")
    expect(page.get_by_text("unseen")).to_have_count(0)
    page.get_by_text("Details").first.click()
    expect(page.get_by_text('"kind": "volume.created"')).to_be_visible()
    check_accessible(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as downloading:
        page.get_by_role("menuitem", name="JSON lines").click()
    kept = tmp_path / "events.jsonl"
    downloading.value.save_as(kept)
    assert [json.loads(line)["kind"] for line in kept.read_text().splitlines()] == ["volume.created"]
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("unseen").first).to_be_visible()
    expect(page).to_have_url(f"{platform.address}/ui/events")
