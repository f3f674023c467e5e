"""One client that submits as fast as it is answered, over one connection: `python -m benchmarks.submitter`.

Reads one line of JSON from standard input (`host`, `port`, `token`, `start`, `seconds`), begins at the time `start`,
and prints how many submissions were acknowledged in that window.
"""

from __future__ import annotations

import http.client
import json
import sys
import time

BODY = {
    "name": "bench",
    "definition": "",
    "queue_id": "default",
    "runtime": "process",
    "command": ["true"],
    "resource_requirements": {"cpu_millicores": 100, "memory_mb": 16, "gpus": None},
}


def main() -> None:
    order = json.loads(sys.stdin.readline())
    connection = http.client.HTTPConnection(order["host"], order["port"], timeout=60)
    connection.connect()
    headers = {"Authorization": f"Bearer {order['token']}", "Content-Type": "application/json"}
    body = json.dumps(BODY)
    time.sleep(max(0.0, order["start"] - time.time()))
    end = time.monotonic() + order["seconds"]
    count = 0
    while time.monotonic() < end:
        connection.request("POST", "/training_jobs", body, headers)
        reply = connection.getresponse()
        said = reply.read()
        if reply.status != 201:
            sys.exit(f"{reply.status}: {said.decode(errors='replace')}")
        count += 1
    print(count)


if __name__ == "__main__":
    main()
