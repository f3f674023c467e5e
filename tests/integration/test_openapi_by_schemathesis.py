"""schemathesis over the OpenAPI document of a running server, as every kind of caller.

Whatever is sent, the answer is no 5xx but those that are documented, has a documented status, the documented shape,
and JSON is exactly `application/json`. Half of the names in paths are those of things that exist, so that calls get
past "there is no such thing".
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.platform import PASSWORD, Server

EXAMPLES = 8
CALLERS = ("admin", "member", "viewer", "node", "nobody")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@dataclass
class House:
    """A server with something in it."""

    address: str
    headers: dict[str, dict[str, str]]
    names: dict[str, str]
    """What exists, by the name of the parameter that names it."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory: Path = tmp_path_factory.mktemp("schemathesis")
    with Server(directory / "server", settings={"LILAC_LOGIN_MAX_FAILURES": "1000000"}) as server:
        api = server.api
        headers: dict[str, dict[str, str]] = {"nobody": {}, "node": _bearer(api.cluster_key())}
        for role in ("admin", "member", "viewer"):
            api.post("/users", {"username": f"the-{role}", "password": PASSWORD, "role": role})
            with httpx2.Client(base_url=server.address, trust_env=False) as client:
                body = {"username": f"the-{role}", "password": PASSWORD}
                headers[role] = _bearer(client.post("/auth/login", json=body).json()["access_token"])
        job = api.submit("true", name="a-job")
        names = {"job": job, "job_id": job, "queue": "default", "cluster": "default", "user": "the-viewer"}
        yield House(server.address, headers, names)
        assert server.process is not None
        assert server.process.popen.poll() is None, "the server has survived"
        assert "Traceback" not in server.process.output


@pytest.mark.slow
@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_outside_of_the_document_is_answered(house: House, caller: str) -> None:
    schema = schemathesis.openapi.from_url(f"{house.address}/openapi.json")
    dice = random.Random(caller)
    wrong: list[str] = []
    for found in schema.get_all_operations():
        try:
            _try(house, found.ok(), house.headers[caller], dice)
        except FailureGroup as failures:
            wrong += [f"{failure.operation}: {failure}" for failure in failures.exceptions]
    assert not wrong, "\n".join(wrong)


def _try(house: House, operation: Any, headers: dict[str, str], dice: random.Random) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def once(case: Any) -> None:
        if case.method != "DELETE":
            for name in case.path_parameters:
                if name in house.names and dice.random() < 0.5:
                    case.path_parameters[name] = house.names[name]
        for name, most in (("timeout_s", 0.1), ("follow", False)):  # nobody waits here
            if name in case.query:
                case.query[name] = most
        if case.operation.path.endswith("/wait"):
            case.query["timeout_s"] = 0.1
        response = case.call(headers={**headers, "Accept": "application/json"}, timeout=30)
        case.validate_response(response, checks=CHECKS)
        kind = response.headers.get("content-type", [""])
        assert "json" not in kind[0] or kind == ["application/json"], kind

    once()


def _bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}
