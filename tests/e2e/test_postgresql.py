"""The platform on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.platform import eventually, one_node
from tests.fixtures.postgres import PostgresServer


def test_jobs_run_on_postgresql_and_survive_a_kill_of_the_control_plane(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with one_node(tmp_path, database_url=postgres_server.create_database()) as (server, _agent):
        small = {"cpu_millicores": 50, "memory_mb": 1, "gpus": None}
        jobs = [
            server.api.submit("/bin/sh", "-c", "sleep 0.2; echo done", resource_requirements=small) for _ in range(30)
        ]
        eventually(
            lambda: any(j["job_status"] == "succeeded" for j in server.api.get("/training_jobs")["jobs"]),
            60,
            "a job to have succeeded",
        )
        server.kill()
        server.restart()
        for job in jobs:
            ended = server.api.wait(job)
            assert (ended["job_status"], len(ended["attempts"])) == ("succeeded", 1)
            assert server.api.text(f"/training_jobs/{job}/logs", follow="true") == "done\n"


def test_the_password_of_the_database_is_in_no_output(tmp_path: Path) -> None:
    import subprocess

    from tests.fixtures.platform import clean_environment, lilac

    done = subprocess.run(
        [lilac(), "server", "start", "--port", "0", "--data-dir", str(tmp_path / "data")],
        env=clean_environment(
            tmp_path, {"LILAC_DATABASE_URL": "postgresql://lilac:hunter2@127.0.0.1:1/lilac?connect_timeout=2"}
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 6
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "127.0.0.1" in done.stderr
