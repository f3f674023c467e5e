"""What a job asks for and what a machine has: CPU, memory and single GPUs.

Units: CPU in millicores (1000 = one core), memory in MiB, GPU memory in MiB on devices and in GB on requests, as
people say it ("an 80 GB card").

GPU models are free text, as the driver says them ("NVIDIA H100 80GB HBM3"). A request names a model by its words:
the words must occur in the device's name in that order, whole, in any case. So "L4" is not an "L40S", "A100" is not
an "RTX A1000", and "A100 80GB" picks the larger one of two kinds.

A GPU that is divided into MIG devices is not offered itself; each of its devices is a unit of its own, whose model
says so ("NVIDIA A100-SXM4-40GB MIG 1g.5gb"). Who asks for an A100 means a whole one, so a MIG device is given only to
requests that name it ("1g.5gb", "A100 MIG") and to those for a single GPU of any model; a program can use only one.

GPU memory: a driver reports a little less than the number on the box (error correction, reserved regions: a "16 GB"
T4 shows 15 109 MiB), so a device counts as having N GB from 95 % of N x 10^9 bytes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from lilac.model.errors import InvalidInput

INT32_MAX = 2_147_483_647
_MIB = 1 << 20
_SLICES = re.compile(r"\d+g")
"""The first half of a MIG profile: `1g.5gb` is one compute slice with 5 GB."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU of a node, or one MIG device of a divided GPU.

    An unhealthy one keeps what runs on it but gets nothing new. A lost one does not answer any more: it is unhealthy,
    and what ran on it cannot go on.
    """

    uuid: str
    model: str
    memory_mb: int
    healthy: bool = True
    lost: bool = False
    problem: str | None = None
    """Why it is unhealthy, in words."""
    mig: str | None = None
    """The profile of a MIG device, such as `1g.5gb`; its model says it too."""
    parent: str | None = None
    """The uuid of the GPU that a MIG device is a part of."""
    pci_bus_id: str | None = None
    compute_capability: str | None = None

    def failed(self, problem: str, *, lost: bool = False) -> Gpu:
        """This GPU, unhealthy."""
        return replace(self, healthy=False, lost=lost, problem=problem)


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """GPUs per replica: how many, and what each must be."""

    count: int
    model: str | None = None
    memory_gb: int | None = None

    def accepts(self, gpu: Gpu) -> bool:
        """Whether this GPU is of the model and size asked for (health aside)."""
        if self.memory_gb is not None and gpu.memory_mb < required_gpu_memory_mb(self.memory_gb):
            return False
        if self.model is None:
            return self.count == 1 or not names_mig(gpu.model)
        return model_matches(self.model, gpu.model) and (names_mig(self.model) or not names_mig(gpu.model))

    @property
    def kind(self) -> str:
        """What each must be, in words."""
        return f"{self.model or 'GPU'}{f' with {self.memory_gb} GB' if self.memory_gb is not None else ''}"

    def __str__(self) -> str:
        return f"{self.count} × {self.kind}"


@dataclass(frozen=True, slots=True)
class ResourceRequest:
    """What one replica needs on its node."""

    cpu_millicores: int
    memory_mb: int
    gpus: GpuRequest | None = None

    @property
    def gpu_count(self) -> int:
        return self.gpus.count if self.gpus is not None else 0


def required_gpu_memory_mb(memory_gb: int) -> int:
    """The least MiB a driver must report for a device to count as having `memory_gb` GB."""
    return int(memory_gb * 1_000_000_000 * 0.95 / _MIB)


@lru_cache(maxsize=4096)
def model_matches(wanted: str, device_name: str) -> bool:
    """Whether all words of `wanted` occur in `device_name`, whole and in order, in any case."""
    device_words = iter(_words(device_name))
    return all(word in device_words for word in _words(wanted))


@lru_cache(maxsize=4096)
def names_mig(name: str) -> bool:
    """Whether a GPU's name, or the words of a request, mean a MIG device: by the word itself or by a profile."""
    return any(word == "mig" or _SLICES.fullmatch(word) for word in _words(name))


def check_request(request: ResourceRequest) -> None:
    """Raise `InvalidInput` for a request that makes no sense on any machine."""
    problems = list(_problems(request))
    if problems:
        raise InvalidInput(f"resource_requirements: {'; '.join(problems)}.", field="resource_requirements")


def _problems(request: ResourceRequest) -> Iterable[str]:
    if not 1 <= request.cpu_millicores <= INT32_MAX:
        yield f"cpu_millicores must be between 1 and {INT32_MAX} (1000 is one core), not {request.cpu_millicores}"
    if not 1 <= request.memory_mb <= INT32_MAX:
        yield f"memory_mb must be between 1 and {INT32_MAX}, not {request.memory_mb}"
    gpus = request.gpus
    if gpus is None:
        return
    if not 1 <= gpus.count <= 1024:
        yield f"gpus.count must be between 1 and 1024, not {gpus.count} (leave gpus out for a job without GPUs)"
    if gpus.memory_gb is not None and not 1 <= gpus.memory_gb <= 65_536:
        yield f"gpus.memory_gb must be between 1 and 65536, not {gpus.memory_gb}"
    if gpus.model is not None and not _words(gpus.model):
        yield f"gpus.model must name a GPU model such as H100, not {gpus.model!r}"


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", name.lower()))
