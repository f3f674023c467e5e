"""Volumes from the API to processes: what one job leaves, the next one finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.platform import Agent, Server, clean_environment, eventually, lilac


def test_data_survives_from_job_to_job_and_host_paths_are_given_where_allowed(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "sets").mkdir(parents=True)
    (given / "sets/one").write_text("first\n")
    (given / "out").symlink_to("/etc")
    with Server(tmp_path / "server") as server:
        api = server.api
        allowed = {"LILAC_AGENT_ALLOWED_HOST_PATHS": f"{given}:ro"}
        agent = Agent(tmp_path / "agent", server.address, api.cluster_key(), env=allowed)
        with agent:
            node = eventually(lambda: api.get("/nodes")["nodes"], 30, "the node")[0]
            models = [{"name": "models", "path": "/models"}]
            ended = api.wait(api.submit("/bin/sh", "-c", 'echo kept >"$LILAC_VOLUME_MODELS/m"', volumes=models))
            assert ended["job_status"] == "succeeded", ended
            both = [*models, {"host_path": f"{given}/sets", "path": "/in", "read_only": True}]
            job = api.submit("/bin/sh", "-c", 'cat "$LILAC_VOLUME_MODELS/m" "$LILAC_VOLUME_IN/one"', volumes=both)
            assert api.wait(job)["job_status"] == "succeeded"
            assert api.text(f"/training_jobs/{job}/logs", follow="true") == "kept\nfirst\n"

            escape = [{"host_path": f"{given}/out", "path": "/in", "read_only": True}]
            ended = api.wait(api.submit("/bin/ls", "/", volumes=escape))
            assert (ended["job_status"], ended["reason"]) == ("failed", "start")
            assert "(it leads to /etc)" in ended["message"]
            with pytest.raises(AssertionError, match=r"422.*no node of queue default allows the host path /etc"):
                api.submit("/bin/ls", "/", volumes=[{"host_path": "/etc", "path": "/in", "read_only": True}])

            variables = {"LILAC_API_ENDPOINT": server.address, "LILAC_USER_API_KEY": api.user_key()}
            environment = clean_environment(tmp_path, variables)

            def run(*words: str) -> str:
                return subprocess.run(
                    [lilac(), *words], env=environment, capture_output=True, text=True, check=True
                ).stdout

            assert run("volumes", "create", "scratch") == "Created scratch.\n"
            assert node["name"] in run("volumes", "ls")
            volume = api.get("/volumes/models")
            told = run("volumes", "rm", "models", "scratch").splitlines()
            assert told[1] == f"Its data on node {node['name']} is being deleted."
            assert api.get("/volumes")["volumes"] == []
            data = agent.directory / "state/volumes" / f"lilac-{volume['id']}"
            eventually(lambda: not data.exists(), 10, "the end of the data")

            def said() -> bool:
                return any(event["kind"] == "volume.data_deleted" for event in api.get("/events?limit=100")["events"])

            eventually(said, 10, "the word that the data is gone")
