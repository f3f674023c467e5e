"""Takes the pictures of the web UI that the documentation shows: `make screenshots`.

A control plane, four nodes with pretended GPUs and some days' work of a small laboratory are started on this machine;
then a browser walks through the pages. What is to be seen is real but for the GPUs.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.fixtures.browser import Platform, Visit, launched
from tests.fixtures.nvml import FakeGpu, FakeNvml, build_nvml
from tests.fixtures.platform import Api, Server

HERE = Path(__file__).parent
TRAINING = """
printf 'loading 1,281,167 images from /data/imagenet\\n'
i=0
while :; do
  i=$((i+1))
  printf '\\033[2m%s\\033[0m step %5d  loss \\033[33m%d.%03d\\033[0m  \\033[36m%d img/s\\033[0m\\n' \\
    "$(date +%H:%M:%S)" $i $((200/(i+60))) $((90000/(i+100)%1000)) $((2900+i%37))
  [ $((i%50)) = 0 ] && printf '\\033[32m✓ checkpoint saved at step %d\\033[0m\\n' $i
  sleep 0.1
done
"""
NODES = {
    "atlas-1": [FakeGpu(f"GPU-a1-{n}", util=91 - 4 * n, used=61_000) for n in range(4)],
    "atlas-2": [FakeGpu(f"GPU-a2-{n}", util=97 - 30 * n, used=70_000 - 23_000 * n) for n in range(4)],
    "borea-1": [FakeGpu(f"GPU-b1-{n}", "NVIDIA A100-SXM4-40GB", 40_960, ecc=int(n == 3)) for n in range(8)],
    "calm-1": [],
}


def main() -> None:
    """Write every picture anew."""
    with (
        tempfile.TemporaryDirectory(prefix="lilac-pictures-") as home,
        laboratory(Path(home)) as platform,
        launched() as browser,
    ):
        for dark in (False, True):
            visit = Visit(browser, platform.address, width=1280, height=860, dark=dark)
            visit.sign_in()
            for name, path in pages(platform.api).items():
                if not dark or name in ("dashboard", "job-logs", "node-gpus"):
                    picture(visit.open(path), f"{name}{'-dark' if dark else ''}")
        picture(Visit(browser, platform.address, width=1280, height=860).open("/login"), "login")
        visit = Visit(browser, platform.address, width=390, height=844)
        visit.sign_in("ada")
        for name in ("dashboard", "jobs", "job"):
            picture(visit.open(pages(platform.api)[name]), f"{name}-phone")


def pages(api: Api) -> dict[str, str]:
    """The pictures and where they are taken."""
    job = {found["job_name"]: found["job_id"] for found in api.get("/training_jobs", limit=100)["jobs"]}
    node = {found["name"]: found["id"] for found in api.get("/nodes")["nodes"]}
    queue = {found["name"]: found["id"] for found in api.get("/queues")}
    cluster = {found["cluster_name"]: found["cluster_id"] for found in api.get("/clusters")["clusters"]}
    return {
        "dashboard": "/",
        "jobs": "/jobs",
        "job": f"/jobs/{job['resnet-50']}",
        "job-logs": f"/jobs/{job['resnet-50']}?tab=logs",
        "job-waiting": f"/jobs/{job['llama-pretrain']}",
        "job-failed": f"/jobs/{job['tokenize']}",
        "job-array": f"/jobs/{job['sweep']}",
        "submit": "/submit",
        "queues": "/queues",
        "queue": f"/queues/{queue['training']}",
        "clusters": "/clusters",
        "cluster": f"/clusters/{cluster['default']}",
        "nodes": "/nodes",
        "node-gpus": f"/nodes/{node['atlas-1']}",
        "users": "/users",
        "account": "/account",
        "events": "/events",
    }


def picture(page: Page, name: str) -> None:
    """Wait until the page has what it shows, and keep it."""
    page.get_by_role("heading", level=1).first.wait_for()
    page.wait_for_function("() => document.querySelectorAll('[aria-label=\"Loading\"]').length === 0")
    page.wait_for_timeout(1200)  # the charts draw, the log's tail comes
    page.screenshot(path=HERE / f"{name}.png", animations="disabled")
    print(f"{name}.png")


@contextmanager
def laboratory(home: Path) -> Iterator[Platform]:
    """A control plane with nodes, people and work."""
    platform = Platform(home, Server(home / "server", settings={"LILAC_NODE_LOST_AFTER_S": "5"}).start())
    try:
        _people_and_queues(platform)
        _machines(platform, home)
        _work(platform)
        yield platform
    finally:
        platform.stop()
        shutil.rmtree(home, ignore_errors=True)


def _people_and_queues(platform: Platform) -> None:
    api = platform.api
    for name in ("ada", "grace", "kai"):
        platform.user(name)
    platform.user("visitor", "viewer")
    default = next(found["cluster_id"] for found in api.get("/clusters")["clusters"])
    for name, priority, more in (
        ("training", 10, {"order": "fair"}),
        ("interactive", 1, {"user_limits": {"gpus": 2}}),
        ("nightly", 50, {"paused": True}),
    ):
        api.post("/queues", {"name": name, "priority": priority, "cluster_targets": [default], **more})
    api.post("/account/api-keys", {"name": "laptop"})
    api.post("/account/api-keys", {"name": "ci", "scope": "submit"})


def _machines(platform: Platform, home: Path) -> None:
    library = build_nvml(home / "nvml")
    for name, gpus in NODES.items():
        driver = FakeNvml(library, home / f"gpus-{name}")
        driver.tell(*gpus)
        platform.add_agent(name, env=driver.environment if gpus else {})
    platform.add_agent("old-box").kill()  # a machine that was lost


def _work(platform: Platform) -> None:
    people = {name: Api(platform.address, username=name) for name in ("ada", "grace", "kai")}

    def submit(who: str, name: str, *command: str, gpus: int = 0, model: str | None = None, **more: Any) -> str:
        wanted = {"count": gpus, "model": model} if gpus else None
        needs = {"cpu_millicores": 100, "memory_mb": 256, "gpus": wanted}
        queue = more.pop("queue", "training")
        return people[who].submit(*command, name=name, queue=queue, resource_requirements=needs, **more)

    for name in ("tests", "export-onnx", "thumbnails"):
        people["kai"].wait(submit("kai", name, "/bin/sh", "-c", "echo done"))
    people["grace"].wait(
        submit(
            "grace", "tokenize", "/bin/sh", "-c", "echo reading; echo 'KeyError: \"text\"' >&2; exit 3", max_retries=0
        )
    )
    submit(
        "ada",
        "resnet-50",
        "/bin/sh",
        "-c",
        TRAINING,
        gpus=4,
        model="H100",
        labels={"project": "vision"},
        time_limit_s=14_400,
    )
    submit("grace", "bert-finetune", "/bin/sh", "-c", TRAINING, gpus=2, model="H100", time_limit_s=7200)
    submit("kai", "notebook", "/bin/sh", "-c", TRAINING, gpus=1, model="A100", queue="interactive")
    submit("ada", "llama-pretrain", "/bin/sh", "-c", TRAINING, gpus=8, model="H100", labels={"project": "llm"})
    submit("grace", "eval-suite", "/bin/sh", "-c", TRAINING, gpus=4, model="H100")
    submit("kai", "sweep", "/bin/sh", "-c", "sleep 20", array="0-199%8")
    submit("kai", "rebuild-index", "/bin/sh", "-c", "sleep 600", queue="nightly")
    for api in people.values():
        api.close()
    time.sleep(20)  # some samples of what is used


if __name__ == "__main__":
    main()
