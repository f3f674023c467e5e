"""The fleet in the browser: the dashboard, nodes that come and go, GPUs and who holds them, clusters and their keys."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.browser import Platform, Visit, check_accessible
from tests.fixtures.groups import remove_groups
from tests.fixtures.nvml import FakeGpu, FakeNvml, build_nvml
from tests.fixtures.platform import Process, clean_environment, lilac

COMES_BY_ITSELF_MS = 60_000


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def count_of(page: Page, word: str) -> Locator:
    return page.get_by_role("list", name="Jobs now").get_by_role("link").filter(has_text=word)


def test_a_node_that_is_lost_and_comes_back_shows_so_without_a_reload(
    make_platform: Callable[..., Platform], visit: Callable[..., Visit]
) -> None:
    platform = make_platform(LILAC_NODE_LOST_AFTER_S="3")
    agent = platform.add_agent("node-1")
    person = visit(platform)
    page = person.sign_in(to="/nodes")
    expect(row(page, "node-1")).to_contain_text("available")
    agent.kill()
    expect(row(page, "node-1")).to_contain_text("lost", timeout=COMES_BY_ITSELF_MS)
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_text("Node node-1 is lost.")).to_be_visible()
    check_accessible(page)
    agent.start()
    expect(page.get_by_text("Nothing needs attention.")).to_be_visible(timeout=COMES_BY_ITSELF_MS)
    expect(page.get_by_role("list", name="Latest events")).to_contain_text("Node node-1 is back")


def test_a_node_is_drained_and_resumed_by_clicks(platform: Platform, admin: Visit) -> None:
    page = admin.page
    job = platform.api.submit("sleep", "600", name="sleeper")
    platform.api.wait_until(job, "running")
    admin.open("/nodes")
    row(page, "node-1").get_by_role("link", name="node-1").click()
    page.get_by_role("button", name="Drain").click()
    dialog = page.get_by_role("dialog", name="Drain node-1?")
    expect(dialog).to_contain_text("One job runs there: sleeper of admin.")
    dialog.get_by_role("button", name="Drain").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("draining")
    expect(page.get_by_text("one job still runs here")).to_be_visible()
    platform.api.post(f"/training_jobs/{job}/cancel")
    expect(page.get_by_role("heading", level=1)).to_contain_text("drained")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("available")
    expect(page.get_by_role("list", name="Events of node-1")).to_contain_text("admin drains node node-1")


def test_the_command_of_adding_a_node_starts_one_that_shows_itself(
    make_platform: Callable[..., Platform], visit: Callable[..., Visit], tmp_path: Path
) -> None:
    platform = make_platform()
    page = visit(platform).sign_in()
    expect(page.get_by_role("heading", name="Begin here")).to_be_visible()
    page.get_by_role("button", name="Add a node").click()
    dialog = page.get_by_role("dialog", name="Add a node to default")
    dialog.get_by_label("Jobs run in").select_option("process")
    expect(dialog.get_by_text("Waiting for the node…")).to_be_visible()
    check_accessible(page)
    command = dialog.locator("pre").first.text_content()
    assert command is not None
    home = tmp_path / "machine"
    home.mkdir()
    path = f"{Path(lilac()).parent}:{os.environ['PATH']}"
    process = Process(
        ["bash", "-c", command],
        env=clean_environment(home, {"PATH": path, "LILAC_NODE_NAME": "fresh"}),
        log=home / "agent.log",
    )
    try:
        expect(dialog.get_by_text("has joined and takes work.")).to_be_visible(timeout=COMES_BY_ITSELF_MS)
        dialog.get_by_role("link", name="fresh").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("fresh")
        page.get_by_role("link", name="Dashboard").click()
        expect(page.get_by_role("heading", name="Add a node – done")).to_be_visible()
        expect(page.get_by_role("list", name="Nodes").get_by_role("link")).to_have_accessible_name("fresh: available")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.stop()
        for node in platform.api.get("/nodes")["nodes"]:
            remove_groups(node["id"])


def test_the_numbers_of_the_dashboard_change_by_themselves(platform: Platform, admin: Visit) -> None:
    page, api = admin.page, platform.api
    expect(count_of(page, "running")).to_contain_text("0")
    job = api.submit("sleep", "600", name="sleeper")
    expect(count_of(page, "running")).to_contain_text("1")
    expect(page.get_by_role("list", name="Latest events")).to_contain_text("admin's job sleeper runs on node-1")
    giant = {"cpu_millicores": 100, "memory_mb": 16, "gpus": {"count": 64}}
    api.submit("true", name="giant", resource_requirements=giant)
    expect(count_of(page, "waiting")).to_contain_text("1")
    expect(page.get_by_text("oldest for")).to_be_visible()
    api.post(f"/training_jobs/{job}/cancel")
    expect(count_of(page, "running")).to_contain_text("0")
    api.submit("sh", "-c", "exit 3", name="broken")
    expect(count_of(page, "failed")).to_contain_text("1")
    count_of(page, "failed").click()
    expect(page).to_have_url(re.compile(r"/ui/jobs\?status=failed$"))


@pytest.fixture
def gpus(tmp_path: Path) -> FakeNvml:
    driver = FakeNvml(build_nvml(tmp_path / "nvml"), tmp_path / "gpus")
    driver.tell(FakeGpu("GPU-a"), FakeGpu("GPU-b"), FakeGpu("GPU-c", ecc=2))
    return driver


@pytest.fixture
def with_gpus(make_platform: Callable[..., Platform], gpus: FakeNvml) -> Platform:
    made = make_platform()
    made.add_agent("gpu-1", env=gpus.environment)
    return made


def test_the_picture_of_gpus_shows_who_holds_which(with_gpus: Platform, visit: Callable[..., Visit]) -> None:
    api = with_gpus.api
    page = visit(with_gpus).sign_in(to="/nodes?view=gpus")
    expect(page.get_by_text("0 of 3 GPUs are held by jobs; free: 2; unhealthy: 1.")).to_be_visible()
    needs = {"cpu_millicores": 100, "memory_mb": 16, "gpus": {"count": 1}}
    job = api.submit("sleep", "600", name="digits", resource_requirements=needs)
    tile = page.get_by_role("list", name="GPUs", exact=True).get_by_role("listitem").filter(has_text="digits")
    expect(tile).to_contain_text("admin")
    expect(page.get_by_text("1 of 3 GPUs are held by jobs; free: 1; unhealthy: 1.")).to_be_visible()
    check_accessible(page)
    tile.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/ui/jobs/{job}"))


def test_a_cluster_is_made_given_a_key_and_deleted(platform: Platform, admin: Visit) -> None:
    page = admin.open("/clusters")
    expect(row(page, "default")).to_be_visible()
    page.get_by_role("button", name="New cluster").click()
    page.get_by_label("Name").fill("lab")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1, name="lab")).to_be_visible()
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("rack-1")
    page.get_by_role("button", name="Make the key").click()
    text = page.get_by_role("dialog").locator("pre").text_content()
    assert text is not None
    assert text.startswith("lilac_sk_")
    page.get_by_role("button", name="Done").click()
    keys = page.get_by_role("table", name="Keys of lab")
    expect(keys).to_contain_text("rack-1")
    assert text not in page.content(), "a key is shown only once"
    page.get_by_role("button", name="Delete key rack-1").click()
    page.get_by_role("button", name="Delete the key").click()
    expect(page.get_by_text("No key yet.")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the cluster").click()
    expect(row(page, "default")).to_be_visible()
    expect(row(page, "lab")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)], ids=["wide-dark", "phone-light"])
def test_the_pages_are_accessible_and_fit(
    with_gpus: Platform, visit: Callable[..., Visit], width: int, dark: bool
) -> None:
    person = visit(with_gpus, dark=dark)
    page = person.sign_in()
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/nodes", "/nodes?view=gpus", "/nodes/gpu-1", "/clusters", "/clusters/default"):
        person.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        check_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the window"
