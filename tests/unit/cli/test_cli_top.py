"""What `lilac top` shows, at any size of a terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilac.cli.live_use import Uses
from lilac.cli.output import text_width
from lilac.cli.top.screen import State, draw, listing, move
from lilac.model.errors import NotFound

NOW = 1_764_000_000.0


def node(name: str, **more: Any) -> Any:
    return {
        "id": f"{name}-id",
        "name": name,
        "node_status": "busy",
        "cpu": {"manufacturer": "Intel", "architecture": "x86_64", "millicores": 16_000},
        "memory_mb": 65_536,
        "free": {"cpu_millicores": 4_000, "memory_mb": 32_768, "gpus": 1},
        "gpus": [
            {"uuid": "a", "model": "H100", "memory_mb": 81_559, "healthy": True, "job_id": "x"},
            {"uuid": "b", "model": "H100", "memory_mb": 81_559, "healthy": True, "job_id": None},
        ],
        "jobs": ["x"],
        **more,
    }


def job(number: int, state: str = "running", **more: Any) -> Any:
    return {
        "job_id": f"{number:08d}-0000-4000-8000-000000000000",
        "job_name": f"job-{number}",
        "job_status": state,
        "queue_id": "q",
        "queue_name": "training",
        "owner": "ada",
        "node_name": "gpu-1" if state == "running" else None,
        "created_at": "2025-11-24T16:00:00Z",
        **more,
    }


def state(jobs: int = 3, nodes: int = 2, **more: Any) -> State:
    return State(
        endpoint="http://head:8080",
        nodes=[node(f"gpu-{n}") for n in range(nodes)],
        queues=[{"id": "q", "name": "training", "priority": 10, "cluster_targets": [], "waiting_jobs": 7}],
        jobs=[job(n) for n in range(jobs)],
        loaded=True,
        **more,
    )


def test_it_shows_nodes_queues_and_jobs_with_what_is_in_use() -> None:
    text = "\n".join(listing(state(), NOW))
    assert "3 running   7 waiting   2 nodes" in text
    assert "gpu-0                busy      ████████░░ 12/16" in text
    assert "32G/64G" in text
    assert "1/2" in text
    assert "training                   10        3        7" in text
    assert "00000002  job-2" in text


@given(
    width=st.integers(1, 250),
    height=st.integers(3, 80),
    jobs=st.integers(0, 120),
    nodes=st.integers(0, 60),
    trouble=st.sampled_from([None, "Reconnecting: no"]),
)
def test_it_fits_any_terminal(width: int, height: int, jobs: int, nodes: int, trouble: str | None) -> None:
    lines = draw(state(jobs, nodes, trouble=trouble), width, height, NOW)
    assert len(lines) <= height
    assert all(text_width(line.text) <= width for line in lines)


def test_the_selected_job_stays_in_sight() -> None:
    now = state(100, 10)
    for _ in range(60):
        now = move(now, 1)
        assert any(line.style == "selected" for line in draw(now, 100, 24, NOW)), now.selected
    assert now.selected == job(59)["job_id"]
    assert move(move(now, -1000), -1).selected == job(0)["job_id"]


def test_names_of_others_are_harmless_and_wide_ones_keep_the_columns() -> None:
    odd = State(endpoint="x", jobs=[job(1, job_name="\x1b[31mred\n" + "訓練" * 20)], loaded=True)
    (line,) = [text for text in listing(odd, NOW) if "red" in text]
    assert "\x1b" not in line
    assert text_width(line[: line.index("running")]) == 10 + 25


def test_it_says_that_it_reconnects_and_what_is_empty() -> None:
    text = "\n".join(line.text for line in draw(State(endpoint="x", trouble="Reconnecting: no"), 80, 24, NOW))
    assert "Reconnecting: no" in text
    empty = "\n".join(listing(State(endpoint="x", loaded=True), NOW))
    assert "lilac agent start" in empty
    assert "lilac submit" in empty
    assert "lilac queues create" in empty


@pytest.mark.parametrize("key", ["node_status", "healthy"])
def test_what_is_wrong_with_a_node_is_an_alarm(key: str) -> None:
    sick = node("gpu-9")
    if key == "healthy":
        sick["gpus"][0]["healthy"] = False
    else:
        sick["node_status"] = "lost"
    lines = draw(State(endpoint="x", nodes=[sick], loaded=True), 120, 24, NOW)
    assert [line.style for line in lines if "gpu-9" in line.text] == ["alarm"]


def test_where_there_is_room_it_says_what_jobs_use_and_why_others_wait() -> None:
    use: Any = {"at": "", "cpu_millicores": 3217, "memory_mb": 1536, "gpu_utilization_pct": 85.0, "gpu_memory_mb": 2048}
    jobs = [job(0), job(1, "queued")]
    waits = {jobs[1]["job_id"]: "needs 8 × H100 on one node"}
    shown = replace(state(), jobs=jobs, uses={jobs[0]["job_id"]: use}, waits=waits)
    text = [line.text for line in draw(shown, 200, 40, NOW)]
    assert any("3.22 cores, 1.5 GB, GPUs 85 %, 2 GB of their memory" in line for line in text)
    assert any(line.endswith("needs 8 × H100 on one node") for line in text)
    assert any(line.endswith("needs 8 × H100 on one node") for line in listing(shown, NOW))
    assert not any("cores" in line.text or "H100" in line.text for line in draw(shown, 119, 40, NOW))
    for width in (120, 125, 150):
        assert all(text_width(line.text) <= width for line in draw(shown, width, 40, NOW))


class FakeUsage:
    """The client of `Uses`, which measures whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.jobs: Any = self

    def usage(self, job_id: str, **_: Any) -> Any:
        self.asked.append(job_id)
        if job_id.startswith("00000003"):
            raise NotFound("It is gone.")
        return {"samples": [{"cpu_millicores": 1000}, {"cpu_millicores": 7}]}


def test_use_is_asked_for_a_few_jobs_at_a_time_and_not_too_often() -> None:
    client: Any = FakeUsage()
    now = 0.0
    uses = Uses(client, clock=lambda: now)
    jobs = [*(job(n) for n in range(5)), job(9, "queued")]
    assert len(uses.look(jobs, most=3, every_s=5)) == 3
    assert len(uses.look(jobs, most=3, every_s=5)) == 4, "all but the one that is gone"
    assert uses.look(jobs, most=3, every_s=5)[jobs[0]["job_id"]]["cpu_millicores"] == 1000
    assert len(client.asked) == len(set(client.asked)) == 5
    now = 6.0
    assert list(uses.look(jobs[:1], most=3, every_s=5)) == [jobs[0]["job_id"]]
    assert len(client.asked) == 6
