"""What `lilac top` shows: styled lines for a given width and height. Pure, so it is tested without a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lilac.cli import live_use, wording
from lilac.cli.output import clean, text_width

if TYPE_CHECKING:
    from lilac.client.shapes import Job, Node, Queue, UsageSample

LIVE = ("running", "starting", "queued")
HELP = "q quit   ↑↓ select   enter show   c cancel   p pause"
_BAR = 10
_NARROW_BAR = 6
_WIDE = 100
"""Columns from which on owners and longer names are shown."""
_WIDER = 120
"""From which on it is shown what running jobs use, and why others wait."""
_LEAST_JOB_ROWS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `style` is `plain`, `title`, `heading`, `selected`, `dim` or `alarm`."""

    text: str
    style: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known, and where the user is."""

    endpoint: str
    nodes: Sequence[Node] = ()
    queues: Sequence[Queue] = ()
    jobs: Sequence[Job] = ()
    """Running, starting, then waiting ones."""
    waits: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why jobs wait, as far as it is known, by their ids."""
    uses: Mapping[str, UsageSample] = field(default_factory=dict[str, "UsageSample"])
    more_jobs: bool = False
    loaded: bool = False
    trouble: str | None = None
    """Why what is shown may be old."""
    paused: bool = False
    selected: str | None = None
    """The id of the job under the cursor."""
    remark: str | None = None
    """About the selected job, or a question to the user."""
    details: tuple[str, ...] = field(default=())
    """What is shown instead of the lists, where something is looked at closely."""


def draw(state: State, width: int, height: int, now: float) -> list[Line]:
    """The screen, at most `height` lines of at most `width` columns."""
    lines = [_title(state), *([Line(state.trouble, "alarm")] if state.trouble else [])]
    if state.details:
        lines += [Line(text) for text in state.details]
        lines = lines[: height - 1]
        lines += [Line("")] * (height - 1 - len(lines))
        lines.append(Line("any key: back", "dim"))
        return [_cut_line(line, width) for line in lines]
    footer = [Line(state.remark or "", "plain" if state.remark else "dim"), Line(HELP, "dim")]
    room = height - len(lines) - len(footer)
    lines += _lists(state, room, width, now)
    lines += [Line("")] * (height - len(lines) - len(footer))
    return [_cut_line(line, width) for line in [*lines[: height - len(footer)], *footer]]


def listing(state: State, now: float) -> list[str]:
    """Everything, for a program or a pipe: nothing is cut."""
    return [line.text.rstrip() for line in [_title(state), *_lists(state, 10_000, _WIDER, now)]]


def move(state: State, by: int) -> State:
    """The cursor moved over the jobs."""
    ids = [job["job_id"] for job in state.jobs]
    if not ids:
        return replace(state, selected=None, remark=None)
    at = ids.index(state.selected) if state.selected in ids else (-1 if by > 0 else 0)
    return replace(state, selected=ids[max(0, min(len(ids) - 1, at + by))], remark=None)


