"""`lilac exec` and `lilac port-forward`: commands and connections inside of running jobs.

With a terminal on both sides the local one is put into raw mode, and back on every way out; its size goes along.
Signals that come to `lilac exec` without a terminal are passed on; a second Ctrl-C ends it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from lilac.cli.completing import job_names
from lilac.cli.output import note
from lilac.model.errors import Conflict, LilacError

if TYPE_CHECKING:
    import asyncio

    from lilac.client.connection import Connection
    from lilac.client.tunnels import ClientTunnel
    from lilac.tunnel.frames import Command, Frame

_rank_option = click.option("--rank", type=click.IntRange(min=0), default=0, show_default=True, help="In this replica.")


class ExecCommand(click.Command):
    """Options may stand before and after the job; what follows `--`, or the job directly, is the command's own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else None
        ctx.allow_interspersed_args = end is not None
        rest = super().parse_args(ctx, args[:end])
        if end is not None:
            ctx.params["command"] = (*ctx.params["command"], *args[end + 1 :])
        return rest


@click.command("exec", cls=ExecCommand)
@click.argument("job", shell_complete=job_names)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@_rank_option
@click.option("-t/-T", "--tty/--no-tty", default=None, help="With a terminal (default: if this is one).")
@click.option("-i", "--interactive", is_flag=True, hidden=True, help="Input is passed on in any case.")
@click.option("-w", "--wait", is_flag=True, help="Wait until the job runs.")
@click.pass_context
def exec_in(
    ctx: click.Context,
    job: str,
    command: tuple[str, ...],
    *,
    rank: int,
    tty: bool | None,
    interactive: bool,
    wait: bool,
) -> None:
    """Run a command in a running job: `lilac exec JOB -- COMMAND …`; without a command, a shell.

    Input, output and errors are passed on, also through pipes, and so is the exit code. What the command started ends
    with it, and when the connection breaks.
    """
    import asyncio

    from lilac.cli.session import connected
    from lilac.tunnel.frames import Command

    with_tty = tty if tty is not None else sys.stdin.isatty() and sys.stdout.isatty()
    rows, cols = terminal_size()
    asked = Command(argv=command, tty=with_tty, rows=rows, cols=cols, term=os.environ.get("TERM") or "xterm")
    with connected() as client:
        found = client.jobs.find(job)
        if wait:
            client.jobs.wait_running(found["job_id"])
        code = asyncio.run(_run(client.connection, found["job_id"], rank, asked))
    ctx.exit(code)


@click.command("port-forward")
@click.argument("job", shell_complete=job_names)
@click.argument("ports", metavar="[LOCAL:]REMOTE...", nargs=-1, required=True)
@_rank_option
@click.option("--address", default="127.0.0.1", show_default=True, help="Local address to listen on.")
@click.pass_context
def port_forward(ctx: click.Context, job: str, ports: tuple[str, ...], *, rank: int, address: str) -> None:
    """Reach ports of a running job from this machine, until Ctrl-C. Local port 0 takes a free one.

    Ports are those on the loopback address inside of the replica.
    """
    import asyncio

    from lilac.cli.session import connected

    pairs = [_port_pair(text) for text in ports]
    with connected() as client:
        job_id = client.jobs.find(job)["job_id"]
        try:
            asyncio.run(_forward(client.connection, job_id, rank, address, pairs))
        except KeyboardInterrupt:
            note("")
            ctx.exit(130)


def terminal_size() -> tuple[int, int]:
    """Rows and columns of the terminal; 24 and 80 where there is none."""
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(sys.stdout.fileno())
        if size.lines and size.columns:
            return size.lines, size.columns
    return 24, 80


async def _run(connection: Connection, job: str, rank: int, command: Command) -> int:
    from lilac.client.tunnels import open_tunnel

    tunnel = await open_tunnel(connection, job, command, rank=rank)
    try:
        with _raw_terminal(command.tty):
            return await _converse(tunnel, command.tty)
    finally:
        await tunnel.close()


async def _converse(tunnel: ClientTunnel, tty: bool) -> int:
    import asyncio

    from lilac.tunnel.frames import Kind, read_exit

    loop = asyncio.get_running_loop()
    sending: set[asyncio.Task[None]] = set()

    def send(frame: Frame) -> None:
        task = loop.create_task(_quietly(tunnel, frame))
        sending.add(task)
        task.add_done_callback(sending.discard)

    feeding = loop.create_task(_feed(tunnel))
    code = 0
    try:
        with _signals(loop, send, tty):
            async for frame in tunnel.frames():
                match frame.kind:
                    case Kind.OUTPUT | Kind.ERRORS:
                        stream = 1 if frame.kind is Kind.OUTPUT else 2
                        await asyncio.to_thread(_write, stream, frame.data)
                        await tunnel.credit(len(frame.data))
                    case Kind.EXIT:
                        told = read_exit(frame)
                        if isinstance(told, str):
                            raise Conflict(told)
                        code = told
                    case _:
                        pass
    finally:
        for task in (feeding, *sending):
            task.cancel()
        await asyncio.gather(feeding, *sending, return_exceptions=True)
    return code


