"""Jobs: submit, look, wait, cancel, and follow their output without losing or doubling a byte."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lilac.client.connection import BrokenStream, Connection, SilentStream, segment
from lilac.client.events import Events
from lilac.client.patience import Patience
from lilac.model.errors import Conflict, NotFound, Unavailable

if TYPE_CHECKING:
    from lilac.client.following import Piece
    from lilac.client.shapes import CreatedJob, Event, Explanation, Job, JobPage, NewJob, Replica, UsageSeries
    from lilac.client.transport import Reply

ENDED_JOB = frozenset({"succeeded", "failed", "cancelled"})
_OMISSION = re.compile("\n\\[… (\\d+) bytes of output were not kept …]\n".encode())
_LONGEST_OMISSION = 80
_ENDED_REPLICA = frozenset({"succeeded", "failed", "stopped", "lost"})


@dataclass(frozen=True, slots=True)
class LogPart:
    """A piece of output: `data` begins at byte `offset` of `size` so far of that replica's whole output."""

    data: bytes
    offset: int
    size: int


class Jobs:
    def __init__(self, connection: Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def submit(self, job: NewJob, *, key: str | None = None, patience: Patience | None = None) -> CreatedJob:
        """Submit a job once, also where connections break: see `Connection.call_once`.

        The same job submitted again with the same `key` of the caller's own is not made again, for two days.
        """
        return self._connection.call_once("/training_jobs", body=job, key=key, patience=patience)

    def submit_all(
        self, jobs: Sequence[NewJob], *, key: str | None = None, patience: Patience | None = None
    ) -> list[CreatedJob]:
        """Submit jobs in their order: all of them, or none. `after` may name another one of the list as `#2`.

        Once, like `submit`.
        """
        if len(jobs) == 1:
            return [self.submit(jobs[0], key=key, patience=patience)]
        body = {"jobs": list(jobs)}
        return self._connection.call_once("/training_jobs/bulk", body=body, key=key, patience=patience)["jobs"]

    def retry(self, job: str) -> CreatedJob:
        """Run a job that failed or was cancelled again, as a new job; of an array those elements that did."""
        return self._connection.call("POST", f"/training_jobs/{segment(job)}/retry")

    def cancel_where(self, where: Mapping[str, object]) -> dict[str, Any]:
        """End all jobs that match a filter, the body's `where`; what has ended stays as it is."""
        return self._connection.call("POST", "/training_jobs/cancel", body={"where": where})

    def elements(self, array: str, *, status: str | None = None, limit: int = 1000, after: str | None = None) -> Any:
        """A page of the elements of an array, by index."""
        params = {"status": status, "limit": limit, "after": after}
        return self._connection.call("GET", f"/training_jobs/{segment(array)}/elements", params=params)

    def list(
        self,
        *,
        status: str | None = None,
        name: str | None = None,
        queue: str | None = None,
        owner: str | None = None,
        job_id: str | None = None,
        limit: int | None = None,
        after: str | None = None,
        **more: object,
    ) -> JobPage:
        """One page, newest first. `status` may be several words with commas between; `owner="me"` works.

        `more` are the route's other filters: `label` (a list), `q`, `kind`, `since`, `until`, `node`, `array`.
        """
        return self._connection.call(
            "GET",
            "/training_jobs",
            params={
                "id": job_id,
                "name": name,
                "status": status,
                "queue_id": queue,
                "owner": owner,
                "limit": limit,
                "after": after,
                **more,
            },
        )

    def get(self, job: str) -> Job:
        """One job with its attempts, by id, or by name (the newest of that name)."""
        return self._connection.call("GET", f"/training_jobs/{segment(job)}")

    def find(self, job: str) -> Job:
        """Like `get`, and also by the first characters of an id (four at least) where they name one job only."""
        try:
            return self.get(job)
        except NotFound:
            if len(job) < 4 or not set(job.lower()) <= set("0123456789abcdef-"):
                raise
            matches = [found for found in self.list(limit=1000)["jobs"] if found["job_id"].startswith(job.lower())]
            if not matches:
                raise
        if len(matches) > 1:
            names = ", ".join(f"{found['job_id']} ({found['job_name']})" for found in matches[:3])
            raise NotFound(f"{job!r} begins the ids of {len(matches)} jobs: {names}. Give more of it.")
        return self.get(matches[0]["job_id"])

    def cancel(self, job: str) -> None:
        self._connection.call("POST", f"/training_jobs/{segment(job)}/cancel")

    def move(self, job: str, *, priority: int | None = None, queue: str | None = None) -> Job:
        """Give a waiting job another priority or queue."""
        body = {"priority": priority, "queue_id": queue}
        return self._connection.call("PATCH", f"/training_jobs/{segment(job)}", body=body)

    def what_if(self, question: Mapping[str, object]) -> dict[str, Any]:
        """When waiting jobs would start if something were different; the question is the body of `POST /what-if`."""
        return self._connection.call("POST", "/what-if", body=question)

    def explain(self, job: str) -> Explanation:
        return self._connection.call("GET", f"/training_jobs/{segment(job)}/explain")

    def usage(
        self,
        job: str,
        *,
        attempt: int | None = None,
        rank: int | None = None,
        since: float | None = None,
        until: float | None = None,
        step_s: int | None = None,
    ) -> UsageSeries:
        """What a job uses over time, all replicas together or one, with peaks and means of each."""
        query = {"attempt": attempt, "rank": rank, "since": since, "until": until, "step": step_s}
        return self._connection.call("GET", f"/training_jobs/{segment(job)}/usage", params=query)

    def events(self, job: str) -> list[Event]:
        return self._connection.call("GET", f"/training_jobs/{segment(job)}/events")["events"]

    def wait(self, job: str, *, timeout_s: float | None = None, patience: Patience | None = None) -> Job:
        """Return the job as soon as it has ended, or as it is after `timeout_s`. Outlives restarts of the server."""
        patience = Patience() if patience is None else patience
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            span_s = 60.0 if deadline is None else max(0.0, min(60.0, deadline - time.monotonic()))
            try:
                found = self._wait_once(job, span_s)
            except Unavailable as error:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
                patience.wait(error)
                continue
            patience.progress()
            if found["job_status"] in ENDED_JOB or (deadline is not None and time.monotonic() >= deadline):
                return found

    def wait_running(self, job: str) -> Job:
        """Return the job as soon as it runs.

        Raises:
            Conflict: it has ended.
        """
        after = self._events.list(limit=1)["events"]
        changes = self._events.follow(job_id=job, after=after[-1]["seq"] if after else 0)
        while True:
            found = self.get(job)
            if found["job_status"] == "running":
                return found
            if found["job_status"] in ENDED_JOB:
                raise Conflict(f"job {found['job_name']} has {found['job_status']} already.")
            next(changes)

    def read_log(
        self, job: str, *, attempt: int | None = None, rank: int = 0, offset: int = 0, limit: int | None = None
    ) -> LogPart:
        """The output there is now, from `offset` on (negative: counted from the end)."""
        params = {"attempt": attempt, "rank": rank, "offset": offset, "limit": limit}
        with self._connection.stream(
            f"/training_jobs/{segment(job)}/logs", params=params, accept="text/plain"
        ) as reply:
            data = reply.read()
            begin = _number(reply, "x-log-offset", max(offset, 0))
            return LogPart(data, begin, _number(reply, "x-log-size", begin + len(data)))

    def follow_log(
        self,
        job: str,
        *,
        attempt: int | None = None,
        rank: int = 0,
        offset: int = 0,
        patience: Patience | None = None,
        on_attempt: Callable[[int], None] | None = None,
    ) -> Iterator[bytes]:
        """Yield output as it comes, until it is complete; then of the next attempt, if the job gets one.

        With `attempt`, that one's output only. A job that has not started is waited for. A broken connection is
        opened again at the byte where it broke; what was yielded is never yielded again. `on_attempt` hears the
        number of each further attempt before its output.
        """
        patience = Patience() if patience is None else patience
        found = self.patient_get(job, patience)
        job_id = found["job_id"]
        number = attempt if attempt is not None else max(found.get("attempt", 0), 1)
        while self.attempt_comes(job_id, number, rank, patience):
            yield from self.follow_attempt(job_id, number, rank, offset, patience)
            if attempt is not None:
                return
            number, offset = max(number + 1, self.patient_get(job_id, patience).get("attempt", 0)), 0
            if on_attempt is not None and self.attempt_comes(job_id, number, rank, patience):
                on_attempt(number)

    def follow_ranks(
        self,
        job: str,
        *,
        ranks: Collection[int] | None = None,
        attempt: int | None = None,
        offset_of: Callable[[int, int], int] = lambda attempt, rank: 0,
        told: Callable[[Unavailable], None] | None = None,
    ) -> Iterator[Piece]:
        """The same of all replicas together, or of some: see `lilac.client.following`."""
        from lilac.client.following import follow_ranks

        return follow_ranks(self, self._events, job, ranks=ranks, attempt=attempt, offset_of=offset_of, told=told)

    def follow_attempt(self, job: str, number: int, rank: int, offset: int, patience: Patience) -> Iterator[bytes]:
        """One attempt's output. Each request names the attempt, so an offset always means the same byte."""
        path = f"/training_jobs/{segment(job)}/logs"
        while True:
            params = {"attempt": number, "rank": rank, "offset": offset, "follow": True}
            came = 0
            omitted = Omissions()
            try:
                with self._connection.stream(path, params=params, accept="text/plain") as reply:
                    offset = _number(reply, "x-log-offset", max(offset, 0))
                    for chunk in reply.pieces():
                        patience.progress()
                        came += len(chunk)
                        offset += len(chunk) + omitted.in_next(chunk)
                        yield chunk
                if self._complete(job, number, rank, offset, came, patience):
                    return
                # Often only the end of the replica is not recorded yet, a moment after the end of its output.
                patience.wait(BrokenStream(f"the output of {job} stopped before its end."), quietly=True)
            except SilentStream:
                if self._complete(job, number, rank, offset, came, patience):
                    return
            except Unavailable as error:
                patience.wait(error)

    def _complete(self, job: str, number: int, rank: int, offset: int, came: int, patience: Patience) -> bool:
        """Whether a stream that ended by itself ended because there is no more."""
        found = self.patient_get(job, patience)
        replica = _replica(found, number, rank)
        if replica is None:
            return found["job_status"] in ENDED_JOB or found.get("attempt", 0) > number
        return replica["state"] in _ENDED_REPLICA and (offset >= replica["log_bytes"] or came == 0)

    def attempt_comes(self, job_id: str, number: int, rank: int | None, patience: Patience) -> bool:
        """Wait until the attempt exists; False when the job ended without it. Raises `NotFound` for a wrong rank."""
        seen: int | None = None
        while True:
            found = self.patient_get(job_id, patience)
            if found.get("attempt", 0) >= number:
                replicas = next((a["replicas"] for a in found.get("attempts", []) if a["number"] == number), [])
                if replicas and rank is not None and _replica(found, number, rank) is None:
                    raise NotFound(f"attempt {number} has no rank {rank}, only 0 to {len(replicas) - 1}.")
                return True
            if found["job_status"] in ENDED_JOB:
                return False
            if seen is None:
                # Noted first, then looked once more: what happens in between is in the stream that follows.
                seen = max((event["seq"] for event in self.events(job_id)), default=0)
                continue
            for event in self._events.follow(job_id=job_id, after=seen, patience=patience):
                seen = event["seq"]
                break

    def _wait_once(self, job: str, span_s: float) -> Job:
        return self._connection.call(
            "GET",
            f"/training_jobs/{segment(job)}/wait",
            params={"timeout_s": round(span_s, 3)},
            timeout_s=span_s + self._connection.timeout_s,
        )

    def patient_get(self, job: str, patience: Patience) -> Job:
        """Like `get`, as long as the control plane is not away for too long."""
        while True:
            try:
                return self.get(job)
            except Unavailable as error:
                patience.wait(error)


def _replica(job: Job, attempt: int, rank: int) -> Replica | None:
    for one in job.get("attempts", []):
        if one["number"] == attempt:
            return next((replica for replica in one["replicas"] if replica["rank"] == rank), None)
    return None


class Omissions:
    """By how much the server's offsets run ahead of the bytes: it tells in a line where some are not kept.

    Such a line may come in two pieces.
    """

    def __init__(self) -> None:
        self._before = b""

    def in_next(self, chunk: bytes) -> int:
        """How many bytes the omissions that end in this piece left out, less the line that stands for them."""
        text = self._before + chunk
        found = [one for one in _OMISSION.finditer(text) if one.end() > len(self._before)]
        self._before = text[max(found[-1].end() if found else 0, len(text) - _LONGEST_OMISSION) :]
        return sum(int(one[1]) - len(one[0]) for one in found)


def _number(reply: Reply, header: str, default: int) -> int:
    try:
        return int(reply.headers.get(header, ""))
    except ValueError:
        return default
