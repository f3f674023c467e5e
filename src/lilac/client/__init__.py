"""The typed Python client of the control plane's HTTP API.

    from lilac.client import Client

    with Client("http://lilac.example:8081", api_key="lilac_sk_…") as lilac:
        job = lilac.jobs.submit({"name": "digits", "definition": "debian:12", "queue_id": "default",
                                 "resource_requirements": {"cpu_millicores": 1000, "memory_mb": 512}})
        for chunk in lilac.jobs.follow(job["id"]):
            print(chunk.decode(), end="")

Calls return the API's own JSON objects (their shapes are in `lilac.client.shapes`) and raise the errors of
`lilac.model.errors`. Importing this package is cheap: the HTTP library is loaded by the first call.
"""

from lilac.client.api import Client

__all__ = ["Client"]
