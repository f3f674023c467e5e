"""Usage over time: the charts, and the three commands that draw them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from running import Run
from standin import JOB_ID, NODE_ID, StandIn

from lilac.cli.usage import chart


def _series(**more: Any) -> dict[str, Any]:
    sample = {"cpu_millicores": 500, "memory_mb": 256, "gpu_utilization_pct": None, "gpu_memory_mb": None}
    return {
        "since": "2026-11-24T04:00:00Z",
        "until": "2026-11-24T05:00:00Z",
        "step_s": 5,
        "samples": [
            {"at": "2026-11-24T04:00:00Z", **sample},
            {"at": "2026-11-24T04:00:05Z", **sample, "cpu_millicores": 1000},
        ],
        **more,
    }


FIGURES = {
    "rank": 0,
    "cpu_millicores_mean": 750,
    "cpu_millicores_max": 1000,
    "memory_mb_max": 256,
    "gpu_utilization_pct_mean": None,
    "gpu_memory_mb_max": None,
}


@pytest.mark.parametrize(
    ("values", "top", "drawn"),
    [([], 1.0, ""), ([0, 50, 100], 100.0, "▁▅█"), ([None, 7], 7.0, " █"), ([3], 0.0, "▁"), ([200], 100.0, "█")],
)
def test_charts(values: list[float | None], top: float, drawn: str) -> None:
    assert chart(values, top) == drawn


def test_a_narrow_chart_keeps_the_peaks() -> None:
    values: list[float | None] = [0.0] * 100
    values[42] = 1.0
    drawn = chart(values, 1.0, width=10)
    assert (len(drawn), drawn.count("█")) == (10, 1)


def test_the_usage_of_a_job_is_drawn_against_what_it_asked_for(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/usage", _series(replicas=[FIGURES], job_id=JOB_ID))
    out = lilac("jobs", "usage", "digits", "--since", "10m").out
    assert "now 1, most 1 of 1 cores" in out
    assert "now 256 MB, most 256 MB of 512 MB" in out
    assert "0.75" in out
    assert float(stand_in.asked[-1].query["since"]) > 0
    document = json.loads(lilac("jobs", "usage", "digits", "-o", "json").out)
    assert len(document["samples"]) == 2


def test_nodes_and_clusters_have_charts_of_all_they_have(lilac: Run, stand_in: StandIn) -> None:
    capacity = {"cpu_millicores": 16_000, "memory_mb": 65_536, "gpus": 0}
    stand_in.answer("GET", f"/nodes/{NODE_ID}/usage", _series(capacity=capacity))
    stand_in.answer("GET", "/clusters/lab/usage", _series(capacity=capacity))
    for words in (("nodes", "usage", "gpu-1"), ("clusters", "usage", "lab")):
        assert "of 16 cores" in lilac(*words).out


def test_a_job_without_samples_says_so(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/usage", _series(samples=[], replicas=[]))
    done = lilac("jobs", "usage", "digits")
    assert (done.code, done.out, done.err) == (0, "", "Nothing was measured.\n")
