"""Job files: what they mean, what is wrong with them and where, and that a job is written so that it reads the same."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from running import Run
from standin import StandIn, job

from lilac.cli.jobfile.reading import read_jobs
from lilac.cli.jobfile.schema import job_schema
from lilac.cli.jobfile.writing import write_job
from lilac.model.errors import InvalidInput

WHOLE = """\
name: train
image: registry.example/train:7
command: python train.py --epochs 3
args: [--fast, "1.10"]
queue: training
resources:
  cpu: 2.5
  memory: 4GiB
  gpus: {count: 8, model: H100, memory: 80}
size: 2:8
env:
  MODE: no
  VERSION: 1.10
  EMPTY: ""
secrets: [HF_TOKEN, "token=API_TOKEN", {name: cert, file: cert.pem}]
volumes: [data:/data:ro, {host_path: /mnt/sets, path: /sets}]
ports: [8080, 53/udp, {port: 9000, name: metrics}]
working_dir: /work
time_limit: 1h30m
grace: 2m
stop_signal: SIGINT
priority: -5
retries: {node_lost: 3, image: 1}
array: 0-99%10
after: [prepare, "fetch:any", {job: other, condition: failure}]
labels: {team: vision}
node_selector: {rack: b2}
exclusive: true
preemptible: false
strict: true
"""


def read(text: str, **more: Any) -> list[dict[str, Any]]:
    return read_jobs(text, "job.yaml", **more)


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    return str(caught.value).splitlines()[1:]


def test_every_key_reaches_the_request() -> None:
    (job,) = read(WHOLE)
    assert job == {
        "name": "train",
        "definition": "registry.example/train:7",
        "command": ["sh", "-c", "python train.py --epochs 3"],
        "args": ["--fast", "1.10"],
        "queue_id": "training",
        "resource_requirements": {
            "cpu_millicores": 2500,
            "memory_mb": 4096,
            "gpus": {"count": 8, "model": "H100", "memory_gb": 80},
        },
        "size": {"min": 2, "max": 8},
        "kind": "elastic",
        "env": {"MODE": "no", "VERSION": "1.10", "EMPTY": ""},
        "secrets": [
            {"name": "HF_TOKEN", "env": "HF_TOKEN"},
            {"name": "token", "env": "API_TOKEN"},
            {"name": "cert", "file": "cert.pem"},
        ],
        "volumes": [
            {"name": "data", "path": "/data", "read_only": True},
            {"host_path": "/mnt/sets", "path": "/sets"},
        ],
        "ports": [{"port": 8080}, {"port": 53, "protocol": "udp"}, {"port": 9000, "name": "metrics"}],
        "working_dir": "/work",
        "time_limit_s": 5400,
        "grace_s": 120,
        "stop_signal": "SIGINT",
        "priority": -5,
        "retries": {"node_lost": 3, "image": 1},
        "array": "0-99%10",
        "after": [
            {"job_id": "prepare"},
            {"job_id": "fetch", "condition": "any"},
            {"job_id": "other", "condition": "failure"},
        ],
        "labels": {"team": "vision"},
        "node_selector": {"rack": "b2"},
        "exclusive": True,
        "preemptible": False,
        "strict": True,
    }


def test_several_documents_are_several_jobs_and_merged_keys_count() -> None:
    one, two = read(
        "name: a\nimage: i\nqueue: q\nresources: &small {cpu: 1, memory: 512}\n---\n"
        "name: b\nimage: i\nqueue: q\nresources: {cpu: 2, memory: 1GB, gpus: 1}\nretries: 2\nsize: 4\n---\n"
    )
    assert (one["name"], one["resource_requirements"]["memory_mb"]) == ("a", 512)
    assert two["resource_requirements"] == {"cpu_millicores": 2000, "memory_mb": 1024, "gpus": {"count": 1}}
    assert (two["max_retries"], two["size"], "kind" in two) == (2, {"min": 4, "max": 4}, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("imgae: x", "job.yaml:7:1: unknown key 'imgae'; did you mean 'image'?"),
        ("exclusive: yes", "job.yaml:7:12: exclusive: 'yes' is a text, not a truth value: write true or false"),
        ("priority: 010", "job.yaml:7:11: priority: 010 is 8 to some programs and 10 to others: write 10 or 0o10"),
        ("time_limit: soon", "job.yaml:7:13: time_limit must be a length of time such as 90s, 10m or 2h, not 'soon'"),
        ("size: 3:2", "job.yaml:7:7: size must be at least 1, and its end not below its begin"),
        ("env: [A]", "job.yaml:7:6: env must be keys and values (`KEY: value`), not a list"),
        ("env: {A: [1]}", "job.yaml:7:10: env.A must be a text, not a list"),
        ("ports: [eighty]", "job.yaml:7:9: ports[0] must be a port such as 8080 or 53/udp or a mapping, not 'eighty'"),
        ("name: again", "job.yaml:7:1: the key 'name' is here twice; first in line 1"),
        ("after: [{condition: never, job: x}]", "job.yaml:7:21: after[0].condition must be success or any or failure, "
                                                "not 'never'"),
        ("labels: !!python/object:os.system {}", "job.yaml:7:9: the tag tag:yaml.org,2002:python/object:os.system "
                                                 "means nothing in a job file"),
        ("args: --fast", "job.yaml:7:7: args must be a list of texts, not '--fast': write [--fast]"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    whole = f"name: n\nimage: i\nqueue: q\nresources:\n  cpu: 1\n  memory: 1\n{text}\n"
    assert faults(whole) == [told]


def test_all_mistakes_are_told_at_once_in_their_order() -> None:
    told = faults("image: [x]\nresources: {cpu: lots, memory: -1, disk: 3}\nruntime: proces\n")
    assert [line.split(": ")[0] for line in told] == [
        "job.yaml:1:1",
        "job.yaml:1:1",
        "job.yaml:1:8",
        "job.yaml:2:18",
        "job.yaml:2:32",
        "job.yaml:2:36",
        "job.yaml:3:10",
    ]
    assert "did you mean 'process'?" in told[-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: n\n\timage: i\n", "indent with blanks, not with tabs"),
        ("name: 'n\n", "not valid YAML"),
        ("- a\n", "a job is a mapping with keys such as name, image and queue, not a list"),
        ("name: \x00", "not valid YAML"),
    ],
)
def test_what_is_no_yaml_or_no_job_is_told(text: str, told: str) -> None:
    assert told in "\n".join(faults(text))


def test_an_empty_file_holds_no_job() -> None:
    with pytest.raises(InvalidInput, match=r"job\.yaml holds no job"):
        read("# nothing\n")


def test_what_flags_give_may_be_missing() -> None:
    (job,) = read("name: n\nimage: i\n", given={"queue_id", "resource_requirements"})
    assert job["name"] == "n"


@settings(deadline=None)  # the machine may be busy
@given(text=st.text(max_size=200))
def test_any_text_is_jobs_or_mistakes_and_never_a_crash(text: str) -> None:
    with suppress(InvalidInput):
        read(text)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20).filter(str.strip)


@settings(deadline=None)  # the machine may be busy
@given(
    name=names,
    cpu=st.integers(1, 999_999),
    memory=st.integers(1, 2**30),
    env=st.dictionaries(st.from_regex("[A-Z_]{1,8}", fullmatch=True), texts),
    limit=st.one_of(st.none(), st.integers(1, 10**7)),
    gpus=st.one_of(st.none(), st.integers(1, 16)),
    size=st.tuples(st.integers(1, 9), st.integers(0, 9)),
    command=st.one_of(st.none(), st.lists(names, min_size=1, max_size=4)),
)  # fmt: skip
def test_a_job_is_written_so_that_it_reads_the_same(
    name: str,
    cpu: int,
    memory: int,
    env: dict[str, str],
    limit: int | None,
    gpus: int | None,
    size: tuple[int, int],
    command: list[str] | None,
) -> None:
    needs = {"cpu_millicores": cpu, "memory_mb": memory, "gpus": gpus and {"count": gpus, "model": "H100 80GB"}}
    shown = {
        "job_name": name,
        "definition": "debian:12",
        "queue_name": "training",
        "resource_requirements": needs,
        "env": env,
        "time_limit_s": limit,
        "size": {"min": size[0], "max": size[0] + size[1]},
        "command": command,
        "grace_s": 45,
        "max_retries": 1,
    }
    (job,) = read(write_job(shown))
    assert job["name"] == name
    assert job["resource_requirements"] == {key: value for key, value in needs.items() if value is not None}
    assert job.get("env", {}) == env
    assert job.get("time_limit_s") == limit
    assert job.get("size", {"min": 1, "max": 1}) == shown["size"]
    assert job.get("command") == command
    assert (job["grace_s"], job["max_retries"], job["queue_id"]) == (45, 1, "training")


def test_the_schema_names_every_key_and_says_what_is_needed() -> None:
    schema = job_schema()
    assert schema["required"] == ["name", "queue", "resources"]
    assert schema["properties"]["resources"]["required"] == ["cpu", "memory"]
    assert all(entry["description"] for entry in schema["properties"].values())
    assert not schema["additionalProperties"]


def test_a_file_is_submitted_with_flags_over_it(lilac: Run, stand_in: StandIn, home: Path) -> None:
    file = home / "job.yaml"
    file.write_text("name: a\nimage: debian:12\nresources: {cpu: 1, memory: 512}\nenv: {A: '1', B: '2'}\n---\n"
                    "name: b\nruntime: process\ncommand: 'true'\nresources: {cpu: 2, memory: 1GB}\n")  # fmt: skip
    refused = lilac("submit", "-f", str(file))
    assert refused.code == 2
    assert f"{file}:1:1: queue is missing" in refused.err
    dry = lilac("submit", "-f", str(file), "--queue", "default", "--env", "A=3", "--memory", "64", "--dry-run")
    one, two = json.loads(dry.out)
    assert (one["env"], one["resource_requirements"]["memory_mb"]) == ({"A": "3", "B": "2"}, 64)
    assert (two["command"], two["queue_id"]) == (["sh", "-c", "true"], "default")
    done = lilac("submit", "-f", "-", "--queue", "default", "--output", "yaml", typed=file.read_text())
    assert done.code == 0, done.err
    assert len(yaml.safe_load(done.out)) == 2
    ids = lilac("submit", "-f", str(file), "--queue", "default", "--quiet")
    assert len(ids.out.split()) == 2


def test_a_shown_job_can_be_submitted_again(lilac: Run, home: Path) -> None:
    shown = lilac("jobs", "show", "digits", "--yaml")
    assert shown.code == 0, shown.err
    (home / "again.yaml").write_text(shown.out)
    assert lilac("submit", "-f", str(home / "again.yaml"), "--dry-run").code == 0


def test_the_schema_is_printed(lilac: Run) -> None:
    assert json.loads(lilac("schema", "job").out) == job_schema()


def test_what_a_mapping_is_merged_from_counts_as_given() -> None:
    base = "x: &base {image: debian:12, queue: q, resources: {cpu: 1, memory: 1}}\n"
    told = faults(base + "<<: *base\nname: a\n")
    assert told == ["job.yaml:1:1: unknown key 'x'"]


def test_a_job_waits_for_an_earlier_one_of_its_file() -> None:
    one = "image: i\nqueue: q\nresources: {cpu: 1, memory: 1}\n"
    jobs = read(f"name: a\n{one}---\nname: b\n{one}after: [a:any, elsewhere]\n")
    assert jobs[1]["after"] == [{"job_id": "#0", "condition": "any"}, {"job_id": "elsewhere"}]


def test_arrays_dependencies_and_retries_are_written() -> None:
    told = job(
        array={"indices": "0-99", "size": 100, "running_limit": 10, "counts": {}},
        after=[{"job_id": "x", "condition": "success"}, {"job_id": "y", "condition": "any"}],
        retries_allowed={"node_lost": 3, "image": 0, "out_of_memory": 0, "error": 2},
    )
    (again,) = read(write_job(told))
    assert again["array"] == "0-99%10"
    assert again["after"] == [{"job_id": "x"}, {"job_id": "y", "condition": "any"}]
    assert again["retries"] == {"node_lost": 3, "error": 2}


def test_a_misspelt_key_is_not_told_as_missing_too() -> None:
    told = faults("name: a\nimgae: i\nqueue: q\nresources: {cpu: 1, memory: 1}\n")
    assert told == ["job.yaml:2:1: unknown key 'imgae'; did you mean 'image'?"]
