"""Verbs beyond looking: filters, retry, what-if, labels, rules of queues, other spellings, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Run
from standin import JOB_ID, NODE_ID, OTHER_JOB_ID, QUEUE_ID, Reply, StandIn, job, queue


def test_lists_pass_every_filter_on(lilac: Run, stand_in: StandIn) -> None:
    words = "--label team=vision --label a=b --search dig --kind batch --node gpu-1 --owner bob"
    assert lilac("jobs", "ls", *words.split(), "--since", "2026-11-24T04:00:00Z", "--until", "1h").code == 0
    query = stand_in.asked[0].query
    until = query.pop("until")
    assert until.endswith("Z")
    assert query == {
        "label": "a=b",  # the stand-in keeps the last of several
        "q": "dig",
        "kind": "batch",
        "node": "gpu-1",
        "owner": "bob",
        "since": "2026-11-24T04:00:00Z",
        "limit": "50",
    }


def test_all_pages_are_fetched_when_all_are_wanted(lilac: Run, stand_in: StandIn) -> None:
    pages = [Reply({"jobs": [job()], "next": "7"}), Reply({"jobs": [job(job_name="last")], "next": None})]
    stand_in.answer("GET", "/training_jobs", pages)
    done = lilac("jobs", "ls", "--all")
    assert [line.split()[1] for line in done.out.splitlines()] == ["NAME", "digits", "last"]
    assert stand_in.asked[1].query["after"] == "7"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_refused(lilac: Run, stand_in: StandIn, text: str) -> None:
    done = lilac("jobs", "ls", "--since", text)
    assert (done.code, stand_in.asked) == (2, [])
    assert "--since must be such as 2h" in done.err


def test_a_wide_list_has_more_columns_and_an_array_its_counts(lilac: Run, stand_in: StandIn) -> None:
    array = {"indices": "0-9", "size": 10, "running_limit": None, "counts": {"queued": 0, "running": 3, "succeeded": 7}}
    stand_in.answer("GET", "/training_jobs", {"jobs": [job(job_status="running", array=array)]})
    out = lilac("jobs", "ls", "-o", "wide").out
    assert "running (3 running, 7 succeeded)" in out
    assert "team=vision" in out
    assert out.splitlines()[0].split()[-1] == "IMAGE"


def test_many_are_cancelled_by_filters_after_a_question(lilac: Run, stand_in: StandIn) -> None:
    words = ("cancel", "--mine", "--status", "queued", "--label", "team=vision")
    assert lilac(*words).code == 2
    done = lilac(*words, "--yes")
    assert (done.code, done.out) == (0, "Cancelled 2 jobs.\n")
    body = stand_in.sent("POST", "/training_jobs/cancel")[0].body
    assert body == {"where": {"status": ["queued"], "labels": {"team": "vision"}, "owner": "me"}}


@pytest.mark.parametrize("words", [("cancel",), ("cancel", "digits", "--mine")])
def test_cancel_takes_jobs_or_filters(lilac: Run, words: tuple[str, ...]) -> None:
    assert lilac(*words).code == 2


def test_a_job_is_run_again(lilac: Run) -> None:
    assert lilac("jobs", "retry", "digits").out == f"Submitted digits again. Job ID: {JOB_ID}\n"


def test_a_waiting_job_is_moved(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("jobs", "move", "giant", "--priority", "7").out == "giant waits in queue default with priority 7.\n"
    moved = stand_in.sent("PATCH", f"/training_jobs/{OTHER_JOB_ID}")[0].body
    assert moved == {"priority": 7, "queue_id": None}
    assert lilac("jobs", "move", "giant").code == 2


def test_what_if_asks_for_all_of_it_together(lilac: Run, stand_in: StandIn, home: Path) -> None:
    file = home / "job.yaml"
    file.write_text("name: a\nimage: debian:12\nqueue: default\nresources: {cpu: 1, memory: 512}\n")
    words = f"what-if --submit {file} --cancel digits --priority giant=-3 --drain gpu-1 --add-nodes 2xgpu-1"
    done = lilac(*words.split())
    assert done.code == 0, done.err
    asked = stand_in.sent("POST", "/what-if")[0].body
    assert asked.pop("submit")["queue_id"] == "default"
    assert asked == {
        "cancel": ["digits"],
        "priorities": [{"job": "giant", "priority": -3}],
        "drain": ["gpu-1"],
        "add_nodes": [{"like": "gpu-1", "count": 2}],
    }
    assert "giant" in done.out
    assert "2 jobs would start earlier and 1 later" in done.out
    assert lilac("what-if").code == 2


def test_who_am_i(lilac: Run) -> None:
    out = lilac("whoami").out
    assert "ada (Ada)" in out
    assert "from LILAC_USER_API_KEY" in out


def test_labels_of_a_node_are_set_and_taken_back(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("nodes", "label", "gpu-1", "zone=a", "rack-").out == "gpu-1 has the labels rack=b2, zone=a.\n"
    assert stand_in.asked[-1].body == {"labels": {"zone": "a", "rack": None}}
    assert lilac("nodes", "label", "gpu-1", "zone").code == 2


def test_a_node_is_drained_by_a_deadline(lilac: Run, stand_in: StandIn) -> None:
    assert lilac("nodes", "drain", "gpu-1", "--deadline", "30m").code == 0
    drained = stand_in.sent("POST", f"/nodes/{NODE_ID}/drain")[0].body
    assert drained == {"deadline_s": 1800, "evict": False}


def test_the_rules_of_a_queue_are_set_and_shown(lilac: Run, stand_in: StandIn) -> None:
    words = (
        "--limit gpus=8 --limit cpu=2.5 --limit jobs=none --user-limit waiting=3 --order fair --ageing 10m --preemption"
    )
    assert lilac("queues", "edit", "default", *words.split()).code == 0
    assert stand_in.sent("PATCH", f"/queues/{QUEUE_ID}")[0].body == {
        "limits": {"gpus": 8, "cpu_millicores": 2500, "running_jobs": None},
        "user_limits": {"waiting_jobs": 3},
        "order": "fair",
        "ageing_s": 600,
        "preemption": True,
    }
    stand_in.answer("GET", "/queues", [queue(limits={"gpus": 8, "memory_mb": 2048}, order="fair", ageing_s=600)])
    out = lilac("queues", "show", "default").out
    assert "8 GPUs, 2 GB" in out
    assert "users in turns" in out


@pytest.mark.parametrize("text", ["gpus", "disks=3", "gpus=many", "memory=12 parsecs"])
def test_a_limit_that_makes_no_sense_is_refused(lilac: Run, stand_in: StandIn, text: str) -> None:
    done = lilac("queues", "edit", "default", "--limit", text)
    assert (done.code, stand_in.asked) == (2, [])


@pytest.mark.parametrize(
    ("words", "method", "path"),
    [
        (("queues", "delete", "default", "--yes"), "DELETE", f"/queues/{QUEUE_ID}"),
        (("nodes", "remove", "gpu-1"), "DELETE", f"/nodes/{NODE_ID}"),
        (("users", "add", "bob", "--password-stdin"), "POST", "/users"),
        (("jobs", "list"), "GET", "/training_jobs"),
    ],
)
def test_other_spellings_of_verbs_work(
    lilac: Run, stand_in: StandIn, words: tuple[str, ...], method: str, path: str
) -> None:
    assert lilac(*words, typed="sesame\n").code == 0
    assert stand_in.sent(method, path)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("jobz",), "Did you mean `jobs`?"),
        (("jobs", "shwo"), "Did you mean `show`?"),
        (("clusters", "keys", "crate"), "Did you mean `create`?"),
        (("jobs", "ls", "--stauts", "queued"), "--status"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(lilac: Run, words: tuple[str, ...], advice: str) -> None:
    done = lilac(*words)
    assert done.code == 2
    assert advice in done.err


def test_a_key_gets_the_scope_that_is_asked_for(lilac: Run, stand_in: StandIn) -> None:
    lilac("keys", "create", "ci", "--scope", "submit")
    assert stand_in.sent("POST", "/account/api-keys")[0].body["scope"] == "submit"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(lilac: Run, shell: str) -> None:
    done = lilac("completion", shell)
    assert done.code == 0
    assert "_LILAC_COMPLETE" in done.out


def _completed(home: Path, words: str, **variables: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LILAC_")}
    asked = {"_LILAC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "lilac.cli.main"],
        env={**kept, "HOME": str(home), **asked, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_and_names_are_completed(stand_in: StandIn, home: Path) -> None:
    here = {"LILAC_API_ENDPOINT": stand_in.url, "LILAC_USER_API_KEY": "k"}
    assert _completed(home, "lilac whoa") == ["whoami"]
    assert _completed(home, "lilac jobs sh") == ["show"]
    assert "--status" in _completed(home, "lilac jobs ls --st")
    assert _completed(home, "lilac jobs show gi", **here) == ["giant"]


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("lilac job sh", "show"),
        ("lilac exec di", "digits"),
        ("lilac port-forward di", "digits"),
        ("lilac submit --queue de", "default"),
        ("lilac jobs ls --status queued,run", "queued,running"),
        ("lilac volumes show sc", "scratch"),
        ("lilac volumes rm sc", "scratch"),
        ("lilac secrets set to", "token"),
        ("lilac keys rm la", "laptop"),
        ("lilac users show a", "ada"),
        ("lilac events --node gp", "gpu-1"),
    ],
)
def test_names_of_everything_are_completed(stand_in: StandIn, home: Path, words: str, proposed: str) -> None:
    stand_in.answer("GET", "/volumes", {"volumes": [{"name": "scratch"}]})
    stand_in.answer("GET", "/secrets", {"secrets": [{"name": "token"}]})
    here = {"LILAC_API_ENDPOINT": stand_in.url, "LILAC_USER_API_KEY": "k"}
    assert _completed(home, words, **here) == [proposed]


def test_fish_gets_whole_sentences(lilac: Run) -> None:
    assert 'string split --max 1 "," $completion' in lilac("completion", "fish").out


def test_events_of_nodes_and_queues_are_asked_for_by_name(lilac: Run, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues/default", queue())
    assert lilac("events", "--node", "gpu-1", "--queue", "default").code == 0
    query = stand_in.sent("GET", "/events")[0].query
    assert (query["node_id"], query["queue_id"]) == (NODE_ID, QUEUE_ID)
    assert lilac("events", "--node", "nowhere").code == 3
    gone = "99999999-1111-4222-8333-444455556666"
    assert lilac("events", "--node", gone).code == 0
    assert stand_in.sent("GET", "/events")[1].query["node_id"] == gone


def test_completion_never_says_anything_of_a_server_that_is_away(home: Path) -> None:
    assert _completed(home, "lilac jobs show gi", LILAC_API_ENDPOINT="http://127.0.0.1:9") == []


def test_the_name_of_the_original_agent_leads_to_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lilac.cli.main import agent

    monkeypatch.setattr(sys, "argv", ["lilac_agent", "--help"])
    assert agent() == 0
    assert "configure" in capsys.readouterr().out


NOUNS = {
    "jobs": {"ls", "show", "cancel"},
    "nodes": {"ls", "show", "rm"},
    **{noun: {"ls", "show", "create", "rm"} for noun in ("queues", "clusters", "volumes", "keys", "users")},
    "secrets": {"ls", "show", "set", "rm"},
}


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_has_the_same_verbs_short_and_long(lilac: Run, noun: str) -> None:
    shown = lilac(noun, "--help").out
    assert "..." not in shown.replace("[ARGS]...", ""), "no sentence is cut"
    for verb in NOUNS[noun]:
        assert f"\n  {verb} " in shown
        assert f"Usage: lilac {noun} {verb} " in lilac(noun, verb, "--help").out
    known = {"list": "ls", "get": "show", "add": "create", "create": "create", "delete": "rm", "remove": "rm"}
    if noun == "secrets":
        known |= {"add": "set", "create": "set"}
    for long, short in known.items():
        done = lilac(noun, long, "--help")
        if short in NOUNS[noun]:
            assert f"Usage: lilac {noun} {long} " in done.out or f"Usage: lilac {noun} {short} " in done.out
            assert long == short or f"{long} for {short}" in " ".join(shown.split())
        else:
            assert done.code == 2
            assert f"there is no `lilac {noun} {long}`. " in done.err, "and what to do instead"
    assert f"Usage: lilac {noun} ls " in lilac(noun.removesuffix("s"), "ls", "--help").out


def test_volumes_secrets_and_keys_are_shown_one_at_a_time(lilac: Run, stand_in: StandIn) -> None:
    at = "2026-11-24T04:00:00Z"
    volume = {"id": "v-1", "name": "data", "owner": "ada", "node_id": None, "node_name": None}
    stand_in.answer("GET", "/volumes/data", {**volume, "created_at": at, "last_used_at": None})
    shown = lilac("volume", "show", "data").out
    assert "not chosen before a job uses it" in shown
    assert "never" in shown
    secret = {"name": "token", "shared": True, "created_at": at, "updated_at": at}
    stand_in.answer("GET", "/secrets", {"secrets": [secret]})
    assert "everybody" in lilac("secrets", "get", "token").out
    assert json.loads(lilac("secrets", "show", "token", "-o", "json").out) == secret
    missing = lilac("secrets", "show", "other")
    assert (missing.code, missing.err) == (3, "Error: there is no secret 'other'.\n")
    assert "laptop" in lilac("keys", "show", "laptop").out


def test_what_is_removed_is_told_in_json_too(lilac: Run, stand_in: StandIn) -> None:
    volume = {"id": "v-1", "name": "data", "owner": None, "node_id": "n-1", "node_name": "gpu-1"}
    stand_in.answer("GET", "/volumes/data", volume)
    stand_in.answer("DELETE", "/volumes/v-1", None)
    assert json.loads(lilac("volumes", "delete", "data", "-o", "json").out) == {"deleted": ["v-1"]}
    assert "Its data on node gpu-1 is being deleted." in lilac("volumes", "rm", "data").out
