"""A real agent with processes: arguments, stop signal and its reason, ports."""

from __future__ import annotations

import sys
import uuid

from tests.integration.agent.agent_stand import Agent, FakeControlPlane

TOLD = """
import os, signal, sys, threading
over = threading.Event()
signal.signal(signal.SIGINT, lambda *_: over.set())
print(sys.argv[1:], os.environ["LILAC_PORT_WEB"], flush=True)
over.wait(60)
print("told:", open(os.environ["LILAC_STOP_REASON_FILE"]).read().strip(), flush=True)
"""


async def test_a_process_gets_its_arguments_its_own_signal_and_the_reason(
    control_plane: FakeControlPlane, agent: Agent
) -> None:
    key = await control_plane.assign(
        sys.executable, "-c", TOLD, args=["a", "b c"], stop_signal="SIGINT", ports=[{"port": 8080, "name": "web"}]
    )
    await control_plane.until_output(key, b"['a', 'b c'] 8080\n")
    await control_plane.until(lambda: "ports" in control_plane.reports[key])
    assert control_plane.reports[key]["ports"] == {"8080/tcp": {"host": "127.0.0.1", "port": 8080}}
    await control_plane.stop(key, stop_reason="time_limit")
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] == 0
    assert (await control_plane.until_log_end(key)).endswith(b"told: time_limit\n")


async def test_a_process_that_stays_after_its_signal_is_killed_after_its_grace(
    control_plane: FakeControlPlane, agent: Agent
) -> None:
    script = "import signal, time; signal.signal(signal.SIGUSR1, lambda *_: print('no', flush=True)); "
    script += "print('up', flush=True)\nwhile True: time.sleep(60)"
    key = await control_plane.assign(sys.executable, "-c", script, stop_signal="SIGUSR1", grace_s=0.5)
    await control_plane.until_output(key, b"up\n")
    await control_plane.stop(key)
    assert (await control_plane.until_state(key, "stopped"))["exit_code"] == 137
    assert b"no\n" in await control_plane.until_log_end(key)


async def test_a_deleted_volume_goes_when_its_last_replica_is_gone_and_no_other_with_it(
    control_plane: FakeControlPlane, agent: Agent
) -> None:
    ids = [str(uuid.uuid4()) for _ in range(3)]
    volumes = [
        {"name": name, "host_path": None, "path": f"/{name}", "read_only": False, "volume_id": volume_id}
        for name, volume_id in zip("abc", ids, strict=True)
    ]
    script = "mkdir -p $LILAC_VOLUME_A/x; touch $LILAC_VOLUME_A/x/1 $LILAC_VOLUME_B/1; echo up; exec sleep 100"
    key = await control_plane.assign("sh", "-c", script, volumes=volumes[:2])
    await control_plane.until_output(key, b"up")
    first, second = (agent.state_dir / "volumes" / f"lilac-{volume_id}" for volume_id in ids[:2])
    await control_plane.doom(ids[2], ids[0])  # one of which nothing is here, and one in use
    await control_plane.until(lambda: control_plane.machine.get("removed_volumes") == [ids[2]])
    assert (first / "x/1").exists()
    await control_plane.stop(key)
    await control_plane.until(lambda: control_plane.machine.get("removed_volumes") == sorted([ids[0], ids[2]]))
    assert not first.exists()
    assert (second / "1").exists()
    await control_plane.doom()
    await control_plane.until(lambda: "removed_volumes" not in control_plane.machine, 60)
    assert (second / "1").exists()
