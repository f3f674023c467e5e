"""`lilac submit` without questions: every flag of the README, and those it does not know."""

from __future__ import annotations

import json

import pytest
from running import Run
from standin import JOB_ID, QUEUE_ID, Reply, StandIn, job, waiting_job

README = (
    "submit --name my-training-job --docker-uri my-registry/my-image:latest --queue-id "
    f"{QUEUE_ID} --cpu 1000 --memory 2048 --gpu-count 1 --gpu-model A100 --gpu-memory 16 --non-interactive"
).split()
LEAST = [
    "submit",
    "--non-interactive",
    "--name",
    "n",
    "--image",
    "i",
    "--queue",
    "default",
    "--cpu",
    "1",
    "--memory",
    "1",
]


def _sent(stand_in: StandIn) -> dict[str, object]:
    return stand_in.sent("POST", "/training_jobs")[0].body


def test_the_flags_of_the_readme_make_the_documented_request(lilac: Run, stand_in: StandIn) -> None:
    done = lilac(*README)
    assert done.code == 0, done.err
    assert _sent(stand_in) == {
        "name": "my-training-job",
        "definition": "my-registry/my-image:latest",
        "queue_id": QUEUE_ID,
        "resource_requirements": {
            "cpu_millicores": 1000,
            "memory_mb": 2048,
            "gpus": {"count": 1, "model": "A100", "memory_gb": 16},
        },
    }


def test_the_output_is_the_documented_one(lilac: Run) -> None:
    lines = lilac(*README).out.splitlines()
    assert lines[:8] == [
        "",
        "Job Summary:",
        "- Name: my-training-job",
        "- Docker Image: my-registry/my-image:latest",
        f"- Queue: default ({QUEUE_ID})",
        "- CPU: 1000m",
        "- Memory: 2048MB",
        "- GPUs: 1 x A100, 16GB or more",
    ]
    assert lines[-1].endswith(f"Job ID: {JOB_ID}")


def test_all_missing_flags_are_named_at_once(lilac: Run, stand_in: StandIn) -> None:
    done = lilac("submit", "--non-interactive", "--cpu", "1000")
    assert done.code == 2
    assert "--name, --docker-uri, --queue-id, --memory" in done.err
    assert stand_in.asked == []


def test_without_a_terminal_questions_are_not_asked_but_their_flags_named(lilac: Run) -> None:
    done = lilac("submit", "--name", "x")
    assert done.code == 2
    assert "there is no terminal" in done.err
    assert "--non-interactive and --docker-uri, --queue-id, --cpu, --memory" in done.err


def test_every_other_flag_reaches_the_request(lilac: Run, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_HERE", "yes")
    more = (
        "--env A=1 --env B=x=y --env FROM_HERE --runtime process --workdir /srv --time-limit 1h30m --priority -5 "
        "--size 2:4 --retries 0 --grace 2m --label team=vision --node-selector rack=b2 --strict -- python t.py --x"
    )
    assert lilac(*LEAST, *more.split()).code == 0
    body = _sent(stand_in)
    del body["name"], body["definition"], body["queue_id"], body["resource_requirements"]
    assert body == {
        "command": ["python", "t.py", "--x"],
        "env": {"A": "1", "B": "x=y", "FROM_HERE": "yes"},
        "runtime": "process",
        "working_dir": "/srv",
        "time_limit_s": 5400,
        "priority": -5,
        "size": {"min": 2, "max": 4},
        "kind": "elastic",
        "max_retries": 0,
        "grace_s": 120,
        "labels": {"team": "vision"},
        "node_selector": {"rack": "b2"},
        "strict": True,
    }


def test_a_command_line_is_run_by_a_shell(lilac: Run, stand_in: StandIn) -> None:
    lilac(*LEAST, "--command", "cd /data && ls")
    assert _sent(stand_in)["command"] == ["sh", "-c", "cd /data && ls"]


def test_a_single_size_is_a_gang_and_not_elastic(lilac: Run, stand_in: StandIn) -> None:
    lilac(*LEAST, "--size", "3")
    assert _sent(stand_in)["size"] == {"min": 3, "max": 3}
    assert "kind" not in _sent(stand_in)


def test_a_process_needs_no_image(lilac: Run, stand_in: StandIn) -> None:
    words = "submit --non-interactive --name n --runtime process --queue default --cpu 1 --memory 1 -- true"
    assert lilac(*words.split()).code == 0
    assert _sent(stand_in)["definition"] == ""


@pytest.mark.parametrize("count", [(), ("--gpu-count", "0")])
def test_without_gpus_null_is_sent(lilac: Run, stand_in: StandIn, count: tuple[str, ...]) -> None:
    lilac(*LEAST, *count)
    assert _sent(stand_in)["resource_requirements"]["gpus"] is None  # type: ignore[index]


def test_a_model_alone_asks_for_one_gpu(lilac: Run, stand_in: StandIn) -> None:
    lilac(*LEAST, "--gpu-model", "H100")
    gpus = _sent(stand_in)["resource_requirements"]["gpus"]  # type: ignore[index]
    assert gpus == {"count": 1, "model": "H100", "memory_gb": None}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--env", "NOT_SET_ANYWHERE"], "there is no such variable"),
        (["--time-limit", "soon"], "--time-limit must be a length of time"),
        (["--time-limit", "1h30"], "has a number without a unit"),
        (["--size", "4:2"], "--size must be"),
        (["--size", "many"], "--size must be"),
        (["--label", "x"], "--label must be KEY=VALUE"),
        (["--command", "x", "--", "y"], "not both"),
        (["--follow", "-o", "json"], "--wait"),
    ],
)
def test_wrong_values_are_told_before_anything_is_sent(
    lilac: Run, stand_in: StandIn, words: list[str], complaint: str
) -> None:
    done = lilac(*LEAST, *words)
    assert done.code == 2
    assert complaint in done.err
    assert stand_in.sent("POST", "/training_jobs") == []


