"""Requests, credentials, addresses, and how failures come back."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from standin import JOB_ID, USER_KEY, Asked, Reply, StandIn

from lilac.client import Client
from lilac.client.connection import error_of, normal_endpoint
from lilac.client.patience import Patience
from lilac.client.shapes import NewJob
from lilac.model import errors


def test_the_key_travels_as_a_bearer_credential(client: Client, stand_in: StandIn) -> None:
    client.queues.list()
    assert stand_in.asked[0].headers["authorization"] == f"Bearer {USER_KEY}"


def test_without_a_key_no_credential_is_sent(stand_in: StandIn) -> None:
    with Client(stand_in.url) as client:
        client.health()
    assert "authorization" not in stand_in.asked[0].headers


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"])
def test_an_endpoint_may_end_in_a_slash_or_in_api(stand_in: StandIn, ending: str) -> None:
    with Client(stand_in.url + ending) as client:
        assert client.queues.list()[0]["name"] == "default"


def test_an_endpoint_without_a_scheme_is_http() -> None:
    assert normal_endpoint("lilac.example:8081/") == "http://lilac.example:8081"


@pytest.mark.parametrize("text", ["", "ftp://x", "http://", "http://a b", "http://x:port", "http://x:99999"])
def test_what_cannot_be_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="address of a control plane"):
        normal_endpoint(text)


def test_names_are_quoted_in_paths(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/training_jobs/a b/c?d", {"job_id": "x"})
    assert client.jobs.get("a b/c?d") == {"job_id": "x"}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("not_found", 404, errors.NotFound),
        ("unsatisfiable", 422, errors.Unsatisfiable),
        ("illegal_transition", 409, errors.IllegalTransition),
        ("unheard_of", 409, errors.Conflict),
        (None, 401, errors.Unauthenticated),
        (None, 403, errors.Forbidden),
        (None, 429, errors.TooManyRequests),
        (None, 503, errors.Unavailable),
        (None, 500, errors.LilacError),
        (None, 418, errors.LilacError),
    ],
)
def test_the_code_of_a_reply_decides_and_else_its_status(
    client: Client, stand_in: StandIn, code: str | None, status: int, kind: type[errors.LilacError]
) -> None:
    body = {"error": "No such thing.", **({"code": code} if code else {}), "offset": 7}
    stand_in.answer("GET", "/queues", Reply(body, status))
    with pytest.raises(errors.LilacError, match="No such thing") as caught:
        client.queues.list()
    assert type(caught.value) is kind
    assert caught.value.details["offset"] == 7


def test_a_page_of_html_becomes_a_sentence(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues", Reply(b"<html>Bad Gateway</html>", 502))
    with pytest.raises(errors.Unavailable, match="answered with 502 Bad Gateway"):
        client.queues.list()


def test_plain_text_is_told_as_it_is() -> None:
    error = error_of(422, b"Failed to deserialize the JSON body into the target type: x")
    assert isinstance(error, errors.InvalidInput)
    assert str(error).startswith("Failed to deserialize")


def test_a_list_of_complaints_is_told_with_their_fields() -> None:
    error = error_of(422, b'{"detail": [{"loc": ["body", "name"], "msg": "is missing"}]}')
    assert str(error) == "name: is missing"


def test_a_good_reply_that_is_not_json_is_not_a_control_plane(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", "/queues", Reply(b"<html>the web page</html>"))
    with pytest.raises(errors.LilacError, match="did not answer like a Lilac control plane"):
        client.queues.list()


def test_nobody_listening_is_unavailable_with_advice() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Client(endpoint) as client, pytest.raises(errors.Unavailable) as caught:
            client.queues.list()
    assert str(caught.value) == (
        f"cannot reach the control plane at {endpoint}: connection refused. Is it running? "
        "Check `api_endpoint` in ~/.lilac/config.toml or LILAC_API_ENDPOINT."
    )


def test_an_unknown_host_is_told_as_such() -> None:
    with Client("http://no-such-host.invalid") as client, pytest.raises(errors.Unavailable, match="host name"):
        client.queues.list()


def losing(times: int) -> Callable[[Asked], Reply]:
    """Answers to submissions, of which the first ones get lost."""
    left = iter(range(times))

    def reply(_: Asked) -> Reply:
        if next(left, None) is not None:
            raise ConnectionResetError
        return Reply({"id": JOB_ID, "jobs": []}, 201)

    return reply


@pytest.fixture
def quiet(stand_in: StandIn) -> StandIn:
    stand_in._http.handle_error = lambda *_: None  # type: ignore[method-assign]
    return stand_in


def patient(limit_s: float = 60.0) -> Patience:
    ticks = iter(range(1000))
    return Patience(limit_s, sleep=lambda _: None, clock=lambda: float(next(ticks)))


def keys_of(asked: list[Asked]) -> list[str]:
    return [one.headers["idempotency-key"] for one in asked]


@pytest.mark.parametrize("count", [1, 2])
def test_a_submission_whose_answer_is_lost_is_sent_again_under_its_key(
    client: Client, quiet: StandIn, count: int
) -> None:
    route = "/training_jobs" if count == 1 else "/training_jobs/bulk"
    quiet.answer("POST", route, losing(2))
    jobs = [NewJob(name="x")] * count
    client.jobs.submit_all(jobs, patience=patient())
    sent = quiet.sent("POST", route)
    assert len(sent) == 3
    assert len(set(keys_of(sent))) == 1
    assert sent[0].body == sent[2].body
    client.jobs.submit_all(jobs)
    assert len(set(keys_of(quiet.sent("POST", route)))) == 2, "each submission has a key of its own"


def test_a_key_of_ones_own_is_sent(client: Client, stand_in: StandIn) -> None:
    client.jobs.submit({"name": "x"}, key="tonight")
    assert keys_of(stand_in.asked) == ["tonight"]


def test_a_submission_whose_answer_never_comes_is_not_called_failed(client: Client, quiet: StandIn) -> None:
    quiet.answer("POST", "/training_jobs", losing(100))
    with pytest.raises(errors.Unavailable, match="may have been carried out"):
        client.jobs.submit({"name": "x"}, patience=patient(5))
    assert 2 < len(quiet.sent("POST", "/training_jobs")) < 10


def test_a_submission_that_is_refused_is_not_sent_again(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("POST", "/training_jobs", Reply({"error": "Not now.", "code": "unavailable"}, 503))
    with pytest.raises(errors.Unavailable, match="Not now"):
        client.jobs.submit({"name": "x"}, patience=patient())
    assert len(stand_in.asked) == 1


def test_a_submission_that_reached_nobody_fails_at_once() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(errors.Unavailable, match="connection refused"):
        client.jobs.submit({"name": "x"}, patience=Patience(sleep=lambda _: pytest.fail("it waits")))


def test_of_several_endpoints_another_one_gets_the_submission_under_the_same_key(quiet: StandIn) -> None:
    quiet.answer("POST", "/training_jobs", losing(1))
    with Client(f"{quiet.url},{quiet.url}/", USER_KEY) as client:
        assert client.jobs.submit({"name": "x"})["id"] == JOB_ID
    assert len(set(keys_of(quiet.sent("POST", "/training_jobs")))) == 1


def test_a_job_is_found_by_the_beginning_of_its_id(client: Client) -> None:
    assert client.jobs.find(JOB_ID[:6])["job_id"] == JOB_ID


def test_an_ambiguous_beginning_of_an_id_names_the_jobs(client: Client, stand_in: StandIn) -> None:
    twins = [{"job_id": f"5b0e7c1e-000{n}", "job_name": f"twin{n}"} for n in range(2)]
    stand_in.answer("GET", "/training_jobs", {"jobs": twins})
    with pytest.raises(errors.NotFound, match=r"2 jobs: .*twin0.*twin1"):
        client.jobs.find("5b0e7c1e")


def test_a_name_that_is_not_there_stays_not_found(client: Client) -> None:
    with pytest.raises(errors.NotFound):
        client.jobs.find("nothing")


def test_of_several_endpoints_the_next_one_is_asked_when_one_is_gone(stand_in: StandIn) -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with Client(f"{nobody}, {stand_in.url}/", USER_KEY) as client:
        assert client.queues.list()[0]["name"] == "default"
        assert client.queues.list()[0]["name"] == "default", "and is stayed with"
    assert len(stand_in.asked) == 2


def test_where_none_of_several_endpoints_answers_that_is_said() -> None:
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        port = gone.getsockname()[1]
    with (
        Client(f"http://127.0.0.1:{port},http://localhost:{port}", USER_KEY) as client,
        pytest.raises(errors.Unavailable, match="cannot reach the control plane at"),
    ):
        client.queues.list()