def _lists(state: State, room: int, width: int, now: float) -> list[Line]:
    if not state.loaded:
        return [Line(""), Line("Looking …", "dim")]
    nodes, queues = _nodes(state, width), _queues(state)
    for_jobs = max(_LEAST_JOB_ROWS, room - len(nodes) - len(queues) - 3)
    spare = room - for_jobs - 3
    if len(nodes) + len(queues) > spare:
        keep = max(2, spare - min(len(queues), max(2, spare // 3)))
        nodes = _shortened(nodes, keep)
        queues = _shortened(queues, max(2, spare - len(nodes)))
    jobs = _jobs(state, room - len(nodes) - len(queues) - 3, width, now)
    return [Line(""), *nodes, Line(""), *queues, Line(""), *jobs]


def _title(state: State) -> Line:
    counts = {word: sum(job["job_status"] == word for job in state.jobs) for word in LIVE}
    waiting = sum(queue.get("waiting_jobs", 0) for queue in state.queues)
    lost = sum(node["node_status"] == "lost" for node in state.nodes)
    words = ["Lilac", state.endpoint]
    if state.loaded:
        words.append(f"{counts['running']}{'+' if state.more_jobs else ''} running")
        if counts["starting"]:
            words.append(f"{counts['starting']} starting")
        words.append(f"{waiting} waiting")
        live = len(state.nodes) - lost
        words.append(f"{live} {'node' if live == 1 else 'nodes'}" + (f", {lost} lost" if lost else ""))
    if state.paused:
        words.append("PAUSED")
    return Line("   ".join(words), "title")


def _nodes(state: State, width: int) -> list[Line]:
    name_width, bar = (20, _BAR) if width >= _WIDE else (13, _NARROW_BAR)
    if not state.nodes:
        return [
            Line(f"{'NODE':20}", "heading"),
            Line("none yet: `lilac agent configure` and `lilac agent start` on a machine make it one"),
        ]
    gpu_width = 15 if width >= _WIDE else 5
    head = f"{'NODE':{name_width}} {'STATE':9} {'CPU':{bar + 9}} {'MEMORY':{bar + 11}} {'GPUS':{gpu_width}} JOBS"
    lines = [Line(head, "heading")]
    for node in state.nodes:
        free = node.get("free")
        cpu, memory = node["cpu"]["millicores"], node["memory_mb"]
        gpus = node.get("gpus", [])
        used_gpus = sum(gpu["job_id"] is not None for gpu in gpus)
        sick = sum(not gpu["healthy"] for gpu in gpus)
        used_cpu = cpu - free["cpu_millicores"] if free else 0
        used_memory = memory - free["memory_mb"] if free else 0
        held = f"{used_gpus}/{len(gpus)}" + (f", {sick} sick" if sick else "") if gpus else "-"
        text = (
            f"{_fit(clean(node.get('name') or node['id'][:8]), name_width)} {node['node_status']:9} "
            f"{_bar(used_cpu, cpu, bar)} {wording.cores(used_cpu) + '/' + wording.cores(cpu):8} "
            f"{_bar(used_memory, memory, bar)} {_gigabytes(used_memory) + '/' + _gigabytes(memory):10} "
            f"{held:{gpu_width}} {len(node.get('jobs', []))}"
        )
        lines.append(Line(text, "alarm" if node["node_status"] == "lost" or sick else "plain"))
    return lines


def _queues(state: State) -> list[Line]:
    if not state.queues:
        return [Line(f"{'QUEUE':20}", "heading"), Line("none yet: `lilac queues create NAME --cluster CLUSTER`")]
    running: dict[str | None, int] = {}
    for job in state.jobs:
        if job["job_status"] != "queued":
            running[job["queue_id"]] = running.get(job["queue_id"], 0) + 1
    lines = [Line(f"{'QUEUE':20} {'PRIORITY':>8} {'RUNNING':>8} {'WAITING':>8}", "heading")]
    for queue in state.queues:
        paused = "  paused" if queue.get("paused") else ""
        lines.append(
            Line(
                f"{_fit(clean(queue['name']), 20)} {queue['priority']:>8} {running.get(queue['id'], 0):>8} "
                f"{queue.get('waiting_jobs', 0):>8}{paused}"
            )
        )
    return lines


def _jobs(state: State, rows: int, width: int, now: float) -> list[Line]:
    if width >= _WIDE:
        head = Line(f"{'JOB':9} {'NAME':24} {'STATE':9} {'QUEUE':14} {'OWNER':12} {'NODE':16} {'SINCE':7}", "heading")
        if width >= _WIDER:
            head = replace(head, text=f"{head.text}  USES, OR WHY IT WAITS")
    else:
        head = Line(f"{'JOB':9} {'NAME':21} {'STATE':9} {'QUEUE':13} {'NODE':13} SINCE", "heading")
    if not state.jobs:
        return [head, Line("nothing runs or waits: `lilac submit` changes that")]
    rows = max(1, rows - 1)
    ids = [job["job_id"] for job in state.jobs]
    at = ids.index(state.selected) if state.selected in ids else 0
    first = min(max(0, at - rows + 2), max(0, len(ids) - rows))
    shown = state.jobs[first : first + rows]
    lines = [head, *(_job(state, job, width, now) for job in shown)]
    left = len(ids) - first - len(shown)
    if left or state.more_jobs:
        lines[-1] = Line(f"… {left + 1}{' or more' if state.more_jobs else ''} further jobs", "dim")
    return lines


def _job(state: State, job: Job, width: int, now: float) -> Line:
    selected = state.selected == job["job_id"]
    since = wording.epoch(job.get("started_at") or job["created_at"])
    name, queue, node = clean(job["job_name"]), clean(job.get("queue_name") or "-"), clean(job.get("node_name") or "-")
    age = wording.span(now - since) if since else "-"
    if width >= _WIDE:
        owner = _fit(clean(job.get("owner") or "-"), 12)
        middle = f"{_fit(name, 24)} {job['job_status']:9} {_fit(queue, 14)} {owner} {_fit(node, 16)}"
    else:
        middle = f"{_fit(name, 21)} {job['job_status']:9} {_fit(queue, 13)} {_fit(node, 13)}"
    text = f"{wording.short(job['job_id']):9} {middle} {age}"
    if width >= _WIDER and (told := _told(state, job)):
        text = f"{wording.short(job['job_id']):9} {middle} {age:7}  {told}"
    return Line(text, "selected" if selected else "dim" if job["job_status"] == "queued" else "plain")


def _told(state: State, job: Job) -> str:
    """What a running job uses, and why another one waits."""
    if job["job_status"] == "queued":
        return clean(state.waits.get(job["job_id"], ""))
    use = state.uses.get(job["job_id"])
    return live_use.in_words(use) if use is not None else ""


def _bar(used: int, total: int, width: int) -> str:
    full = min(width, round(width * used / total)) if total > 0 else 0
    return "█" * full + "░" * (width - full)


def _gigabytes(mb: int) -> str:
    return f"{mb / 1024:.0f}G" if mb >= 10_240 else f"{mb / 1024:.1f}G"


def _shortened(lines: list[Line], most: int) -> list[Line]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], Line(f"… {len(lines) - most + 1} more", "dim")]


def _fit(text: str, width: int) -> str:
    cut = _cut(text, width)
    return cut + " " * (width - text_width(cut))


def _cut_line(line: Line, width: int) -> Line:
    return Line(_cut(line.text, width), line.style)


def _cut(text: str, width: int) -> str:
    if text_width(text) <= width:
        return text
    kept = text
    while kept and text_width(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…" if width > 0 else ""
