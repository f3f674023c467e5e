"""What is under deploy/: the install script says what it would do, and the container's entry point runs the agent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.fixtures.docker import DockerEngine
from tests.integration.agent.agent_stand import CLUSTER_KEY, FakeControlPlane
from tests.integration.agent.test_agent_docker import job

ROOT = Path(__file__).parents[3]


def install(home: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home)}
    return subprocess.run(
        [str(ROOT / "deploy/install.sh"), *flags], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def test_a_dry_run_shows_everything_and_changes_nothing(tmp_path: Path) -> None:
    done = install(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/.local/share/lilac" in done.stdout
    assert "--require-hashes" in done.stdout
    assert "sudo" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    done = install(tmp_path, "--uninstall", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_services_need_the_flag_that_lets_it_be_root_and_without_a_terminal_nothing_happens(tmp_path: Path) -> None:
    refused = install(tmp_path, "--agent")
    assert (refused.returncode, "give --system too" in refused.stderr) == (1, True)
    silent = install(tmp_path)
    assert (silent.returncode, "then give --yes" in silent.stderr) == (1, True)
    assert install(tmp_path, "--nonsense").returncode == 1
    assert list(tmp_path.iterdir()) == []


async def test_the_entry_point_runs_the_agent_and_passes_on_the_wish_to_stop(
    control_plane: FakeControlPlane, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "deploy/agent/entrypoint.sh"),
        "--label",
        "rack=b2",
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "DOCKER_HOST": docker_engine.host,
            "LILAC_API_ENDPOINT": control_plane.url,
            "LILAC_CLUSTER_API_KEY": CLUSTER_KEY,
            "LILAC_AGENT_STATE_DIR": str(tmp_path / "state"),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        (key,) = await control_plane.assign_many([job(docker_engine, "true")])
        await control_plane.until_state(key, "succeeded", timeout_s=60)
        assert control_plane.machine["labels"] == {"rack": "b2"}
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, said.decode()
        assert b"uses the engine at" in said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        docker_engine.remove_containers(f"lilac.job={key[0]}")
