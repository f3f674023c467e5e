"""The NVIDIA GPUs of this machine, by NVML: what they are, how they are, and how much they are used.

A machine without driver has none. Every call but the few that name a device may be missing in a driver, or fail; then
only that detail is missing. A GPU in MIG mode is represented by its MIG devices, which are what jobs get.

| seen | told |
| --- | --- |
| uncorrected memory errors since the last reset, pages or rows that wait for one, rows beyond repair | unhealthy |
| a critical Xid that is not the program's fault | unhealthy for ten minutes |
| a GPU known before that is not there any more, or that the driver calls lost | unhealthy and lost |
| the driver does not start (it was replaced under running programs, say) | what is known stays, unhealthy |

Everything here blocks, for ever if a driver is sick: `devices` calls it on a thread of its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pynvml
import structlog

from lilac.model.resources import Gpu, model_matches

log = structlog.get_logger(__name__)

XID_QUARANTINE_S = 600.0
PROGRAM_XIDS = frozenset({13, 31, 43, 45, 68, 109})
"""Xids that a program causes; the same that NVIDIA's own Kubernetes plug-in disregards."""
LEGACY_MODELS = ("A100", "A10G", "B200", "H100", "H200", "L40S", "L4", "T4g", "T4", "V100")
"""The words that an original server knows."""

