"""The side of HyperQueue: run by the interpreter that has it; prints one line of JSON. See `peer_hyperqueue.py`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IDLE, SUBMITS, DRAIN, ROUNDS, WORKERS, CORES = 100, 1000, 1000, 3, 4, 16


def serve(directory: str) -> None:
    """A server in this process; a line `worker` on standard input adds one."""
    from hyperqueue.ffi.cluster import Cluster

    cluster = Cluster(directory)
    print("ready", flush=True)
    for _ in sys.stdin:
        cluster.add_worker(CORES)
        print("added", flush=True)
    cluster.stop()


class Server:
    """A server in its own process, ended with the block."""

    def __enter__(self) -> Server:
        from hyperqueue.client import Client

        self._home = tempfile.TemporaryDirectory(prefix="lilac-bench-hq-")
        self.directory = Path(self._home.name)
        command = [sys.executable, __file__, "--serve", self._home.name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._until("ready")
        self.client = Client(self.directory)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._home.cleanup()

    def add_workers(self) -> None:
        for _ in range(WORKERS):
            self._process.stdin.write("worker\n")
            self._process.stdin.flush()
            self._until("added")

    def submit(self, *command: str, priority: int = 0):
        from hyperqueue.job import Job

        job = Job(default_workdir=self.directory)
        job.program(list(command), stdout=None, stderr=None, priority=priority)
        return self.client.submit(job)

    def stamp(self, name: str, priority: int = 0) -> Path:
        """Submit a task that writes its clock into a file."""
        path = self.directory / name
        self.submit("/bin/sh", "-c", f"date +%s.%N > {path}", priority=priority)
        return path

    def _until(self, word: str) -> None:
        for line in self._process.stdout:
            if line.strip() == word:
                return
        raise RuntimeError("the server ended")


def read(path: Path, timeout_s: float = 120) -> float:
    """The time in a file, once it is there."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return float(text)
        time.sleep(0.002)
    raise RuntimeError(f"{path} did not appear")


def main() -> None:
    idle, submit, drain = [], [], []
    with Server() as server:
        server.add_workers()
        for trial in range(IDLE):
            sent = time.time()
            idle.append(read(server.stamp(f"idle-{trial}")) - sent)
            time.sleep(0.02)
    for _ in range(ROUNDS):
        with Server() as server:
            began = time.monotonic()
            for _ in range(SUBMITS):
                server.submit("/bin/true")
            submit.append(SUBMITS / (time.monotonic() - began))
            # Of least priority, so it runs when nothing else waits.
            last = server.stamp("last", priority=-1000)
            began = time.time()
            server.add_workers()
            drain.append(DRAIN / (read(last) - began))
    print(json.dumps({"idle_s": idle, "submit_per_s": submit, "drain_per_s": drain}))


if __name__ == "__main__":
    serve(sys.argv[2]) if "--serve" in sys.argv else main()
