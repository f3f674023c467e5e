"""Signing in, and the frame around every page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import Platform, Visit, check_accessible


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_first_visit_leads_to_the_login_page_and_from_there_to_the_dashboard(
    platform: Platform, visit: Callable[..., Visit], dark: bool
) -> None:
    person = visit(platform, dark=dark)
    page = person.open("/")
    expect(page.get_by_role("heading", name="Sign in to Lilac")).to_be_visible()
    check_accessible(page)
    person.sign_in()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Live", exact=True).filter(visible=True)).to_be_visible()
    assert page.evaluate("document.cookie") == "", "a script can read the session"
    check_accessible(page)


def test_a_wrong_password_is_told_beside_the_field_and_nobody_is_signed_in(
    platform: Platform, visit: Callable[..., Visit]
) -> None:
    person = visit(platform)
    person.expect_complaint("401")
    page = person.open("/login")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("password|credentials", re.I))
    expect(page).to_have_url(f"{platform.address}/ui/login")


def test_keys_lead_everywhere_and_a_page_that_is_not_there_says_so(admin: Visit) -> None:
    page = admin.page
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{admin.address}/ui/jobs")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    admin.open("/no/such/page")
    expect(page.get_by_text("There is no such page.")).to_be_visible()


def test_signing_out_ends_the_session_and_a_later_visit_asks_again(admin: Visit) -> None:
    page = admin.page
    page.get_by_role("button", name="Account of admin").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Lilac")).to_be_visible()
    admin.open("/jobs")
    expect(page.get_by_role("heading", name="Sign in to Lilac")).to_be_visible()


def test_a_break_of_the_connection_is_seen_and_mends_by_itself(platform: Platform, admin: Visit) -> None:
    page = admin.page
    expect(page.get_by_text("Live", exact=True).filter(visible=True)).to_be_visible()
    admin.expect_complaint("Failed to load resource|ERR_")
    platform.server.kill()
    expect(page.get_by_text("Reconnecting…").filter(visible=True)).to_be_visible()
    platform.server.restart()
    expect(page.get_by_text("Live", exact=True).filter(visible=True)).to_be_visible(timeout=60_000)
