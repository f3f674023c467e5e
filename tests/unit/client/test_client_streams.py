"""Followed output and followed events: no byte lost, none doubled, whatever breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from standin import JOB_ID, Asked, Break, Reply, StandIn, attempt, event, job, waiting_job

from lilac.client import Client
from lilac.client.jobs import Omissions
from lilac.client.patience import Patience
from lilac.model.errors import Forbidden, NotFound, Unavailable

LOGS = f"/training_jobs/{JOB_ID}/logs"
GET_JOB = f"/training_jobs/{JOB_ID}"


def patient(**more: object) -> Patience:
    return Patience(sleep=lambda _: None, **more)  # type: ignore[arg-type]


class Output:
    """The route of logs for output whose delivery breaks after some bytes of each request."""

    def __init__(self, whole: bytes, breaks_after: list[int]) -> None:
        self.whole = whole
        self.breaks_after = breaks_after

    def __call__(self, asked: Asked) -> Reply:
        offset = int(asked.query["offset"])
        rest = self.whole[offset:]
        pieces = self._pieces(rest, self.breaks_after.pop(0) if self.breaks_after else None)
        return Reply(pieces, 200, {"X-Log-Offset": str(offset), "X-Log-Size": str(len(self.whole))})

    def _pieces(self, rest: bytes, limit: int | None) -> Iterator[bytes]:
        if limit is None:
            for at in range(0, len(rest), 7):
                yield rest[at : at + 7]
            return
        if limit:
            yield rest[:limit]
        raise Break


def test_broken_streams_go_on_at_the_byte_where_they_broke(client: Client, stand_in: StandIn) -> None:
    whole = "".join(f"line {n} äöü\n" for n in range(50)).encode()
    stand_in.answer("GET", LOGS, Output(whole, [10, 0, 1, 100]))
    stand_in.answer("GET", GET_JOB, job(attempts=[attempt(log_bytes=len(whole))]))
    interruptions: list[Unavailable] = []
    got = b"".join(client.jobs.follow_log(JOB_ID, patience=patient(told=interruptions.append)))
    assert got == whole
    assert [asked.query["offset"] for asked in stand_in.sent("GET", LOGS)] == ["0", "10", "10", "11", "111"]
    assert all(asked.query["attempt"] == "1" for asked in stand_in.sent("GET", LOGS))
    assert len(interruptions) == 3  # the second break came without progress: the same interruption still


def test_a_stream_that_ends_too_early_without_breaking_goes_on_too(client: Client, stand_in: StandIn) -> None:
    running = job(job_status="running", attempts=[attempt(state="running", log_bytes=3)])
    ended = job(attempts=[attempt(log_bytes=6)])
    states = [running, running, ended]
    stand_in.answer("GET", GET_JOB, lambda _: Reply(states.pop(0) if len(states) > 1 else states[0]))
    parts = {"0": b"abc", "3": b"def"}
    stand_in.answer("GET", LOGS, lambda asked: Reply(iter([parts[asked.query["offset"]]])))
    assert b"".join(client.jobs.follow_log(JOB_ID, patience=patient())) == b"abcdef"


def test_the_output_of_a_new_attempt_follows_that_of_the_one_before(client: Client, stand_in: StandIn) -> None:
    second = job(attempt=2, attempts=[attempt(1, "lost", 3), attempt(2, "succeeded", 6)])
    first = job(job_status="running", attempts=[attempt(1, "running", 3)])
    states = [first, first, second]
    stand_in.answer("GET", GET_JOB, lambda _: Reply(states.pop(0) if len(states) > 1 else states[0]))
    parts = {"1": b"one", "2": b"second"}
    stand_in.answer("GET", LOGS, lambda asked: Reply(iter([parts[asked.query["attempt"]]])))
    heard: list[int] = []
    pieces = list(client.jobs.follow_log(JOB_ID, patience=patient(), on_attempt=heard.append))
    assert pieces == [b"one", b"second"]
    assert heard == [2]


def test_an_attempt_that_was_named_is_followed_alone(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", GET_JOB, job(attempt=2, attempts=[attempt(1, "lost", 3), attempt(2)]))
    stand_in.answer("GET", LOGS, lambda _: Reply(iter([b"one"])))
    assert list(client.jobs.follow_log(JOB_ID, attempt=1, patience=patient())) == [b"one"]


def test_a_job_that_has_not_started_is_waited_for_by_its_events(client: Client, stand_in: StandIn) -> None:
    states = [waiting_job(), waiting_job(), waiting_job(), job()]
    stand_in.answer("GET", GET_JOB, lambda _: Reply(states.pop(0) if len(states) > 1 else states[0]))
    stand_in.answer("GET", f"{GET_JOB}/events", {"events": [event(5)]})
    frame = f"id: 6\nevent: job.assigned\ndata: {json.dumps(event(6))}\n\n".encode()
    stand_in.answer("GET", "/events", Reply(iter([frame]), headers={"Content-Type": "text/event-stream"}))
    assert b"".join(client.jobs.follow_log(JOB_ID, patience=patient())) == b"one\ntwo\nend\n"
    assert stand_in.sent("GET", "/events")[0].query == {"job_id": JOB_ID, "after": "5"}


def test_a_job_that_ends_before_it_starts_has_no_output(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", GET_JOB, waiting_job(job_status="cancelled"))
    assert list(client.jobs.follow_log(JOB_ID, patience=patient())) == []
    assert stand_in.sent("GET", LOGS) == []


def test_a_rank_that_does_not_exist_is_said(client: Client) -> None:
    with pytest.raises(NotFound, match="no rank 3, only 0 to 0"):
        list(client.jobs.follow_log(JOB_ID, rank=3, patience=patient()))


def test_bytes_that_the_server_did_not_keep_count_in_offsets(client: Client, stand_in: StandIn) -> None:
    marker = "\n[… 1000 bytes of output were not kept …]\n".encode()
    stand_in.answer("GET", GET_JOB, job(attempts=[attempt(log_bytes=1008)]))
    deliveries = [[b"head", marker, b"ta"], [b"il"]]

    def reply(_: Asked) -> Reply:
        pieces = deliveries.pop(0)

        def breaking() -> Iterator[bytes]:
            yield from pieces
            raise Break

        return Reply(breaking() if deliveries else iter(pieces))

    stand_in.answer("GET", LOGS, reply)
    assert b"".join(client.jobs.follow_log(JOB_ID, patience=patient())) == b"head" + marker + b"tail"
    assert stand_in.sent("GET", LOGS)[1].query["offset"] == "1006"


def test_patience_ends(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", LOGS, lambda _: Reply({"error": "Not now.", "code": "unavailable"}, 503))
    times = iter(range(0, 1000, 20))
    with pytest.raises(Unavailable, match="Not now"):
        list(client.jobs.follow_log(JOB_ID, patience=patient(limit_s=60, clock=lambda: float(next(times)))))


def test_events_resume_after_the_last_one_that_came(client: Client, stand_in: StandIn) -> None:
    def frames(*numbers: int) -> Iterator[bytes]:
        yield b": hello\n\n"
        for number in numbers:
            text = f"id: {number}\nevent: job.submitted\ndata: {json.dumps(event(number))}\n\n"
            for at in range(0, len(text), 11):
                yield text[at : at + 11].encode()
        yield b"id: 99\ndata: {half"
        raise Break

    turns = [frames(1, 2), frames(2, 3), frames(4)]
    stream = {"Content-Type": "text/event-stream"}
    stand_in.answer("GET", "/events", lambda _: Reply(turns.pop(0), headers=stream))
    got: list[int] = []
    for one in client.events.follow(after=0, patience=patient()):
        got.append(one["seq"])
        if len(got) == 4:
            break
    assert got == [1, 2, 3, 4]
    assert [asked.query["after"] for asked in stand_in.sent("GET", "/events")] == ["0", "2", "3"]
    assert stand_in.asked[0].headers["accept"] == "text/event-stream"


def test_waiting_outlives_a_restart_of_the_server(client: Client, stand_in: StandIn) -> None:
    replies = [Reply({"error": "x"}, 503), Reply(job(job_status="running")), Reply(job())]
    stand_in.answer("GET", f"{GET_JOB}/wait", replies)
    assert client.jobs.wait(JOB_ID, patience=patient())["job_status"] == "succeeded"
    assert len(stand_in.sent("GET", f"{GET_JOB}/wait")) == 3


def test_waiting_gives_up_when_its_time_is_over(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", f"{GET_JOB}/wait", job(job_status="running"))
    assert client.jobs.wait(JOB_ID, timeout_s=0)["job_status"] == "running"


def replicas(number: int, states: dict[int, str], log_bytes: int = 3) -> dict[str, Any]:
    one = attempt(number)
    one["replicas"] = [attempt(number, state, log_bytes)["replicas"][0] | {"rank": r} for r, state in states.items()]
    return one


def test_all_ranks_are_followed_and_those_that_join_and_then_the_next_attempt(
    client: Client, stand_in: StandIn
) -> None:
    grown = threading.Event()
    again = threading.Event()
    both = replicas(1, {0: "lost", 1: "lost"})

    def look(_: Asked) -> Reply:
        size = {"min": 1, "max": 2}
        if again.is_set():
            return Reply(job(size=size, attempt=2, attempts=[both, replicas(2, {0: "succeeded"})]))
        ranks = {0: "running", 1: "running"} if grown.is_set() else {0: "running"}
        return Reply(job(job_status="running", size=size, attempts=[replicas(1, ranks)]))

    def output(asked: Asked) -> Reply:
        number, rank = asked.query["attempt"], asked.query["rank"]

        def pieces() -> Iterator[bytes]:
            if (number, rank) == ("1", "0"):
                assert again.wait(20)
            yield f"{number}.{rank}".encode()
            if (number, rank) == ("1", "1"):
                again.set()

        return Reply(pieces())

    def joins(_: Asked) -> Reply:
        def frames() -> Iterator[bytes]:
            if grown.is_set():
                raise Break
            grown.set()
            yield f"data: {json.dumps(event(6))}\n\n".encode()

        return Reply(frames(), headers={"Content-Type": "text/event-stream"})

    stand_in.answer("GET", GET_JOB, look)
    stand_in.answer("GET", LOGS, output)
    stand_in.answer("GET", "/events", joins)
    got = [(piece.attempt, piece.rank, piece.data) for piece in client.jobs.follow_ranks(JOB_ID)]
    assert sorted(got) == [(1, 0, b"1.0"), (1, 1, b"1.1"), (2, 0, b"2.0")]
    assert got[-1] == (2, 0, b"2.0")


def test_a_rank_that_is_asked_for_and_not_there_is_said_among_many_too(client: Client) -> None:
    with pytest.raises(NotFound, match="no rank 7, only 0"):
        list(client.jobs.follow_ranks(JOB_ID, ranks=[0, 7]))


def test_what_goes_wrong_with_one_rank_is_raised(client: Client, stand_in: StandIn) -> None:
    stand_in.answer("GET", LOGS, lambda _: Reply({"error": "Not yours.", "code": "forbidden"}, 403))
    with pytest.raises(Forbidden, match="Not yours"):
        list(client.jobs.follow_ranks(JOB_ID))


def test_where_output_left_out_is_told_in_two_pieces_it_counts_once() -> None:
    line = "\n[… 1000 bytes of output were not kept …]\n".encode()
    for cut in range(len(line) + 1):
        omitted = Omissions()
        total = sum(omitted.in_next(piece) for piece in (b"before", line[:cut], line[cut:], b"after" * 40, b"x"))
        assert total == 1000 - len(line)