def test_a_mistyped_queue_is_answered_with_the_nearest(lilac: Run) -> None:
    words = [
        "submit",
        "--non-interactive",
        "--name",
        "n",
        "--image",
        "i",
        "--queue",
        "defalt",
        "--cpu",
        "1",
        "--memory",
        "1",
    ]
    done = lilac(*words)
    assert (done.code, done.err) == (3, "Error: there is no queue 'defalt'. Did you mean default?\n")


def test_without_any_queue_the_way_out_is_named(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues", [])
    assert "lilac queues create" in lilac(*LEAST).err


@pytest.mark.parametrize(("status", "code"), [(401, 4), (404, 3), (422, 2), (500, 1), (503, 6)])
def test_a_refused_submission_is_never_zero_and_its_reason_is_shown(
    lilac: Run, stand_in: StandIn, status: int, code: int
) -> None:
    stand_in.answer("POST", "/training_jobs", Reply({"error": "Because of this."}, status))
    done = lilac(*LEAST)
    assert done.code == code
    assert "Because of this." in done.err
    assert "Job ID" not in done.out


def test_waiting_prints_how_it_ended(lilac: Run, stand_in: StandIn) -> None:
    done = lilac(*LEAST, "--wait")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "digits succeeded after 4.0s with exit code 0."
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/wait", job(job_status="failed", exit_code=3))
    done = lilac(*LEAST, "--wait", "-o", "json")
    assert done.code == 7
    assert json.loads(done.out)["exit_code"] == 3


def test_following_leaves_standard_output_to_the_job(lilac: Run) -> None:
    done = lilac(*LEAST, "--follow")
    assert (done.code, done.out) == (0, "one\ntwo\nend\n")
    assert "Job Summary:" in done.err
    assert f"Job ID: {JOB_ID}" in done.err


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"job_status": "failed", "exit_code": 3}, 3),
        ({"job_status": "failed", "exit_code": None, "reason": "image", "message": "No such image."}, 7),
        ({"job_status": "cancelled", "exit_code": None}, 7),
        ({"job_status": "failed", "exit_code": 137, "reason": "out_of_memory"}, 137),
    ],
)
def test_following_passes_the_exit_code_of_the_job_on(
    lilac: Run, stand_in: StandIn, changes: dict[str, object], code: int
) -> None:
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/wait", job(**changes))
    assert lilac(*LEAST, "--follow").code == code


def test_following_a_job_that_is_cancelled_before_it_starts(lilac: Run, stand_in: StandIn) -> None:
    cancelled = waiting_job(job_status="cancelled", waiting=None)
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}", cancelled)
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/wait", cancelled)
    done = lilac(*LEAST, "--follow")
    assert (done.code, done.out) == (7, "")
    assert "digits cancelled" in done.err


def test_an_array_is_waited_for_and_not_followed(lilac: Run, stand_in: StandIn) -> None:
    done = lilac(*LEAST, "--array", "0-9", "--follow")
    assert (done.code, stand_in.asked) == (2, [])
    assert "an array is many" in done.err
    assert "- Array: 0-9" in lilac(*LEAST, "--array", "0-9").out


@pytest.mark.parametrize(("avoided", "told"), [("", "through the proxy 127.0.0.1:9"), ("127.0.0.1", "Is it running?")])
def test_a_proxy_in_the_way_is_named_without_its_password(
    lilac: Run, monkeypatch: pytest.MonkeyPatch, avoided: str, told: str
) -> None:
    monkeypatch.setenv("LILAC_API_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://me:sesame@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", avoided)
    done = lilac(*LEAST)
    assert done.code == 6
    assert told in done.err
    assert "sesame" not in done.err


def test_following_several_replicas_says_which_line_is_of_which(lilac: Run) -> None:
    assert lilac(*LEAST, "--size", "2", "--follow").out == "[0] one\n[0] two\n[0] end\n"
    assert lilac(*LEAST, "--follow").out == "one\ntwo\nend\n"
    many = lilac(*LEAST, "--size", "200", "--follow")
    assert many.out == "one\ntwo\nend\n"
    assert "This is the output of rank 0" in many.err