_MIB = 1 << 20
_PROFILE = re.compile(r"\bMIG (\S+)$")
_LOST = (pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a GPU is used. `utilization_pct` is None where the driver does not tell it (MIG devices)."""

    memory_mb: int
    utilization_pct: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at all GPUs; `gpus` is None where nothing can be said about them."""

    gpus: tuple[Gpu, ...] | None = ()
    drivers: dict[str, str] = field(default_factory=dict[str, str])
    use: dict[str, Use] = field(default_factory=dict[str, Use])
    """By uuid."""


class GpuReader:
    """Reads the GPUs afresh at every call, and remembers which there were. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, Gpu] = {}
        self._index: dict[str, int] = {}
        """Where each physical GPU was last seen; a divided one too."""
        self._divided: set[str] = set()
        """The GPUs that were just seen in MIG mode; they are not offered themselves."""
        self._xids: dict[str, tuple[int, float]] = {}
        self._drivers: dict[str, str] = {}
        self._events: Any = None
        self._ready = False
        self._told = ""

    def read(self) -> Reading:
        """Look at all GPUs, in the driver's order."""
        try:
            count = self._open()
        except pynvml.NVMLError as error:
            self.close()
            if error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND and not self._known:  # type: ignore[attr-defined]
                return Reading()
            self._tell(str(error))
            if not self._known:
                return Reading(gpus=None)
            return Reading(tuple(gpu.failed(f"NVML: {error}") for gpu in self._known.values()), self._drivers)
        self._take_events()
        use: dict[str, Use] = {}
        seen: dict[str, Gpu] = {}
        self._divided = set()
        for index in range(count):
            for gpu, used in self._device(index):
                seen[gpu.uuid] = gpu
                if used is not None:
                    use[gpu.uuid] = used
        self._known = {**seen, **{gpu.uuid: gpu for gpu in self._missing(seen)}}
        return Reading(tuple(self._known.values()), self._drivers, use)

    def close(self) -> None:
        if self._ready:
            self._ready, self._events = False, None
            try:
                pynvml.nvmlShutdown()
            except pynvml.NVMLError as error:
                log.debug("NVML did not shut down", why=str(error))

    def _open(self) -> int:
        if not self._ready:
            pynvml.nvmlInit()
            self._ready = True
            cuda = _detail(pynvml.nvmlSystemGetCudaDriverVersion)
            versions = {
                "nvidia": _detail(lambda: _text(pynvml.nvmlSystemGetDriverVersion())),
                "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
            }
            self._drivers = {name: version for name, version in versions.items() if version}
            self._events = _detail(pynvml.nvmlEventSetCreate)
        return int(pynvml.nvmlDeviceGetCount())

    def _device(self, index: int) -> Iterator[tuple[Gpu, Use | None]]:
        """The units of the GPU at this place: itself, or its MIG devices."""
        try:
            handle: Any = pynvml.nvmlDeviceGetHandleByIndex(index)
            gpu = Gpu(
                uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
                model=_text(pynvml.nvmlDeviceGetName(handle)),
                memory_mb=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total) // _MIB,
                pci_bus_id=_detail(lambda: _text(pynvml.nvmlDeviceGetPciInfo(handle).busId)),
                compute_capability=_detail(lambda: "{}.{}".format(*pynvml.nvmlDeviceGetCudaComputeCapability(handle))),
            )
        except pynvml.NVMLError as error:
            self._tell(f"GPU {index}: {error}")
            lost = error.value in _LOST  # type: ignore[attr-defined]
            for known in self._at(index):
                yield known.failed(str(error), lost=lost), None
            return
        if gpu.uuid not in self._index and self._events is not None:
            _detail(lambda: pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, self._events))
        self._index[gpu.uuid] = index
        problem = self._problem(gpu.uuid, handle)
        if problem is not None:
            gpu = gpu.failed(problem)
        mode = _detail(lambda: pynvml.nvmlDeviceGetMigMode(handle))
        if not mode or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            yield gpu, _use(handle)
            return
        self._divided.add(gpu.uuid)
        most = _detail(lambda: pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
        for place in range(most):
            part: Any = _detail(lambda place=place: pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place))
            device = _detail(lambda part=part: _mig_device(gpu, part)) if part is not None else None
            if device is not None:
                yield device, _use(part)

    def _at(self, index: int) -> list[Gpu]:
        """The units known of the GPU that was last seen at this place."""
        uuids = {uuid for uuid, place in self._index.items() if place == index}
        return [gpu for gpu in self._known.values() if gpu.uuid in uuids or gpu.parent in uuids]

    def _missing(self, seen: dict[str, Gpu]) -> Iterator[Gpu]:
        """What was known and is not there. A MIG device of a GPU that is there was taken away on purpose."""
        for uuid, gpu in self._known.items():
            there = uuid in seen or uuid in self._divided
            taken = gpu.parent is not None and (gpu.parent in self._divided or gpu.parent in seen)
            if not there and not taken:
                yield gpu if gpu.lost else gpu.failed("the driver does not see it any more", lost=True)

    def _problem(self, uuid: str, handle: Any) -> str | None:
        errors = _detail(
            lambda: pynvml.nvmlDeviceGetTotalEccErrors(
                handle, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
            )
        )
        if errors:
            return f"{errors} uncorrected memory errors since its last reset"
        if _detail(lambda: pynvml.nvmlDeviceGetRetiredPagesPendingStatus(handle)):
            return "pages of its memory wait for a reset to be retired"
        rows = _detail(lambda: pynvml.nvmlDeviceGetRemappedRows(handle))
        if rows and rows[3]:
            return "a row of its memory could not be replaced"
        if rows and rows[2]:
            return "rows of its memory wait for a reset to be replaced"
        xid, at = self._xids.get(uuid, (0, 0.0))
        if xid and self._clock() - at < XID_QUARANTINE_S:
            return f"the driver reported Xid {xid}"
        return None

    def _take_events(self) -> None:
        while self._events is not None:
            event = _detail(lambda: pynvml.nvmlEventSetWait_v2(self._events, 0))
            if event is None:
                return
            xid = int(event.eventData)
            uuid = _detail(lambda event=event: _text(pynvml.nvmlDeviceGetUUID(event.device)))
            if uuid is not None and xid not in PROGRAM_XIDS:
                log.warning("the GPU driver reports an error", gpu=uuid, xid=xid)
                self._xids[uuid] = (xid, self._clock())

    def _tell(self, words: str) -> None:
        if words != self._told:
            self._told = words
            log.info("NVML", says=words)


def legacy_word(model: str) -> str:
    """Return the original protocol's word for a GPU; like the original agent, T4 for one that it has no word for."""
    return next((word for word in LEGACY_MODELS if model_matches(word, model)), "T4")


def _mig_device(parent: Gpu, handle: Any) -> Gpu:
    uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
    memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total) // _MIB
    name = _detail(lambda: _text(pynvml.nvmlDeviceGetName(handle))) or ""
    found = _PROFILE.search(name)
    if found is None:
        slices = _detail(lambda: pynvml.nvmlDeviceGetAttributes(handle).gpuInstanceSliceCount) or 1
        profile = f"{slices}g.{max(1, round(memory / 1024))}gb"
        name = f"{parent.model} MIG {profile}"
    else:
        profile = found.group(1)
    return replace(parent, uuid=uuid, model=name, memory_mb=memory, mig=profile, parent=parent.uuid)


def _use(handle: Any) -> Use | None:
    memory = _detail(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).used)
    if memory is None:
        return None
    return Use(int(memory) // _MIB, _detail(lambda: int(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)))


def _detail(ask: Callable[[], Any]) -> Any:
    """What a driver may or may not tell."""
    try:
        return ask()
    except pynvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
