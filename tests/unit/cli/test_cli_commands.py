"""Each command: what it sends, what it shows, and that its JSON is one document of the API's objects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Run
from standin import (
    JOB_ID,
    KEY_ID,
    NODE_ID,
    OTHER_JOB_ID,
    QUEUE_ID,
    USER_KEY,
    Reply,
    StandIn,
    attempt,
    event,
    job,
    logs_of,
    node,
    queue,
    waiting_job,
)


def test_ps_shows_a_table(lilac: Run) -> None:
    done = lilac("ps")
    assert done.code == 0
    heading, first, second = done.out.splitlines()
    assert heading.split() == ["ID", "NAME", "STATE", "QUEUE", "OWNER", "NODE", "GPUS", "RAN", "SUBMITTED"]
    assert first.split()[:8] == [JOB_ID, "digits", "succeeded", "default", "ada", "gpu-1", "-", "4.0s"]
    assert second.split()[:3] == [OTHER_JOB_ID, "giant", "queued"]


def test_ps_passes_its_filters_on(lilac: Run, stand_in: StandIn) -> None:
    lilac("ps", "--status", "queued,running", "--queue", "default", "--name", "x", "--mine", "-n", "7")
    assert stand_in.asked[0].query == {
        "status": "queued,running",
        "queue_id": "default",
        "name": "x",
        "owner": "me",
        "limit": "7",
    }


def test_ps_refuses_a_state_that_does_not_exist(lilac: Run, stand_in: StandIn) -> None:
    done = lilac("ps", "--status", "dead")
    assert (done.code, stand_in.asked) == (2, [])
    assert "'dead' is not a state" in done.err


def test_an_empty_list_says_so_on_standard_error(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/training_jobs", {"jobs": [], "next": None})
    done = lilac("ps")
    assert (done.code, done.out, done.err) == (0, "", "No jobs. `lilac submit` makes one.\n")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exit_code": 3, "reason": "error"}, "failed (exit 3)"),
        ({"exit_code": 137, "reason": "out_of_memory"}, "failed (out of memory)"),
        ({"exit_code": None, "reason": "image"}, "failed (image)"),
    ],
)
def test_a_failed_job_is_listed_with_what_is_most_telling(
    lilac: Run, stand_in: StandIn, changes: dict[str, object], words: str
) -> None:
    stand_in.answer("GET", "/training_jobs", {"jobs": [job(job_status="failed", **changes)]})
    assert words in lilac("ps").out


def test_names_of_others_cannot_steer_the_terminal(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/training_jobs", {"jobs": [job(job_name="a\x1b[2Jb\nc")]})
    out = lilac("ps").out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_show_tells_state_place_and_timings(lilac: Run) -> None:
    done = lilac("jobs", "show", "digits")
    assert done.code == 0
    for text in (
        "State",
        "succeeded",
        "gpu-1",
        "debian:12",
        "1 core, 512 MB",
        "Timings",
        "█",
        "Attempts",
        "team=vision",
    ):
        assert text in done.out
    assert "secret" not in done.out


def test_show_tells_why_a_job_waits(lilac: Run) -> None:
    out = lilac("jobs", "show", "giant").out
    assert "needs 8 × H100 on one node" in out
    assert "5 × H100 instead of 8" in out


def test_show_tells_how_a_job_failed(lilac: Run, stand_in: StandIn) -> None:
    failed = job(
        job_status="failed",
        exit_code=None,
        reason="image",
        message="The image nowhere/x:1 does not exist.",
        attempts=[attempt(state="failed", reason="image", message="no such image")],
    )
    stand_in.answer("GET", "/training_jobs/digits", failed)
    out = lilac("jobs", "show", "digits").out
    assert "failed: The image nowhere/x:1 does not exist." in out
    assert "no such image" in out


def test_a_job_of_an_original_server_can_be_shown(lilac: Run, stand_in: StandIn) -> None:
    plain = {name: value for name, value in job().items() if name.startswith("job_") or name in (
        "node_id", "queue_id", "resource_requirements", "created_at", "updated_at")}  # fmt: skip
    stand_in.answer("GET", "/training_jobs/digits", plain)
    stand_in.answer("GET", "/training_jobs", {"jobs": [plain]})
    assert lilac("jobs", "show", "digits").code == 0
    assert lilac("ps").code == 0


def test_explain_tells_everything(lilac: Run) -> None:
    done = lilac("explain", "giant")
    assert done.code == 0
    assert "giant waits in queue default" in done.out
    assert "at place 2, 1 job ahead of it" in done.out
    assert "Why:  needs 8 × H100 on one node; the best is node-3 with 5 free" in done.out
    assert "GPUs: needs 8, 5 fit and are free" in done.out
    assert "Expected start:  in " in done.out
    assert "(2126-11-24 04:10:00): when digits reaches its time limit" in done.out
    assert "It would start now with:  5 × H100 instead of 8" in done.out


def test_explain_of_a_job_that_runs_says_what_it_does(lilac: Run, stand_in: StandIn) -> None:
    told = {"job_id": JOB_ID, "job_status": "running", "code": None, "message": "It runs on gpu-1.", "position": None,
            "jobs_ahead": 0, "holders": [], "nodes": [], "smallest_change": None}  # fmt: skip
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/explain", told)
    assert lilac("jobs", "explain", "digits").out.splitlines() == ["digits is running.", "It runs on gpu-1."]


def test_cancel_takes_several_jobs_and_goes_on_after_a_failure(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("POST", f"/training_jobs/{OTHER_JOB_ID}/cancel", Reply({"error": "It has ended."}, 409))
    done = lilac("cancel", "giant", "digits")
    assert done.code == 5
    assert done.out == f"Cancelled digits ({JOB_ID}).\n"
    assert "giant: It has ended." in done.err


def test_cancel_of_an_ended_job_is_a_conflict(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("POST", f"/training_jobs/{JOB_ID}/cancel", Reply({"error": "It has ended."}, 409))
    done = lilac("cancel", "digits")
    assert (done.code, done.err) == (5, "Error: It has ended.\n")


def test_wait_passes_on_how_the_job_ended(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("jobs", "wait", "digits").code == 0
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/wait", job(job_status="failed", exit_code=3))
    done = lilac("jobs", "wait", "digits")
    assert (done.code, done.out) == (7, "digits failed after 4.0s with exit code 3.\n")


def test_wait_gives_up_with_a_code_of_its_own(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/wait", job(job_status="running"))
    done = lilac("jobs", "wait", "digits", "--timeout", "0")
    assert (done.code, done.out) == (1, "digits is still running.\n")


def test_a_running_job_is_shown_with_what_it_uses_now(lilac: Run, stand_in: StandIn) -> None:
    running = job(job_status="running", attempts=[attempt(state="running")])
    sample = {"at": "2026-11-24T04:00:00Z", "gpu_utilization_pct": None, "gpu_memory_mb": None}
    samples = [{**sample, "cpu_millicores": 812, "memory_mb": 300}, {**sample, "cpu_millicores": 1, "memory_mb": 1}]
    stand_in.answer("GET", "/training_jobs/digits", running)
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/usage", {"samples": samples})
    assert "Uses now    0.81 of 1 core, 300 MB of 512 MB" in lilac("jobs", "show", "digits").out
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/usage", {"samples": []})
    assert "Uses now" not in lilac("jobs", "show", "digits").out


def test_logs_are_written_as_they_are(lilac: Run) -> None:
    assert lilac("logs", "digits").out == "one\ntwo\nend\n"


@pytest.mark.parametrize(("lines", "shown"), [("0", ""), ("1", "end\n"), ("2", "two\nend\n"), ("9", "one\ntwo\nend\n")])
def test_tail_begins_with_the_last_lines(lilac: Run, lines: str, shown: str) -> None:
    assert lilac("logs", "digits", "--tail", lines).out == shown


def test_following_ends_with_the_output(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("logs", "-f", "digits").out == "one\ntwo\nend\n"
    assert stand_in.sent("GET", f"/training_jobs/{JOB_ID}/logs")[0].query["follow"] == "true"


def two_replicas(stand_in: StandIn) -> None:
    """Rank 1 says something else than rank 0, and ends without a newline."""
    one = attempt()
    one["replicas"].append({**one["replicas"][0], "rank": 1, "log_bytes": 7})
    for path in ("/training_jobs/digits", f"/training_jobs/{JOB_ID}"):
        stand_in.answer("GET", path, job(size={"min": 2, "max": 2}, attempts=[one]))
    texts = {"0": b"one\ntwo\nend\n", "1": b"uno\ndue"}
    stand_in.answer("GET", f"/training_jobs/{JOB_ID}/logs", lambda asked: logs_of(texts[asked.query["rank"]])(asked))


def test_logs_of_several_replicas_tell_the_rank_of_each_line(lilac: Run, stand_in: StandIn) -> None:
    two_replicas(stand_in)
    both = "[0] one\n[0] two\n[0] end\n[1] uno\n[1] due\n"
    for words in (["logs", "digits"], ["logs", "digits", "--rank", "all"], ["logs", "digits", "--rank", "0-1"]):
        assert lilac(*words).out == both
    assert sorted(lilac("logs", "-f", "digits").out.splitlines()) == sorted(both.splitlines())
    assert lilac("logs", "digits", "--tail", "1").out == "[0] end\n[1] due\n"
    assert lilac("logs", "digits", "--rank", "1").out == "uno\ndue"
    assert lilac("logs", "-f", "digits", "--rank", "0").out == "one\ntwo\nend\n"
    told = json.loads(lilac("logs", "digits", "-o", "json").out)
    assert [(one["rank"], one["log"]) for one in told] == [(0, "one\ntwo\nend\n"), (1, "uno\ndue")]


def test_all_ranks_of_a_job_with_one_replica_are_written_as_they_are(lilac: Run) -> None:
    assert lilac("logs", "digits", "--rank", "all").out == "one\ntwo\nend\n"
    missing = lilac("logs", "digits", "--rank", "0,3")
    assert (missing.code, missing.err) == (3, "Error: attempt 1 of digits has no rank 3, only 0 to 0.\n")


@pytest.mark.parametrize("rank", ["", "x", "-1", "2-1", "1,,2", "٣", "0-9999999"])
def test_what_is_no_rank_is_refused(lilac: Run, rank: str) -> None:
    done = lilac("logs", "digits", "--rank", rank)
    assert done.code == 2
    assert "neither `all` nor ranks" in done.err


def test_logs_of_a_job_that_has_not_started_say_so(lilac: Run) -> None:
    done = lilac("logs", "giant")
    assert (done.code, done.out) == (0, "")
    assert "has not started yet" in done.err


def test_following_cannot_be_json(lilac: Run) -> None:
    assert lilac("logs", "-f", "digits", "-o", "json").code == 2


def test_events_are_lines(lilac: Run) -> None:
    lines = lilac("events").out.splitlines()
    assert len(lines) == 2
    assert "job.submitted" in lines[0]
    assert "by user:ada" in lines[0]
    assert lilac("jobs", "events", "digits").out.splitlines() == lines


def test_followed_events_in_json_are_one_to_a_line(lilac: Run, stand_in: StandIn) -> None:
    frames = "".join(f"id: {n}\nevent: x\ndata: {json.dumps(event(n))}\n\n" for n in (1, 2)).encode()
    ended = Reply({"error": "Over.", "code": "forbidden"}, 403)
    turns = [Reply(iter([frames]), headers={"Content-Type": "text/event-stream"}), ended]
    stand_in.answer("GET", "/events", turns)
    done = lilac("events", "-f", "-o", "json")
    assert done.code == 4
    assert [json.loads(line)["seq"] for line in done.out.splitlines()] == [1, 2]


def test_queues_are_listed_with_their_clusters(lilac: Run) -> None:
    heading, line = lilac("queues", "ls").out.splitlines()
    assert heading.split() == ["NAME", "PRIORITY", "STATE", "WAITING", "CLUSTERS", "ID"]
    assert line.split() == ["default", "10", "open", "2", "lab", QUEUE_ID]


def test_a_queue_is_made_with_clusters_in_order(lilac: Run, stand_in: StandIn) -> None:
    done = lilac("queues", "create", "night", "--cluster", "a", "--cluster", "b", "--priority", "5")
    assert done.code == 0
    body = stand_in.sent("POST", "/queues")[0].body
    assert body == {"name": "night", "priority": 5, "cluster_targets": ["a", "b"], "paused": False}


def test_editing_a_queue_keeps_what_is_not_given(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues", [queue(paused=True, limits={"gpus": 8, "running_jobs": None})])
    assert lilac("queues", "edit", "default", "--priority", "3", "--limit", "memory=1GiB").code == 0
    body = stand_in.sent("PATCH", f"/queues/{QUEUE_ID}")[0].body
    assert body == {"priority": 3, "limits": {"gpus": 8, "running_jobs": None, "memory_mb": 1024}}


def test_editing_nothing_is_wrong_usage(lilac: Run) -> None:
    assert lilac("queues", "edit", "default").code == 2


def test_a_queue_is_paused_and_resumed(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("queues", "pause", "default").out == "Queue default is paused.\n"
    assert lilac("queues", "resume", "default").out == "Queue default is open.\n"
    assert [asked.path for asked in stand_in.asked if asked.method == "POST"] == [
        f"/queues/{QUEUE_ID}/pause",
        f"/queues/{QUEUE_ID}/resume",
    ]


def test_a_mistyped_queue_is_answered_with_the_nearest(lilac: Run) -> None:
    done = lilac("queues", "show", "defualt")
    assert (done.code, done.err) == (3, "Error: there is no queue 'defualt'. Did you mean default?\n")


@pytest.mark.parametrize("words", [("queues", "delete", "default"), ("clusters", "delete", "lab")])
def test_deleting_needs_a_yes_where_nobody_can_be_asked(lilac: Run, stand_in: StandIn, words: tuple[str, ...]) -> None:
    assert lilac(*words).code == 2
    assert not any(asked.method == "DELETE" for asked in stand_in.asked)
    assert lilac(*words, "--yes").code == 0
    assert any(asked.method == "DELETE" for asked in stand_in.asked)


def test_a_cluster_is_shown_with_its_nodes(lilac: Run) -> None:
    out = lilac("clusters", "show", "lab").out
    assert "12 of 16 cores in use" in out
    assert "1/2 H100" in out


def test_a_new_key_is_alone_on_standard_output(lilac: Run, stand_in: StandIn) -> None:
    for words in (
        ("keys", "create", "ci", "--expires-in", "30d"),
        ("clusters", "keys", "create", "lab", "--name", "n"),
    ):
        done = lilac(*words)
        assert (done.code, done.out) == (0, f"{USER_KEY}\n")
        assert "not shown again" in done.err
    assert stand_in.sent("POST", "/account/api-keys")[0].body["expires_at"].endswith("Z")
    assert stand_in.sent("POST", "/clusters/lab/api-keys")[0].body == {"name": "n", "expires_at": None}


def test_keys_are_deleted_by_name_or_the_beginning_of_their_id(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("keys", "delete", "laptop").code == 0
    assert lilac("clusters", "keys", "delete", "lab", KEY_ID[:8]).code == 0
    assert [asked.path for asked in stand_in.asked if asked.method == "DELETE"] == [
        f"/account/api-keys/{KEY_ID}",
        f"/clusters/lab/api-keys/{KEY_ID}",
    ]
    done = lilac("keys", "delete", "desktop")
    assert (done.code, done.err) == (3, "Error: there is no key 'desktop'.\n")


def test_nodes_are_listed_with_what_is_free(lilac: Run) -> None:
    line = lilac("nodes", "ls").out.splitlines()[1]
    assert line.split("  ")[0] == "gpu-1"
    assert "4/16" in line
    assert "1/2 H100" in line


def test_a_node_is_found_by_host_name(lilac: Run) -> None:
    assert NODE_ID in lilac("nodes", "show", "gpu-1.example").out


def test_a_mistyped_node_is_answered_with_the_nearest(lilac: Run) -> None:
    done = lilac("nodes", "show", "gpu1")
    assert (done.code, done.err) == (3, "Error: there is no node 'gpu1'. Did you mean gpu-1?\n")


def test_nodes_with_the_same_name_need_an_id(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/nodes", {"nodes": [node(), node(id="other")]})
    done = lilac("nodes", "drain", "gpu-1.example")
    assert done.code == 3
    assert "2 nodes are called" in done.err


def test_nodes_are_drained_resumed_and_removed(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("nodes", "drain", "gpu-1").out == "gpu-1 gets no new jobs.\n"
    assert lilac("nodes", "resume", "gpu-1").out == "gpu-1 gets jobs again.\n"
    assert lilac("nodes", "remove", "gpu-1").out == "gpu-1 is forgotten.\n"
    assert stand_in.asked[-1].method == "DELETE"


def test_users_are_made_with_a_password_from_standard_input(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("users", "create", "bob", "--role", "viewer", "--password-stdin", typed="sesame\n").code == 0
    assert stand_in.sent("POST", "/users")[0].body["password"] == "sesame"
    assert lilac("users", "create", "bob", "--password-stdin").code == 2
    assert lilac("users", "create", "bob").code == 2


def test_users_are_changed(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("users", "set-role", "bob", "viewer").code == 0
    assert lilac("users", "disable", "bob").code == 0
    assert lilac("users", "enable", "bob").code == 0
    assert lilac("users", "set-password", "bob", "--password-stdin", typed="x\n").code == 0
    bodies = [asked.body for asked in stand_in.sent("PATCH", "/users/bob")]
    assert bodies == [{"role": "viewer"}, {"disabled": True}, {"disabled": False}, {"password": "x"}]


def test_the_own_password_is_changed_from_two_lines(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("users", "passwd", "--password-stdin", typed="old\nnew\n").code == 0
    assert stand_in.asked[-1].body == {"old_password": "old", "new_password": "new"}


@pytest.mark.parametrize(
    "words",
    [
        "ps",
        "jobs ls",
        "jobs show digits",
        "jobs events digits",
        "jobs wait digits",
        "jobs explain giant",
        "jobs retry digits",
        "jobs move giant --priority 7",
        "jobs elements sweep",
        "cancel --mine --yes",
        "what-if --cancel digits",
        "whoami",
        "nodes label gpu-1 rack=b3",
        "nodes events gpu-1",
        "nodes jobs gpu-1",
        "users show bob",
        "users edit bob --role viewer",
        "users rm bob --yes",
        "explain giant",
        "logs digits",
        "cancel digits",
        "queues ls",
        "queues show default",
        "queues create q --cluster lab",
        "queues edit default --name n",
        "queues pause default",
        "queues resume default",
        "queues delete default --yes",
        "clusters ls",
        "clusters show lab",
        "clusters create lab2",
        "clusters delete lab --yes",
        "clusters keys ls lab",
        "clusters keys create lab",
        "clusters keys delete lab laptop",
        "nodes ls",
        "nodes show gpu-1",
        "nodes drain gpu-1",
        "nodes resume gpu-1",
        "nodes remove gpu-1",
        "keys ls",
        "keys create",
        "keys delete laptop",
        "users ls",
        "users set-role bob viewer",
        "events",
        "submit --non-interactive --name digits --image debian:12 --queue default --cpu 1000 --memory 512",
        "submit --wait --non-interactive --name digits --image debian:12 --queue default --cpu 1000 --memory 512",
    ],
)
def test_json_output_is_one_document_and_nothing_else(lilac: Run, words: str) -> None:
    done = lilac(*words.split(), "-o", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out) is not None


def test_json_of_a_job_is_what_the_api_said(lilac: Run) -> None:
    assert json.loads(lilac("jobs", "show", "digits", "-o", "json").out) == job()
    assert json.loads(lilac("jobs", "show", "giant", "-o", "json").out) == waiting_job(
        job_id=OTHER_JOB_ID, job_name="giant"
    )


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://lilac.example:8443/", "https://lilac.example:8443/ui/"),
        ("http://one:8080/api,http://two:8080", "http://one:8080/ui/"),
        ("https://example.org/lilac", "https://example.org/lilac/ui/"),
    ],
)
def test_the_address_of_the_web_interface_follows_from_the_endpoint(
    lilac: Run, monkeypatch: pytest.MonkeyPatch, endpoint: str, address: str
) -> None:
    monkeypatch.setenv("LILAC_API_ENDPOINT", endpoint)
    done = lilac("ui", "--print")
    assert (done.code, done.out) == (0, f"{address}\n")


def test_the_web_interface_is_opened_in_a_browser(
    lilac: Run, stand_in: StandIn, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {home}/opened\n')
    browser.chmod(0o755)
    program = "import sys; from lilac.cli.main import main; sys.exit(main(['ui']))"
    environ = {**os.environ, "HOME": str(home), "BROWSER": str(browser), "LILAC_API_ENDPOINT": stand_in.url}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{stand_in.url}/ui/\n"
    assert (home / "opened").read_text() == f"{stand_in.url}/ui/\n"
