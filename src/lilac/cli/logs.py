"""`lilac logs`: the output of a job's replica, as it is or as it comes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

import click

from lilac.cli.completing import job_names
from lilac.cli.output import note, output_option, print_json

if TYPE_CHECKING:
    from lilac.client import Client

PATIENCE_S = 120.0
_TAIL_BLOCK = 64 * 1024


@click.command("logs")
@click.argument("job", shell_complete=job_names)
@click.option("-f", "--follow", is_flag=True, help="Go on until the output is complete, over new attempts too.")
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt (default: the last).")
@click.option("--rank", metavar="N|all", help="Of this replica, of some (0,2-3), or of all; default: all there are.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Begin with the last N lines of each.")
@output_option
@click.pass_context
def logs(
    ctx: click.Context,
    job: str,
    *,
    follow: bool,
    attempt: int | None,
    rank: str | None,
    tail: int | None,
    as_json: bool,
) -> None:
    """Show or follow the output of a job (its id, its name, or the beginning of its id).

    One replica's output is written as it is. That of several is written line by line behind `[rank]`: as it comes with
    -f, else one replica after the other, since output is kept without times. Ctrl-C stops following; the job goes on.
    """
    from lilac.cli import rank_logs
    from lilac.cli.session import connected

    if follow and as_json:
        raise click.UsageError("--follow prints the output itself, not JSON.", ctx)
    asked = rank_logs.ranks_of(rank) if rank is not None else None
    with connected() as client:
        found = client.jobs.find(job)
        job_id = found["job_id"]
        if found.get("attempt", 0) == 0 and not follow:
            note(f"{found['job_name']} has not started yet. `lilac explain {job}` says why; -f waits for its output.")
            if as_json:
                nothing = {"job_id": job_id, "attempt": 0, "rank": 0, "offset": 0, "size": 0, "log": ""}
                print_json(nothing if asked is None or len(asked) == 1 else [])
            return
        chosen = attempt if attempt is not None else max(found.get("attempt", 0), 1)
        ranks = rank_logs.choose(found, chosen, asked, may_grow=follow)

        def begin(number: int, one: int) -> int:
            return 0 if tail is None or not found.get("attempt") else tail_offset(client, job_id, number, one, tail)

        if follow:
            try:
                if ranks.one is not None:
                    stream_log(client, job_id, attempt=attempt, rank=ranks.one, offset=begin(chosen, ranks.one))
                else:
                    rank_logs.stream(client, job_id, attempt=attempt, ranks=ranks, offset_of=begin)
            except KeyboardInterrupt:
                note("")
                ctx.exit(130)
            return
        parts = [
            (one, client.jobs.read_log(job_id, attempt=chosen, rank=one, offset=begin(chosen, one)))
            for one in ranks.known
        ]
    if as_json:
        shown = [
            {"job_id": job_id, "attempt": chosen, "rank": one, "offset": part.offset, "size": part.size}
            | {"log": part.data.decode("utf-8", "replace")}
            for one, part in parts
        ]
        print_json(shown[0] if ranks.one is not None else shown)
    elif ranks.one is not None:
        out = binary_stdout()
        out.write(parts[0][1].data)
        out.flush()
    else:
        rank_logs.write(parts)


def stream_log(client: Client, job_id: str, *, attempt: int | None = None, rank: int = 0, offset: int = 0) -> None:
    """Write a job's output to standard output as it comes, until it is complete."""
    from lilac.cli.progress import Watch
    from lilac.cli.session import patient

    def next_attempt(number: int) -> None:
        note(f"lilac: attempt {number} begins.")

    out = binary_stdout()
    chunks = client.jobs.follow_log(
        job_id, attempt=attempt, rank=rank, offset=offset, patience=patient(PATIENCE_S), on_attempt=next_attempt
    )
    with Watch(client, job_id) as watch:
        for chunk in chunks:
            watch.stop()
            out.write(chunk)
            out.flush()


def tail_offset(client: Client, job_id: str, attempt: int, rank: int, lines: int) -> int:
    """Where the last `lines` lines begin, found by reading backwards from the end."""
    end = client.jobs.read_log(job_id, attempt=attempt, rank=rank, offset=0, limit=1).size
    if lines == 0:
        return end
    begin, newlines = end, 0
    while begin > 0:
        block_begin = max(begin - _TAIL_BLOCK, 0)
        data = client.jobs.read_log(
            job_id, attempt=attempt, rank=rank, offset=block_begin, limit=begin - block_begin
        ).data
        if not data:
            return begin
        at = len(data)
        while (at := data.rfind(b"\n", 0, at)) >= 0:
            if block_begin + at == end - 1:
                continue  # The newline that ends the last line begins no line.
            newlines += 1
            if newlines == lines:
                return block_begin + at + 1
        begin = block_begin
    return 0


def binary_stdout() -> BinaryIO:
    sys.stdout.flush()
    return sys.stdout.buffer