async def _quietly(tunnel: ClientTunnel, frame: Frame) -> None:
    with suppress(LilacError):  # the reader of frames tells that the connection broke
        await tunnel.send(frame)


async def _feed(tunnel: ClientTunnel) -> None:
    """Pass standard input on to its end. Read by a thread: not every kind of input can be waited for otherwise."""
    import asyncio
    import threading

    from lilac.tunnel.frames import MOST_BYTES, Frame, Kind

    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    go_on = threading.Semaphore(4)

    def read() -> None:
        while True:
            go_on.acquire()
            try:
                data = os.read(0, MOST_BYTES)
            except OSError:
                data = b""
            with suppress(RuntimeError):  # the loop is closed: the session is over
                loop.call_soon_threadsafe(chunks.put_nowait, data)
            if not data:
                return

    threading.Thread(target=read, name="lilac-stdin", daemon=True).start()
    with suppress(LilacError):
        while data := await chunks.get():
            await tunnel.input(data)
            go_on.release()
        await tunnel.send(Frame(Kind.END))


def _write(stream: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(stream, view) :]


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, send: Callable[[Frame], None], tty: bool) -> Iterator[None]:
    from lilac.tunnel.frames import Frame, Kind, resize_frame

    interrupted = False

    def pass_on(name: str) -> None:
        nonlocal interrupted
        if name == "SIGINT" and interrupted:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        interrupted = interrupted or name == "SIGINT"
        send(Frame(Kind.SIGNAL, name.encode()))

    handlers: dict[int, Callable[[], None]] = {}
    if tty:
        handlers[signal.SIGWINCH] = lambda: send(resize_frame(*terminal_size()))
    else:
        handlers[signal.SIGINT] = lambda: pass_on("SIGINT")
        handlers[signal.SIGTERM] = lambda: pass_on("SIGTERM")
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


@contextmanager
def _raw_terminal(wanted: bool) -> Iterator[None]:
    """Every key goes to the other side, and what comes back is shown as it is."""
    if not wanted or not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed already is kept
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


async def _forward(connection: Connection, job: str, rank: int, address: str, pairs: list[tuple[int, int]]) -> None:
    import asyncio

    servers: list[asyncio.Server] = []
    try:
        for local, remote in pairs:
            server = await asyncio.start_server(_carrier(connection, job, rank, remote), address, local)
            servers.append(server)
            port = server.sockets[0].getsockname()[1]
            click.echo(f"Forwarding {address}:{port} to port {remote} of {job}, replica {rank}. Ctrl-C ends it.")
            sys.stdout.flush()
        await asyncio.gather(*(server.serve_forever() for server in servers))
    finally:
        for server in servers:
            server.close()


def _carrier(
    connection: Connection, job: str, rank: int, remote: int
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]:
    import asyncio

    from lilac.client.tunnels import open_tunnel
    from lilac.tunnel.frames import MOST_BYTES, Frame, Kind, Port

    async def inward(tunnel: ClientTunnel, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(MOST_BYTES):
            await tunnel.input(data)
        await tunnel.send(Frame(Kind.END))

    async def outward(tunnel: ClientTunnel, writer: asyncio.StreamWriter) -> None:
        async for frame in tunnel.frames():
            if frame.kind is Kind.OUTPUT:
                writer.write(frame.data)
                await writer.drain()
                await tunnel.credit(len(frame.data))

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            tunnel = await open_tunnel(connection, job, Port(remote), rank=rank)
        except LilacError as error:
            note(f"A connection was refused: {error}")
            writer.close()
            return
        feeding = asyncio.get_running_loop().create_task(inward(tunnel, reader))
        try:
            await outward(tunnel, writer)
        except (LilacError, OSError) as error:
            note(f"A connection broke: {error}")
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            writer.close()
            await tunnel.close()

    return carry


def _port_pair(text: str) -> tuple[int, int]:
    local, colon, remote = text.rpartition(":")
    words = (local if colon else remote, remote)
    if not all(word.isdecimal() and int(word[:6]) <= 65_535 for word in words) or int(words[1][:6]) == 0:
        raise click.BadParameter(f"{text!r} is not [LOCAL:]REMOTE, two ports such as 8080:80.")
    return int(words[0]), int(words[1])
