"""Amounts, nodes and times in the words of the sentences that people read."""

from __future__ import annotations

from collections.abc import Sequence

from lilac.model.limits import DIMENSIONS, Amount, Limits
from lilac.model.resources import GpuRequest
from lilac.scheduling.limiting import Limited
from lilac.scheduling.reasons import Dimension
from lilac.scheduling.views import NodeView, QueueView, Shape


def amount(dimension: Dimension, value: int, gpus: GpuRequest | None = None) -> str:
    """`2.5 CPUs`, `4096 MB of memory`, `8 × H100`, `3 replicas`."""
    if dimension is Dimension.CPU:
        return f"{cores(value)} {'CPU' if value == 1000 else 'CPUs'}"
    if dimension is Dimension.MEMORY:
        return f"{value} MB of memory"
    if dimension is Dimension.GPU:
        if gpus is not None:
            return str(GpuRequest(value, gpus.model, gpus.memory_gb))
        return f"{value} {'GPU' if value == 1 else 'GPUs'}"
    return f"{value} {dimension}{'' if value == 1 else 's'}"


def cores(millicores: int) -> str:
    """`2`, `0.5`, `1.25`."""
    return f"{millicores / 1000:.3f}".rstrip("0").rstrip(".")


def wanted(shape: Shape) -> str:
    """What one replica needs, in full."""
    need, gpus = shape.resources, shape.gpus
    return listed(
        [
            *([str(gpus)] if gpus is not None else []),
            amount(Dimension.CPU, need.cpu_millicores),
            amount(Dimension.MEMORY, need.memory_mb),
        ]
    )


def wanted_briefly(shape: Shape) -> str:
    """What one replica needs: its GPUs, or in full where it needs none."""
    return wanted(shape) if shape.gpus is None else str(shape.gpus)


def limit_sentence(queue: QueueView, limited: Limited, now: float) -> str:
    """`user ada has 4 of at most 4 GPUs in queue training; enough of it ends in 12 min`."""
    who = f"user {limited.owner_id}" if limited.user and limited.owner_id else "its user" if limited.user else "it"
    where = f"queue {queue.name}"
    if limited.never:
        most = listed([_limit(name, limited.limits) for name in limited.short])
        needs = listed([_held(name, limited.needed) for name in limited.short])
        whom = "each user of " if limited.user else ""
        return f"needs {needs}, but {whom}{where} may have at most {most} at once"
    if not limited.short:
        whose = f"the limit of {who} in {where}" if limited.user else f"the limit of {where}"
        return f"job {limited.turn_of} before it in line is kept what is left of {whose}"
    facts = listed([_used(name, limited) for name in limited.short])
    sentence = f"{who} has {facts} in {where}" if limited.user else f"{where} has {facts}"
    if limited.needed.running_jobs and limited.short != ("running_jobs",):
        sentence += f", and it needs {listed([_held(n, limited.needed) for n in limited.short if n != 'running_jobs'])}"
    if limited.start is not None:
        sentence += f"; enough of it ends in {span(limited.start - now)}"
    return sentence


def _used(name: str, limited: Limited) -> str:
    used = dict(zip(DIMENSIONS, limited.used, strict=True))[name]
    shown = cores(used) if name == "cpu_millicores" else str(used)
    return f"{shown} of at most {_limit(name, limited.limits)}"


def _limit(name: str, limits: Limits) -> str:
    return _in_words(name, dict(zip(DIMENSIONS, limits, strict=True))[name] or 0)


def _held(name: str, held: Amount) -> str:
    return _in_words(name, dict(zip(DIMENSIONS, held, strict=True))[name])


def _in_words(name: str, value: int) -> str:
    if name == "running_jobs":
        return f"{value} running {'job' if value == 1 else 'jobs'}"
    return amount({"gpus": Dimension.GPU, "cpu_millicores": Dimension.CPU}.get(name, Dimension.MEMORY), value)


def node_names(nodes: Sequence[NodeView], most: int = 3) -> str:
    """`node-1, node-2 and 5 more`."""
    names = sorted(node.name for node in nodes)
    if len(names) > most:
        return listed([*names[:most], f"{len(names) - most} more"])
    return listed(names)


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def span(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`, `2 d 5 h`; rounded up, so that nothing is promised too early."""
    whole = max(0, -int(-seconds // 1))
    if whole < 120:
        return f"{whole} s"
    minutes = -(-whole // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours + (minutes > 0), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
