"""Amounts, nodes and times in the words of the sentences that people read."""

from __future__ import annotations

from collections.abc import Sequence

from lilac.model.resources import GpuRequest
from lilac.scheduling.reasons import Dimension
from lilac.scheduling.views import NodeView, Shape


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
